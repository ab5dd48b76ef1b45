"""Times of sources: zones, summer time, clocks that are ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.landing.ingest import ingest
from pipelines.settings import Settings, Source
from tests.landing.golden import FORMATS, samples
from tests.landing.homes import drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path


FIRST, LAST = 1_672_531_200, 1_735_603_200  # two years
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


def settings_of(**changes: object) -> str:
    lines = [f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in changes.items()]
    return "\n".join(['[[sources]]\nname = "g"\nformat = "canonical"', *lines, ""])


def times(root: Path, zone: str, texts: list[str]) -> tuple[dict[str, str], dict[int, str]]:
    """Stored time by id and reason by line, of events that say these times."""
    home = make_home(root, settings_of(time_zone=zone))
    drop(home, "g/a.jsonl", [event(f"e{n}", occurred_at=text) for n, text in enumerate(texts)])
    land(home)
    return (
        {e["event_id"]: str(e["occurred_at"]) for e in events(home)},
        {q["line"]: q["reason"] for q in quarantined(home)},
    )


def test_times_without_a_zone_are_in_that_of_the_source(tmp_path: Path) -> None:
    stored, refused = times(
        tmp_path / "home",
        "Europe/Berlin",
        [
            "2024-01-15T12:00:00", "2024-07-15 12:00:00.5", "2024-07-15T12:00:00Z", "2024-07-15T12:00:00+05:30",
            "1721044800", "2024-07-15",
        ],
    )  # fmt: skip
    assert stored == {
        "e0": "2024-01-15 11:00:00",
        "e1": "2024-07-15 10:00:00.500000",
        "e2": "2024-07-15 12:00:00",
        "e3": "2024-07-15 06:30:00",
        "e4": "2024-07-15 12:00:00",
        "e5": "2024-07-14 22:00:00",
    }
    assert not refused


@pytest.mark.parametrize(
    ("zone", "twice", "never", "around"),
    [
        ("Europe/Berlin", "2024-10-27T02:30:00", "2024-03-31T02:30:00", ["2024-10-27T01:59:59", "2024-10-27T03:00:00"]),
        ("Australia/Lord_Howe", "2024-04-07T01:45:00", "2024-10-06T02:15:00", ["2024-04-07T01:29:59"]),
    ],
)
def test_times_that_happen_twice_or_never_are_refused(
    zone: str, twice: str, never: str, around: list[str], tmp_path: Path
) -> None:
    stored, refused = times(tmp_path / "home", zone, [twice, never, *around])
    assert set(stored) == {f"e{n + 2}" for n in range(len(around))}
    assert refused == {
        line: f"occurred_at is not a time that a clock in {zone} showed once; log an offset from UTC with it: {text}"
        for line, text in ((1, twice), (2, never))
    }


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    "bad", ["01/07/2024 12:00", "2024-W48-3", "2024-03-01T10:00:00+25:00", "2024-03-01 10:00-1530"]
)
def test_what_is_no_time_is_called_so_in_every_zone(zone: str, bad: str, tmp_path: Path) -> None:
    stored, refused = times(tmp_path / "home", zone, [bad, "2024-03-01T10:00:00+14:00"])
    assert (set(stored), refused) == ({"e1"}, {1: f"occurred_at is not a time: {bad}"})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    at=st.lists(
        st.integers(FIRST, LAST).map(lambda second: datetime.fromtimestamp(second, UTC)),
        min_size=30,
        max_size=60,
    ),
)
def test_local_times_agree_with_the_tz_database(
    zone: str, at: list[datetime], tmp_path_factory: pytest.TempPathFactory
) -> None:
    switches = [
        datetime.fromisoformat(f"{t}+00:00") for t in ("2024-10-27T00:30", "2024-03-31T00:30", "2024-04-06T15:00")
    ]
    local = [t.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for t in [*at, *switches]]
    stored, refused = times(tmp_path_factory.mktemp("t") / "home", zone, [t.isoformat() for t in local])
    for number, text in enumerate(local):
        early, late = (text.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
        wanted = None if early != late else str(early.replace(tzinfo=None))
        assert stored.get(f"e{number}") == wanted, (zone, text)
        assert (number + 1 in refused) == (wanted is None)


def test_zone_is_one_of_its_source_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", settings_of(time_zone="Asia/Kolkata") + settings_of().replace('"g"', '"h"'))
    for source in "gh":
        drop(home, f"{source}/a.jsonl", [event("a", occurred_at="2024-03-01T12:00:00")])
    land(home)
    assert {e["source"]: str(e["occurred_at"]) for e in events(home)} == {
        "g": "2024-03-01 06:30:00",
        "h": "2024-03-01 12:00:00",
    }


@pytest.mark.parametrize("log_format", [f for f in FORMATS if f != "mapped"])
def test_no_format_counts_the_zone_twice(log_format: str, tmp_path: Path) -> None:
    found = {}
    for zone in ("UTC", "Asia/Kolkata"):
        home = make_home(tmp_path / zone)
        for sample in samples(log_format):
            drop(home, f"{sample.stem}/{sample.name}", sample.read_bytes())
        entries = (Source(name=s.stem, format=log_format, time_zone=zone) for s in samples(log_format))
        ingest(home, Settings(sources=tuple(entries)))
        found[zone] = {(e["source"], e["event_id"], e["revision"]): e["occurred_at"] for e in events(home)}
    there, here = found.values()
    # Revisions that are themselves times differ.
    assert {(a, b) for a, b, _ in there} == {(a, b) for a, b, _ in here}
    assert {there[key] - here[key] for key in there.keys() & here.keys()} <= {timedelta(0), timedelta(minutes=330)}


@pytest.mark.parametrize(("minutes", "words"), [(1440, "1 day"), (120, "2 hours"), (5, "5 minutes"), (0, "0 minutes")])
def test_clock_ahead_beyond_the_tolerance_is_refused(minutes: int, words: str, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", settings_of(future_tolerance_minutes=minutes))
    ahead = datetime.now(UTC) + timedelta(minutes=minutes)
    near, far = ahead - timedelta(minutes=1), ahead + timedelta(minutes=2)
    drop(home, "g/a.jsonl", [event("near", occurred_at=near.isoformat()), event("far", occurred_at=far.isoformat())])
    land(home)
    assert [e["event_id"] for e in events(home)] == ["near"]
    [(reason)] = [q["reason"] for q in quarantined(home)]
    assert reason.startswith(f"occurred_at is more than {words} in the future: ")


def test_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="'Berlin' is not a time zone of the tz database"):
        Source(name="g", format="canonical", time_zone="Berlin")
