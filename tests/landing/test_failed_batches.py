"""Failed lines of a batch output file: events where time and model are known, else refused with an own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.landing.homes import drop, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = '[[sources]]\nname = "b"\nformat = "openai"\n[sources.constants]\norganization_id = "acme"\n'
TIME, MODEL = 'occurred_at = "2024-03-01T12:00:00Z"\n', 'model = "gpt-4o-mini"\n'
FAILED = {"error": {"type": "invalid_request_error", "code": "context_length_exceeded", "message": "too long"}}
EXPIRED = {"id": "batch_req_2", "custom_id": "task-2", "response": None, "error": {"code": "batch_expired"}}


def refused(body: dict[str, Any]) -> dict[str, Any]:
    """The line of a request that the provider refused."""
    response = {"status_code": 400, "request_id": "req-1", "body": body}
    return {"id": "batch_req_1", "custom_id": "task-1", "response": response, "error": None}


@pytest.mark.parametrize("constants", ["", TIME, MODEL])
def test_failed_lines_without_time_or_model_have_a_reason_of_their_own(tmp_path: Path, constants: str) -> None:
    home = make_home(tmp_path / "home", ENTRY + constants)
    drop(home, "b/errors.jsonl", [refused(FAILED), EXPIRED])
    assert land(home).quarantined == 2
    first, second = quarantined(home)
    assert (first["field"], second["field"]) == ("response.body.error", "error")
    assert first["reason"].startswith("response.body.error is context_length_exceeded, and a failed batch line that")
    assert second["reason"].startswith("error is batch_expired, and a failed batch line that")
    for record in (first, second):
        assert "occurred_at and model under [sources.constants]" in record["reason"]
        assert '"custom_id": "task-' in record["raw"]


def test_constants_make_failed_lines_events_without_tokens(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", ENTRY + TIME + MODEL)
    drop(home, "b/errors.jsonl", [refused(FAILED), EXPIRED])
    assert land(home).accepted == 2
    names = ("event_id", "model", "service_tier", "status", "error_type", "input_tokens", "output_tokens")
    assert [tuple(e[n] for n in names) for e in events(home)] == [
        ("batch_req_1", "gpt-4o-mini", "batch", 400, "invalid_request_error", 0, 0),
        ("batch_req_2", "gpt-4o-mini", "batch", 500, "batch_expired", 0, 0),
    ]


def test_a_failed_line_that_says_when_and_which_is_an_event(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", ENTRY)
    drop(home, "b/output.jsonl", [refused({**FAILED, "created": 1709294400, "model": "gpt-4o"})])
    assert land(home).accepted == 1
    assert (events(home)[0]["service_tier"], events(home)[0]["status"]) == ("batch", 400)
