"""Which fields of a source's record each canonical column is made from, read from the mapping's own SQL.

Only the documentation asks. What a page says of it belongs in `reference_formats.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.landing.contract import MAPPED
from pipelines.landing.formats import contract_shape
from pipelines.landing.lineage.queries import Relation, columns
from pipelines.landing.lineage.values import ITEM, Path, Value

if TYPE_CHECKING:
    from pipelines.landing.formats import Format

# What a column is too where nothing is told: not worth telling.
_NOTHING = (0, "", "false")

__all__ = ["ITEM", "Lineage", "Path", "Place", "lineage"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the source's record: names from the outside in, `[]` for any item of a list.

    `()` is the record as a whole. `holds_more` where only that it is there counts, not what is in it.
    """

    path: Path
    holds_more: bool


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a column is: made from these places, chosen by those, or one of these literals (0 and false left out).

    Constants that a source is given in `meterhouse.toml` are not among them: these hold for any column.
    """

    made: tuple[Place, ...]
    chosen: tuple[Place, ...]
    constants: tuple[str | int, ...]


def lineage(fmt: Format) -> dict[str, Lineage]:
    """Column → its lineage, in the order of the contract, of the columns that the format fills.

    A column that is always null or 0 is none of them. Raises NotImplementedError for SQL that cannot be followed.
    """
    shape = fmt.shape if isinstance(fmt.shape, dict) else contract_shape()
    record: Relation = {
        "line": Value,
        "raw": lambda: Value(places={(): None}),
        "doc": lambda: Value(places={(): shape}),
    }
    constants: Relation = {c.name: Value for c in MAPPED}
    found = columns(_tree(fmt), {"records": record, "source_constants": constants})
    all_lineage = {c.name: _lineage(found[c.name]()) for c in MAPPED}
    return {name: line for name, line in all_lineage.items() if line.made or line.chosen or line.constants}


def _tree(fmt: Format) -> dict[str, Any]:
    with duckdb.connect() as con:
        [text] = con.execute("select json_serialize_sql(?)", [fmt.sql()]).fetchone() or ["{}"]
    tree = json.loads(text)
    if tree["error"]:
        raise ValueError(f"{fmt.name}.sql: {tree['error_message']}")
    node: dict[str, Any] = tree["statements"][0]["node"]
    return node


def _lineage(value: Value) -> Lineage:
    places = value.seen()
    # What is only looked into is named by what is looked at in it.
    inner = {p for p, shape in places.items() if _is_outer(p, shape, places)}
    made = {p: s for p, s in value.made().items() if p not in inner}
    chosen = {p: s for p, s in value.asked().items() if p not in inner and p not in made}
    if not made and not value.constants and value.made():
        # A count of items is made from what the items are counted by.
        made, chosen = chosen, {}
    return Lineage(
        made=tuple(Place(p, isinstance(s, dict)) for p, s in made.items()),
        chosen=tuple(Place(p, isinstance(s, dict)) for p, s in chosen.items()),
        constants=tuple(c for c in value.constants if c not in _NOTHING),
    )


def _is_outer(path: Path, shape: Any, places: dict[Path, Any]) -> bool:
    is_nested = isinstance(shape, dict | list) or (path != () and path[-1] == ITEM)
    return is_nested and any(len(p) > len(path) and p[: len(path)] == path for p in places)
