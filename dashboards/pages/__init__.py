"""One module a page: which tiles, tables and charts it shows, and the sentence that heads each."""
