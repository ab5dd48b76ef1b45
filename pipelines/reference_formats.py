"""Writes docs/formats.md: how each log format is recognised, and what its columns are made from.

All of it is read from the mappings: their heads, the comment below the head, and the SQL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.landing.formats import load_formats
from pipelines.landing.lineage.text import OF_ALL, told

if TYPE_CHECKING:
    from pipelines.landing.formats import Format

_FILE_TYPES = {"jsonl": "JSON lines", "csv": "CSV", "parquet": "Parquet"}
# Names with an underscore or an asterisk, which Markdown would take for emphasis.
_NAME = re.compile(r"(?<![\w.])[A-Za-z][\w.]*[_*](?:[\w.*]*[\w*])?")


def formats_page() -> str:
    """Every format with the source's fields of each column, as Markdown."""
    formats = load_formats().values()
    links = ", ".join(f"[`{f.name}`](#{f.name})" for f in formats)
    sections = "\n".join(_section(f) for f in formats)
    return f"""# Log formats

<!-- Written by `make docs` from pipelines/landing/formats/; do not edit. -->

{links}

A folder under `landing/` with no entry in `meterhouse.toml` is recognised by the fields of its first record.

The tables say from which fields of the source's record each column of [the canonical event](events.md) is made:
`choices[]` is any item of a list, `'openai'` a value that stands in the mapping. Fields that only decide which of these
it is are in the third column; no other field has a say. A column that a table leaves out is null, or 0 where it counts
something. What is then null is filled from `[sources.constants]` of `meterhouse.toml`.

{sections}"""


def _section(fmt: Format) -> str:
    alternatives = " or ".join(_codes(a) for a in fmt.recognise)
    facts = [
        f"Files: {', '.join(_FILE_TYPES[t] for t in fmt.file_types)}",
        f"Recognised by: {alternatives or 'nothing, name it in `meterhouse.toml`'}",
    ]
    if fmt.inside:
        facts.append(f"A line may hold many records: `{fmt.inside.removeprefix('$.')}`")
    if fmt.hidden:
        facts.append(f"Never kept as they come, as they hold a key or a person: {_codes(fmt.hidden)}")
    columns = told(fmt, lambda name: f"`{name}`")
    parts = [f"## {fmt.name}", f"{fmt.title}.", "\n".join(f"- {fact}" for fact in facts), _prose(fmt.body)]
    if not isinstance(fmt.shape, dict):
        parts.append(f"{'Every other' if columns.rows else 'Every'} column is {OF_ALL[fmt.shape]}.")
    if columns.rows:
        rows = "\n".join(f"| `{name}` | {made} | {chosen} |" for name, made, chosen in columns.rows)
        parts.append(f"| column | made from | chosen by |\n|---|---|---|\n{rows}")
    if columns.below:
        parts.append(f"† or the same below `{columns.below}`.")
    return "\n\n".join(filter(None, parts)) + "\n"


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _prose(body: str) -> str:
    """The comment that the SQL begins with, as a paragraph."""
    lines = []
    for line in body.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    pieces = " ".join(lines).split("`")
    pieces[::2] = [_NAME.sub(lambda m: f"`{m.group()}`", piece) for piece in pieces[::2]]
    return "`".join(pieces)
