"""Quarantined records of every format are found again in their files, and what is at stake can be asked of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.landing.quarantine.groups import find_groups
from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.retry import retry
from pipelines.settings import Settings
from tests.landing.golden import FORMATS, run_samples, source_of
from tests.landing.homes import commits, drop, land, make_home
from tests.landing.quarantine.homes import held

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_retry_without_a_fix_finds_every_record_and_changes_nothing(tmp_path: Path, log_format: str) -> None:
    home = make_home(tmp_path / "home")
    run_samples(home, log_format)
    before = held(home)
    folders = sorted(p.name for p in home.landing.iterdir())
    settings = Settings(sources=tuple(source_of(log_format, n, n.rpartition("-")[0]) for n in folders))
    found = retry(home, settings, Selection())
    assert (found.tried, found.quarantined, found.left) == (len(before), len(before), ())
    assert (held(home), len(commits(home))) == (before, 1)
    groups = find_groups(home, settings, Selection())
    assert sum(g.records for g in groups) == len(before)
    assert all(g.tokens is None or g.tokens > 0 or g.unknown < g.records for g in groups)


@pytest.mark.parametrize("count", [97, "97"])
def test_the_tokens_of_a_refused_span_are_at_stake(tmp_path: Path, count: object) -> None:
    home = make_home(tmp_path / "home")
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
    span = {
        "traceId": "a", "spanId": "b", "startTimeUnixNano": "1709294400000000000",
        "endTimeUnixNano": "1709294401000000000",
        "attributes": [
            *({"key": k, "value": {"stringValue": v}} for k, v in attributes.items()),
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": count}},
            {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 31}},
        ],
    }  # fmt: skip
    drop(home, "ot/a.jsonl", [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}])
    assert land(home).quarantined == 1
    [group] = find_groups(home, Settings(), Selection())
    assert (group.tokens, group.unknown) == (128, 0)
