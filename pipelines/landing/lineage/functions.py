"""What a function of DuckDB makes of the places its arguments come from.

A function that is not named here is taken to look at all of all its arguments, and to leave nothing of their
structure: that is never too little.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines.home import Home
from pipelines.landing.lineage.values import ITEM, Value, merged
from pipelines.landing.staging import define_macros

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.landing.lineage.values import Path as Place

_STEP = re.compile(r'\.(?:"([^"]+)"|([^.\[]+))|\[(\*|\d+)\]')


def called(name: str, arguments: list[Value], names: list[str]) -> Value:
    """The value of a function of this name. `names` are those that the call gives to its arguments."""
    if name == "struct_pack":
        return Value(fields={n.lower(): v for n, v in zip(names, arguments, strict=True)})
    if name in _STRUCTURAL:
        return _STRUCTURAL[name](*arguments)
    return any_function(arguments)


def any_function(arguments: list[Value]) -> Value:
    """The value of a function that may look at all of its arguments."""
    return merged([a.flat() for a in arguments]) if arguments else Value()


def mapped(name: str, of: Value, made: Callable[[Value], Value]) -> Value:
    """The list that a function with a lambda makes of a list."""
    if name in {"list_apply", "list_transform"}:
        if of.items and not of.places and not of.whole and of.rest is None:
            return Value(items=tuple(made(item) for item in of.items), tested=of.tested, size=of.size)
        return Value(rest=made(of.any_item()), tested=of.tested, size=of.length().whole)
    if name == "list_filter":
        return of.without_positions().when(made(of.any_item()))
    raise NotImplementedError(f"the lineage of a format does not follow {name} with a lambda")


def _list(*arguments: Value) -> Value:
    return Value(items=arguments)


def _first(of: Value, *_: Value) -> Value:
    return of


def _nullif(of: Value, other: Value) -> Value:
    return of.when(other)


def _concatenated(*arguments: Value) -> Value:
    """A text that is written in pieces stays one literal."""
    if all(len(a.constants) == 1 and not a.seen() for a in arguments):
        return Value(constants={"".join(str(next(iter(a.constants))) for a in arguments): None})
    return any_function(list(arguments))


def _parsed(of: Value, shape: Value) -> Value:
    below = json.loads(str(next(iter(shape.constants))))
    return replace(of, places=dict.fromkeys(of.places, below))


def _starting(of: Value, start: Value) -> Value:
    """Whether a text begins as JSON does tells nothing of a field."""
    return Value() if set(start.constants) <= {"{", "["} else any_function([of, start])


def _extracted(of: Value, path: Value) -> Value:
    if path.items:
        return Value(items=tuple(_extracted(of, p) for p in path.items))
    text = str(next(iter(path.constants)))
    steps = [quoted or plain or ITEM for quoted, plain, _ in _STEP.findall(text)]
    places: dict[Place, Any] = {(*place, *steps): None for place in of.places}
    found = Value(places=places, tested=of.tested)
    # A path with an asterisk finds a list of its own.
    return Value(rest=found, size=dict(places), tested=of.tested) if "[*]" in text else found


def _flattened(of: Value) -> Value:
    lists = of.any_item()
    return Value(rest=lists.any_item(), size=of.length().whole | lists.length().whole, tested=of.tested)


def _joined_lists(*arguments: Value) -> Value:
    size: dict[Place, Any] = {}
    for argument in arguments:
        size |= argument.length().whole
    return Value(rest=merged([a.any_item() for a in arguments]), size=size)


def _renamed(macro: str, of: Value) -> Value:
    """A literal that goes by another name afterwards."""
    return replace(of.flat(), constants={_macro(macro, str(text)): None for text in of.constants})


@cache
def _macro(macro: str, text: str) -> str:
    [(name,)] = _macros().execute(f"select {macro}(?)", [text]).fetchall()
    return str(name)


@cache
def _macros() -> duckdb.DuckDBPyConnection:
    """A connection that has the functions of the mappings, of a home of its own: nothing is hidden here."""
    con = duckdb.connect()
    with tempfile.TemporaryDirectory(prefix="meterhouse-macros-") as folder:
        define_macros(con, Home(Path(folder)))
    return con


_STRUCTURAL: dict[str, Callable[..., Value]] = {
    "list_value": _list,
    "list_concat": _joined_lists,
    "list_distinct": Value.without_positions,
    "flatten": _flattened,
    "unnest": Value.any_item,
    "len": Value.length,
    "map_from_entries": lambda of: Value(entry=of.any_item(), tested=of.tested),
    "array_extract": Value.at,
    "json_valid": lambda _: Value(),
    "starts_with": _starting,
    "struct_extract": lambda of, name: of.get(str(next(iter(name.constants)))),
    "json_extract": _extracted,
    "json_extract_string": _extracted,
    "from_json": _parsed,
    "nullif": _nullif,
    "||": _concatenated,
    "given": _first,
    "min": _first,
    "max": _first,
    "provider_name": lambda of: _renamed("provider_name", of),
    "service_tier_name": lambda of: _renamed("service_tier_name", of),
}
