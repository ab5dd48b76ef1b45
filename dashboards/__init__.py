"""What the pages look like: a spec for each page, chart specs, templates and static files.

Nothing is computed from events here and nothing is read from disk: figures come as `Facts` from
pipelines/publish, and leave as a `Page` that pipelines/publish/site.py renders.
"""
