"""What people do with the cases of the watch: look at them, decide, and hand out evidence.

How a case is found belongs in pipelines/watch, how it is shown on pages in dashboards/.
"""
