"""Work on records that were not accepted: list and show them, read them again after a fix, or drop them."""
