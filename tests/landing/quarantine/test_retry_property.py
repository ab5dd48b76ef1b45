"""Whatever was refused, in whatever files and runs: a retry after the fix gives what landing afresh gives."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.landing.homes import CANONICAL, Row, comparable, drop, event, events, land, make_home, stored
from tests.landing.quarantine.homes import FIXED, counts, fix, held, nameless, try_again

# (call, revision, whether it lacks who pays) or a line that stays broken; run and file that it is delivered in.
LINES = st.one_of(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.booleans()),
    st.sampled_from(["broken", "[]", '{"event_id": 7}']),
)
DELIVERIES = st.lists(st.tuples(LINES, st.sampled_from(["0a", "0b", "1a", "1b"])), min_size=1, max_size=25)


def _line(line: tuple[int, int, bool] | str) -> Row | str:
    if isinstance(line, str):
        return line
    call, revision, lacks = line
    make = nameless if lacks else event
    at = f"2024-03-0{1 + (call + revision) % 4}T12:00:00Z"
    return make(f"e{call}", revision=revision, output_tokens=revision, occurred_at=at)


def _without_file(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(source, *rest) for source, _, *rest in rows]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(deliveries=DELIVERIES, first=st.sampled_from(["0a.jsonl", "1b.jsonl", "g/0a.jsonl:1", None]))
def test_a_retry_gives_what_landing_afresh_gives(
    deliveries: list[tuple[tuple[int, int, bool] | str, str]], first: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home, fresh = (make_home(Path(folder) / name, text) for name, text in (("home", CANONICAL), ("fresh", FIXED)))
        for run in "01":
            for name in (f"{run}a", f"{run}b"):
                lines = [_line(line) for line, to in deliveries if to == name]
                # A line of its own, so that no two files are the same.
                for each in (home, fresh):
                    drop(each, f"g/{name}.jsonl", [*lines, event(name)])
            land(home)
        land(fresh)
        fix(home)
        if first and any(first in {file, f"{source}/{file}:{line}"} for source, file, line, *_ in held(home)):
            try_again(home, place=first)
        try_again(home)
        assert comparable(events(home)) == comparable(events(fresh))
        assert comparable(stored(home)) == comparable(stored(fresh))
        # Of one text in the same line of several files, which one brought it first hangs on the runs.
        assert Counter(_without_file(held(home))) == Counter(_without_file(held(fresh)))
        assert counts(home) == counts(fresh)
        assert try_again(home).accepted == 0
