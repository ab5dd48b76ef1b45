"""Quarantined records of every format are found again in their files, and what is at stake can be asked of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.landing.quarantine.groups import find_groups
from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.retry import retry
from pipelines.settings import Settings
from tests.landing.golden import FORMATS, run_samples, source_of
from tests.landing.homes import commits, make_home
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
