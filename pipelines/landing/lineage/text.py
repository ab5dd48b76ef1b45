"""Says in words what each column of a format is made from, for a page or a terminal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.landing.lineage import lineage
from pipelines.landing.lineage.values import ITEM, Path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipelines.landing.formats import Format
    from pipelines.landing.lineage import Lineage, Place

# What a column is that `Told` leaves out, by the shape of the format.
OF_ALL = {
    "contract": "the field of the column's own name",
    "mapping": "the field that [sources.columns] of meterhouse.toml names for the column",
}
# Records that lie in two depths have at least so many fields in both.
_FEWEST_TWINS = 5
_MARK = "†"


@dataclass(frozen=True, slots=True)
class Told:
    """The columns of a format with what they are made from and chosen by, and what holds for all.

    `below` is the path below which fields with a dagger are read as well.
    """

    rows: list[tuple[str, str, str]]
    below: str | None


def told(fmt: Format, code: Callable[[str], str] = str) -> Told:
    """The columns that a format fills, in the order of the contract; `code` marks the name of a field or a value.

    Left out are columns that are the field of their own name, where the format has no other names.
    """
    found = lineage(fmt)
    inside = tuple(re.findall(r"\w+|\[\*\]", fmt.inside or ""))
    prefix = tuple(ITEM if step == "[*]" else step for step in inside)
    twins = _below(found.values(), prefix)

    def listed(places: Iterable[Place], record: str) -> list[str]:
        paths = list(dict.fromkeys(_in_record(p.path, prefix) for p in places))
        paths = [p for p in paths if not (p and p[-1] == ITEM and p[:-1] in paths)]
        named: dict[str, None] = {}
        for path in paths:
            outer = path[len(twins) :] if twins and path[: len(twins)] == twins else path
            both = twins and (*twins, *outer) in paths and outer in paths
            named[(code(shown(outer if both else path)) + (_MARK if both else "")) if path else record] = None
        return list(named)

    rows = []
    for column, line in found.items():
        if not isinstance(fmt.shape, dict) and [p.path for p in line.made] == [(column,)]:
            continue
        made = ", ".join(listed(line.made, "the whole record"))
        literals = ", ".join(code(_literal(c)) for c in line.constants)
        chosen = ", ".join(listed(line.chosen, "the text of the record"))
        rows.append((column, " or ".join(filter(None, (made, literals))), chosen))
    return Told(rows, shown(twins) if twins else None)


def shown(path: Path) -> str:
    """A place as one reads it: `choices[].finish_reason`."""
    text = ""
    for name in path:
        if name.startswith("["):
            text += name
        else:
            text += ("." if text else "") + (f'"{name}"' if "." in name else name)
    return text


def _in_record(path: Path, prefix: Path) -> Path:
    """The path in the record itself, where many of them lie in a line."""
    return path[len(prefix) :] if prefix and path[: len(prefix)] == prefix else path


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) or value.isdigit() else f"'{value}'"


def _below(found: Iterable[Lineage], prefix: Path) -> Path:
    """The path below which a format reads the same fields as at the top: a batch wraps the answer, say."""
    twins: Counter[Path] = Counter()
    seen: set[tuple[Path, Path]] = set()
    for line in found:
        paths = {_in_record(p.path, prefix) for p in (*line.made, *line.chosen)}
        for path in paths:
            for at in range(1, len(path)):
                if path[at:] in paths and (path[:at], path[at:]) not in seen:
                    seen.add((path[:at], path[at:]))
                    twins[path[:at]] += 1
    [(most, count)] = twins.most_common(1) or [((), 0)]
    return most if count >= _FEWEST_TWINS else ()
