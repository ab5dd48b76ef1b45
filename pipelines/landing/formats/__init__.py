"""Loads the format mappings: one SQL file a format, headed by what it reads and how it is recognised.

The head is TOML between `/*---` and `---*/`: title, file_types, recognise (the keys of a record
that give the format away; a list of lists for alternatives), shape (the JSON fields it reads),
hidden (names of those that hold a key or a person: quarantine never shows them), by_record (true
where the body makes of each record what it does from its `doc` alone, without its text or other
records: such files are read several times faster), alone (true where it does so without other
records, but not without their text: many very long ones are read in parts) and, where a line
holds many records, inside (the JSON path of all of them: the reader counts by it, the body takes
them apart and gives each a number of its own for a line, and its own text).
What bodies have in common stands in parts/<name>.sql, a statement of its own that `{{ name }}` brings in.
The body selects from the relation `records(line, raw, doc)` and names every mapped column of the
contract, besides line, raw, unreadable and problem (a struct of field and reason, or null).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.landing.contract import MAPPED
from pipelines.sql import identifier

_PARTS = Path(__file__).with_name("parts")
_HEAD = re.compile(r"/\*---\n(.*?)---\*/\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Format:
    """One log format: its name, and what the head of its file says, with the SQL body."""

    name: str
    title: str
    file_types: tuple[str, ...]
    recognise: tuple[tuple[str, ...], ...]
    shape: dict[str, Any] | str
    hidden: tuple[str, ...]
    by_record: bool
    inside: str | None
    body: str
    alone: bool = False

    def sql(self) -> str:
        """The mapping's SELECT, with the contract's columns written out where it asks for them."""
        columns = [f"doc.{identifier(c.name)}" for c in MAPPED]
        body = self.body
        for path in _PARTS.glob("*.sql"):
            body = body.replace(f"{{{{ {path.stem} }}}}", path.read_text(encoding="utf-8"))
        return body.replace("{{ contract_columns }}", ",\n    ".join(columns)).replace(
            "{{ contract_columns_but_event_id }}",
            ",\n    ".join(c for c in columns if c != 'doc."event_id"'),
        )


@cache
def load_formats() -> dict[str, Format]:
    """Every format of this folder by name."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        match = _HEAD.match(text)
        if match is None:
            raise ValueError(f"{path.name} has no head between /*--- and ---*/")
        head = tomllib.loads(match.group(1))
        keys = head["recognise"]
        alternatives = keys if keys and isinstance(keys[0], list) else [keys] if keys else []
        found[path.stem] = Format(
            name=path.stem,
            title=head["title"],
            file_types=tuple(head["file_types"]),
            recognise=tuple(tuple(a) for a in alternatives),
            shape=head["shape"],
            hidden=tuple(head.get("hidden", ())),
            by_record=head.get("by_record", False),
            alone=head.get("alone", head.get("by_record", False)),
            inside=head.get("inside"),
            body=text[match.end() :],
        )
    return found


def contract_shape() -> dict[str, Any]:
    """The flat shape of a canonical record: every mapped column as text."""
    return {c.name: "VARCHAR" for c in MAPPED}
