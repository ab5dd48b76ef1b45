"""Fine-tuning jobs are charged once they are over, however often a list shows them before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.landing.homes import Row, drop, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

SETTINGS = '[[sources]]\nname = "jobs"\nformat = "openai_jobs"\n'


def job(job_id: str, **changes: object) -> Row:
    """A job that has succeeded."""
    return {
        "object": "fine_tuning.job",
        "id": job_id,
        "model": "gpt-4o-mini-2024-07-18",
        "fine_tuned_model": "ft:gpt-4o-mini-2024-07-18:acme::7p4lURel",
        "created_at": 1721764800,
        "finished_at": 1721769000,
        "organization_id": "org-123",
        "status": "succeeded",
        "training_file": "file-1",
        "trained_tokens": 300000,
        **changes,
    }


def running(job_id: str) -> Row:
    """The same job while it trains."""
    return job(job_id, status="running", fine_tuned_model=None, finished_at=None, trained_tokens=None)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that reads jobs."""
    return make_home(tmp_path / "home", SETTINGS)


def test_a_job_that_runs_first_is_one_event_when_it_is_over(home: Home) -> None:
    drop(home, "jobs/monday.jsonl", [running("ftjob-1")])
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (0, 1)
    assert "not finished" in quarantined(home)[0]["reason"]
    drop(home, "jobs/tuesday.jsonl", [job("ftjob-1")])
    summary = land(home)
    assert (summary.accepted, summary.duplicates) == (1, 0)
    [event] = events(home)
    assert (event["event_id"], event["training_tokens"]) == ("ftjob-1", 300000)
    assert (event["base_model"], event["model_tier"]) == ("gpt-4o-mini-2024-07-18", "fine_tuned")
    assert event["occurred_at"].isoformat() == "2024-07-23T21:10:00"


def test_a_list_read_every_day_counts_no_job_twice(home: Home) -> None:
    days = {
        "1": [running("ftjob-2"), job("ftjob-1")],
        "2": [running("ftjob-3"), job("ftjob-2"), job("ftjob-1")],
        "3": [job("ftjob-3"), job("ftjob-2"), job("ftjob-1")],
    }
    for day, jobs in days.items():
        drop(home, f"jobs/{day}.jsonl", [{"object": "list", "data": jobs, "has_more": False}])
        land(home)
    assert [e["event_id"] for e in events(home)] == ["ftjob-1", "ftjob-2", "ftjob-3"]
    assert sum(e["training_tokens"] for e in events(home)) == 900000


@pytest.mark.parametrize(("provider", "model"), [("openai", "ft:{}::support:ftjob-1"), ("azure", "{}.ft-ftjob-1")])
def test_a_cancelled_job_is_priced_by_its_base(home: Home, provider: str, model: str) -> None:
    cancelled = job(
        "ftjob-1", status="cancelled", fine_tuned_model=None, user_provided_suffix="support", provider=provider
    )
    drop(home, "jobs/a.jsonl", [cancelled])
    land(home)
    [event] = events(home)
    assert event["model"] == model.format("gpt-4o-mini-2024-07-18")
    assert (event["base_model"], event["model_tier"]) == ("gpt-4o-mini-2024-07-18", "fine_tuned")
