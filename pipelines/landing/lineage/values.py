"""What is known of a value while a mapping is followed: the places in a record that it can come from.

A place is a path of names in the source's record: `[]` stands for any item of a list, `[name]` for the entry of
that name in a list of names and values. How functions and queries make values of values stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str, ...]
ITEM = "[]"
# The shape of what is looked into by name without a list of its names.
MAP = "MAP"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of any kind. Whatever its kind, all parts that apply are filled.

    `places` are paths with the JSON shape below each, where it is known. Of what an operation made of a place, and
    cannot be looked into, the place is in `whole`. `tested` are the places that decide which of the values it is,
    `constants` the literals it can be: texts, whole numbers as numbers. A struct that the SQL puts together has
    `fields`, a list `items` by position and `rest` for any position, a map an `entry` of key and value. `size` is what
    decides how long a list is.
    """

    places: dict[Path, Any] = field(default_factory=dict)
    whole: dict[Path, Any] = field(default_factory=dict)
    tested: dict[Path, Any] = field(default_factory=dict)
    constants: dict[str | int, None] = field(default_factory=dict)
    fields: dict[str, Value] = field(default_factory=dict)
    items: tuple[Value, ...] = ()
    rest: Value | None = None
    entry: Value | None = None
    size: dict[Path, Any] = field(default_factory=dict)

    def made(self) -> dict[Path, Any]:
        """Every place that a part of the value comes from."""
        found = self.places | self.whole
        for part in self._parts():
            found |= part.made()
        return found | {p: s for p, s in self.size.items() if p not in found}

    def asked(self) -> dict[Path, Any]:
        """Every place that decides what a part of the value is."""
        found = dict(self.tested)
        for part in self._parts():
            found |= part.asked()
        return found

    def seen(self) -> dict[Path, Any]:
        """Every place that has a say in the value."""
        return self.made() | self.asked()

    def when(self, *conditions: Value) -> Value:
        """The value where it is these conditions that decide for it."""
        tested = dict(self.tested)
        for condition in conditions:
            tested |= condition.seen()
        return replace(self, tested=tested)

    def flat(self) -> Value:
        """The value after an operation that leaves nothing of its structure and of its literals."""
        return Value(whole=self.made(), tested=self.asked())

    def get(self, name: str) -> Value:
        """The field of that name, whatever the case of its letters."""
        found = [Value(places=dict(_below(path, shape, name) for path, shape in self.places.items()))]
        if name.lower() in self.fields:
            found.append(self.fields[name.lower()])
        return self._part_of(found, self.tested)

    def any_item(self) -> Value:
        """Any item of the list."""
        places = {
            (*path, ITEM): shape[0] if isinstance(shape, list) and shape else None
            for path, shape in self.places.items()
        }
        found = [Value(places=places), *self.items, *([self.rest] if self.rest else [])]
        return self._part_of(found, self.tested)

    def at(self, index: Value) -> Value:
        """The item at a position, or the entry of a name."""
        keys = list(index.constants)
        if keys and not index.made() and all(isinstance(k, str) for k in keys):
            names = self.entry.get("key").made() if self.entry else {}
            tested = {p: s for p, s in (self.tested | index.asked()).items() if p not in names}
            return self._part_of([self._entry(str(k)) for k in keys], tested)
        if len(keys) == 1 and isinstance(keys[0], int) and self.items and keys[0] > 0:
            rest = replace(self, items=self.items[keys[0] - 1 : keys[0]])
            return rest.any_item()
        return self.any_item().when(index)

    def without_positions(self) -> Value:
        """The list where nothing is known any more of which item is where."""
        parts = [*self.items, *([self.rest] if self.rest else [])]
        return replace(self, items=(), rest=merged(parts) if parts else None)

    def length(self) -> Value:
        """How long the list is."""
        return Value(whole=self.places | self.whole | self.size, tested=self.tested)

    def _entry(self, key: str) -> Value:
        named = Value(places={(*path, key): None for path in self.places})
        if self.entry is None:
            return named
        value = self.entry.get("value")
        keys = self.entry.get("key").made()
        # What stands in an item beside its name is of that name.
        found: dict[Path, Any] = {}
        for path, shape in value.made().items():
            item = next((k[:-1] for k in keys if path[: len(k) - 1] == k[:-1]), None)
            found[path if item is None else (*item[:-1], f"[{key}]")] = shape
        tested = {p: s for p, s in value.asked().items() if p not in keys}
        return merged([named, Value(places=found, tested=tested)])

    def _part_of(self, found: list[Value], tested: dict[Path, Any]) -> Value:
        part = merged(found)
        return replace(part, whole=self.whole | part.whole, tested=part.tested | tested)

    def _parts(self) -> Iterable[Value]:
        yield from self.fields.values()
        yield from self.items
        yield from (part for part in (self.rest, self.entry) if part is not None)


def merged(values: Iterable[Value]) -> Value:
    """A value that is one of these."""
    all_values = list(values)
    if len(all_values) == 1:
        return all_values[0]
    places: dict[Path, Any] = {}
    whole: dict[Path, Any] = {}
    tested: dict[Path, Any] = {}
    constants: dict[str | int, None] = {}
    fields: dict[str, Value] = {}
    items: list[Value] = []
    size: dict[Path, Any] = {}
    for value in all_values:
        places |= value.places
        whole |= value.whole
        tested |= value.tested
        constants |= value.constants
        size |= value.size
        for name, part in value.fields.items():
            fields[name] = merged([fields[name], part]) if name in fields else part
        for number, item in enumerate(value.items):
            if number < len(items):
                items[number] = merged([items[number], item])
            else:
                items.append(item)
    rests = [v.rest for v in all_values if v.rest is not None]
    entries = [v.entry for v in all_values if v.entry is not None]
    return Value(
        places=places,
        whole=whole,
        tested=tested,
        constants=constants,
        fields=fields,
        items=tuple(items),
        rest=merged(rests) if rests else None,
        entry=merged(entries) if entries else None,
        size=size,
    )


def _below(path: Path, shape: Any, name: str) -> tuple[Path, Any]:
    """The place of a field, by the name that the source gives it."""
    if isinstance(shape, dict):
        for own, below in shape.items():
            if own.lower() == name.lower():
                return (*path, own), below
    return (*path, name), None
