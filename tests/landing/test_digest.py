"""The body digest compares every column, and no younger column changes what an older record was known by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.landing.contract import ADDED, BODY, BUCKETS, MAPPED, METERS
from tests.landing.homes import CANONICAL, Row, drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

TOTALS = {"raw_input_tokens", "raw_output_tokens"}
# Another value for every column of the body that a record can have.
OTHER: Row = {
    "occurred_at": "2024-03-01T12:00:00.000001Z", "organization_id": "other", "product_id": "p", "api_key_id": "k",
    "end_user_id": "u", "provider": "azure", "model": "m", "service_tier": "flex", "operation": "chat",
    "reasoning_tokens": 1, "status": 200, "error_type": "e", "finish_reason": "stop", "latency_ms": 1,
    "gateway_cache_hit": True, "region": "eu", "client_network": "n", "client_agent": "a", "prompt_digest": "d",
    "template_digest": "t", "max_output_tokens": 1, "temperature": 0.1, "n": 2, "logprobs": True,
    "reported_cost": "0.000000000001", **dict.fromkeys(BUCKETS, 101), **dict.fromkeys(METERS, 1),
    "training_hours": "0.000001", "hosting_hours": "0.000001",
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home with one canonical source, g."""
    return make_home(tmp_path / "home", CANONICAL)


def test_every_column_of_the_body_is_compared(home: Home) -> None:
    """The totals follow the buckets, and the base model the model."""
    compared = [c.name for c in MAPPED if c.name in BODY and c.name not in TOTALS]
    assert set(compared) == set(OTHER)
    drop(home, "g/a.jsonl", [event(name) for name in compared])
    assert land(home).accepted == len(compared)
    drop(home, "g/b.jsonl", [event(name, **{name: OTHER[name]}) for name in compared])
    summary = land(home)
    assert (summary.duplicates, summary.quarantined) == (0, len(compared))
    assert {q["field"] for q in quarantined(home)} == {"event_id"}


def test_added_columns_are_of_the_body_and_every_meter_is_one() -> None:
    assert set(METERS) <= set(ADDED) <= set(BODY)


def test_a_record_without_added_columns_keeps_the_digest_it_always_had(home: Home) -> None:
    """Computed before there were any: a copy of a record from then must still be a duplicate."""
    zeros = dict.fromkeys(ADDED, 0)
    full = event(
        "2", cached_input_tokens=7, audio_output_tokens=3, training_tokens=5, reasoning_tokens=2, status=200,
        reported_cost="0.5", model="ft:gpt-4o:acme::x", temperature=0.5, **zeros
    )  # fmt: skip
    drop(home, "g/a.jsonl", [event("1"), full, event("3", **zeros)])
    land(home)
    first, second, third = (str(e["body_digest"]) for e in events(home))
    assert first == third == "d44b861f-c354-2c46-5f96-0cf072ad2378"
    assert second == "ca7def8a-047a-252c-6fdd-6fe4b502106e"


def test_the_same_number_in_another_column_is_another_body(home: Home) -> None:
    """Digits must not run from one column into the next."""
    bodies: list[Row] = [{a: x, b: y} for a in ADDED for b in ADDED if a < b for x in (0, 1, 11) for y in (0, 1, 11)]
    distinct = {tuple(sorted((k, v) for k, v in body.items() if v)) for body in bodies}
    drop(home, "g/a.jsonl", [event(str(n), **body) for n, body in enumerate(bodies)])
    assert land(home).accepted == len(bodies)
    assert len({e["body_digest"] for e in events(home)}) == len(distinct)


def test_spelling_of_a_meter_makes_no_other_body(home: Home) -> None:
    spellings: list[Row] = [
        {"hosting_hours": h, "web_search_calls": c}
        for h in (1.5, "1.5", "1.500000", "1.50000000000", "15e-1", " +1.5")
        for c in (2, "2", "2.0", "2e0")
    ]
    drop(home, "g/a.jsonl", [event("1", **body) for body in spellings])
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (1, len(spellings) - 1)


@pytest.mark.parametrize("name", ADDED)
def test_an_amendment_replaces_an_added_column(home: Home, name: str) -> None:
    drop(home, "g/a.jsonl", [event("1", **{name: 1})])
    land(home)
    drop(home, "g/b.jsonl", [event("1", revision=1, **{name: 3})])
    assert land(home).amendments == 1
    assert [e[name] for e in events(home)] == [3]
