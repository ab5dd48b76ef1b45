"""Names the fields of a record that a source's format reads, and those of them that are a key or a person.

What is done with the others belongs in `redact.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.landing.contract import HIDDEN, MAPPED
from pipelines.landing.formats import Format, contract_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.settings import Source

_SECRET = re.compile(r"(api|access|private)[-_ ]?key|authorization|secret|passw|credential|cookie|token$", re.I)
_Path = tuple[str, ...]
# Columns that hold a number, a time or a truth: what else stands there was put there by mistake.
_TYPED = frozenset(c.name for c in MAPPED if c.type != "VARCHAR")


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that a format reads: where their texts stand, the names of those that are a key or a person, and of
    those that are known to hold a number or a time.
    """

    paths: tuple[_Path, ...]
    hidden: frozenset[str]
    typed: frozenset[str] = frozenset()

    def plain(self) -> frozenset[str]:
        """Columns of a table of which nothing is left out."""
        return frozenset(path[0] for path in self.paths if len(path) == 1) - self.hidden

    def names(self) -> list[str]:
        """Names of the fields whose text is kept."""
        return sorted({path[-1] for path in self.paths} - self.hidden)

    def boxes(self) -> list[str]:
        """Names of the objects and arrays that hold them."""
        return sorted({part for path in self.paths for part in path[:-1] if part != "*"})


def fields_of(fmt: Format, source: Source, *, nested: bool) -> Fields:
    """What a source's format reads; `nested` where a dot in a mapping leads into an object."""
    if fmt.shape == "contract":
        return Fields(tuple((name,) for name in contract_shape()), frozenset(HIDDEN), _TYPED)
    if fmt.shape == "mapping":
        paths = {c: tuple(f.split(".")) if nested else (f,) for c, f in source.columns.items()}
        hidden = {p[-1] for c, p in paths.items() if c in HIDDEN or _SECRET.search(p[-1])}
        typed = {p[-1] for c, p in paths.items() if c in _TYPED} - {p[-1] for c, p in paths.items() if c not in _TYPED}
        return Fields(tuple(sorted(set(paths.values()))), frozenset(hidden), frozenset(typed))
    return Fields(tuple(_leaves(fmt.shape, ())), frozenset(fmt.hidden))


def _leaves(shape: Any, above: _Path) -> Iterator[_Path]:
    if isinstance(shape, list):
        yield from _leaves(shape[0], (*above, "*"))
    elif isinstance(shape, dict):
        for name, below in shape.items():
            yield from _leaves(below, (*above, name))
    else:
        yield above
