"""A story: what feeds, price lists and a power supply do to a home, drawn from a seed as plain data.

Playing it belongs in `simulator.py`, what must come of it in `model.py`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MODELS = ("m0", "m1")
SOURCES = ("g", "h")
PACKINGS = ("jsonl", "jsonl.gz", "jsonl.zst", "csv", "parquet")
LENGTH = 14
_CALLS, _REVISIONS, _BODIES, _DAYS = 9, 3, 3, 6
_START = datetime(2024, 3, 1, tzinfo=UTC)
# A run passes some 170 moments when there is something to take in.
_MOMENTS = 190


@dataclass(frozen=True, order=True)
class Record:
    """One delivery of one revision of one call; `body` and `hour` are what it says of it."""

    call: int
    revision: int
    body: int
    hour: int

    @property
    def at(self) -> datetime:
        """The instant of the call, UTC."""
        return _START + timedelta(hours=self.hour)

    @property
    def event(self) -> dict[str, Any]:
        """As a canonical record."""
        return {
            "event_id": f"call-{self.call}",
            "revision": self.revision,
            "occurred_at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "organization_id": f"org-{self.call % 2}",
            "provider": "openai",
            "model": MODELS[self.call % len(MODELS)],
            "input_tokens": 1000 * self.call + 7,
            "output_tokens": 100 * self.revision + self.body,
        }


# A line that is no record, or a record that lacks its model.
Line = Record | str
BROKEN = ("broken", '{"event_id": ', '{"event_id": "x", "occurred_at": "2024-03-01T00:00:00Z"}')


@dataclass(frozen=True)
class Action:
    """One thing that happens; which fields count is said by `kind`.

    file: `lines` land in a new file of `source`, packed as `packing`. append, truncate, rename, copy, delete, cut: done
    to landed file number `pick` (modulo how many there are); `lines` are appended, cut takes bytes off its end.
    price: `model`'s `unit` costs `price` USD a million from the start of `day` on. run: the landing step, killed at
    moment `pick` unless that is 0.
    """

    kind: str
    source: str = ""
    packing: str = ""
    lines: tuple[Line, ...] = field(default=())
    pick: int = 0
    model: str = ""
    unit: str = ""
    price: int = 0
    day: int = 0

    def __str__(self) -> str:
        told = {k: v for k, v in vars(self).items() if k not in {"kind", "lines"} and v not in {"", 0}}
        words = [self.kind, *(f"{k}={v}" for k, v in told.items())]
        return " ".join([*words, *(_told(line) for line in self.lines)])


def _told(line: Line) -> str:
    """call.revision, body and hour: `3.1b0@14`."""
    return repr(line) if isinstance(line, str) else f"{line.call}.{line.revision}b{line.body}@{line.hour}"


def tell(seed: int, length: int = LENGTH) -> list[Action]:
    """The story of a seed; it ends with a run that no one disturbs."""
    chance = random.Random(seed)  # noqa: S311 - to be drawn again
    priced: set[tuple[str, str, int]] = set()
    actions = [_file(chance) for _ in range(2)]
    for _ in range(length):
        draw = chance.random()
        if draw < 0.3:
            actions.append(_file(chance))
        elif draw < 0.5:
            kind = chance.choice(("append", "append", "truncate", "rename", "copy", "delete", "cut"))
            lines = tuple(_lines(chance, 3)) if kind == "append" else ()
            actions.append(Action(kind, pick=chance.randrange(100), lines=lines))
        elif draw < 0.65:
            key = (chance.choice(MODELS), chance.choice(("input", "output")), chance.randrange(_DAYS))
            if key not in priced:
                priced.add(key)
                price = chance.randrange(1, 2000)
                actions.append(Action("price", model=key[0], unit=key[1], day=key[2], price=price))
        else:
            killed = chance.random() < 0.6
            # The last third of a run is where it writes.
            moment = chance.randint(1 if chance.random() < 0.3 else 100, _MOMENTS)
            actions.append(Action("run", pick=moment if killed else 0))
    return [*actions, Action("run")]


def _file(chance: random.Random) -> Action:
    packing = chance.choice(PACKINGS)
    lines = _lines(chance, 8)
    if not packing.startswith("jsonl"):
        lines = [line for line in lines if isinstance(line, Record)]
    return Action("file", source=chance.choice(SOURCES), packing=packing, lines=tuple(lines))


def _lines(chance: random.Random, most: int) -> list[Line]:
    """Mostly calls as they were; some late, amended, delivered twice, in conflict or broken."""
    lines: list[Line] = []
    for _ in range(chance.randint(1, most)):
        if lines and chance.random() < 0.15:
            lines.append(chance.choice(lines))
        elif chance.random() < 0.08:
            lines.append(chance.choice(BROKEN))
        else:
            call = chance.randrange(_CALLS)
            revision = chance.choice((0, 0, 0, 1, 2)[: _REVISIONS + 2])
            differs = chance.random() < 0.25
            hour = (call * 17 + revision * 29) % (24 * _DAYS)
            lines.append(
                Record(
                    call,
                    revision,
                    chance.randrange(_BODIES) if differs else 0,
                    chance.randrange(24 * _DAYS) if differs and chance.random() < 0.5 else hour,
                )
            )
    return lines
