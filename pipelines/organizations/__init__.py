"""Facts about organisations that no log holds: when they joined, who pays, what they are licensed for.

Reads, checks and loads the home's organizations.csv or organizations.yaml. What is concluded from the facts
belongs in pipelines/watch.
"""
