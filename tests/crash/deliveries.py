"""Two small deliveries that have a bit of everything, and a home in which the first is taken in."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from tests.landing.homes import drop, event, make_home

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from tests.landing.homes import Row

FIRST_AT, SECOND_AT = "2024-04-01T00:00:00", "2024-04-02T06:00:00"
_MODELS = ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "unheard-of-1")
_SETTINGS = '[[sources]]\nname = "g"\nformat = "canonical"\nurl = "file://{}"\n'


def first() -> list[Row | str]:
    """Events of some days, two of them amended at once, and lines that are no records."""
    calls = [
        event(
            f"e{n}", occurred_at=f"2024-03-{1 + n % 12:02}T{n % 24:02}:30:00Z", organization_id=f"org-{n % 4}",
            model=_MODELS[n % 3], input_tokens=1000 + n,
        )
        for n in range(60)
    ]  # fmt: skip
    return [*calls, {**calls[5], "revision": 1, "output_tokens": 9}, calls[7], '{"event_id": ', event("x", model=None)]


def second() -> list[Row | str]:
    """A day more, late events, an amendment that moves to another day, duplicates, a conflict, a broken line."""
    before = [r for r in first() if isinstance(r, dict)]
    return [
        *(event(f"f{n}", occurred_at=f"2024-03-14T{n:02}:00:00Z", model=_MODELS[n % 3]) for n in range(20)),
        event("late", occurred_at="2024-03-02T00:00:00Z"),
        {**before[9], "revision": 1, "occurred_at": "2024-03-13T12:00:00Z", "output_tokens": 7},
        before[3], before[4],
        {**before[11], "output_tokens": 12345},
        "broken",
    ]  # fmt: skip


def make(root: Path) -> Home:
    """A home with the first delivery under landing/ and an empty object store beside it."""
    store = root.with_name(root.name + "-store")
    store.mkdir(parents=True, exist_ok=True)
    home = make_home(root, _SETTINGS.format(store))
    drop(home, "g/first.jsonl", first())
    return home


def deliver_second(home: Home, *, in_parts: bool = False) -> None:
    """Bring the second delivery as an object in the store, or as a file, a packed one and an object."""
    lines = [(r if isinstance(r, str) else json.dumps(r)) + "\n" for r in second()]
    store = home.root.with_name(home.root.name + "-store")
    if in_parts:
        drop(home, "g/second.jsonl", "".join(lines[:9]))
        drop(home, "g/second.jsonl.gz", gzip.compress("".join(lines[9:]).encode(), mtime=0))
        lines = [json.dumps(event("stored", occurred_at="2024-03-14T01:00:00Z")) + "\n"]
    (store / "object.jsonl").write_text("".join(lines))


def name_the_model(home: Home) -> None:
    """Mend what one record of the first delivery lacks."""
    with home.config.open("a", encoding="utf-8") as file:
        file.write(f'[sources.constants]\nmodel = "{_MODELS[0]}"\n')
