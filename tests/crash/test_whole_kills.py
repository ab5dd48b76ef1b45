"""Whole runs are killed; the next one leaves what an undisturbed run leaves. `python -m tests.crash` kills more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.conftest import digests
from tests.crash.runner import Runner
from tests.crash.whole import kill_runs

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

SEED, KILLS = 7, 4


@pytest.mark.slow
def test_after_a_killed_run_the_next_is_the_undisturbed_one(tmp_path: Path) -> None:
    """Two homes at a time, deaths of the same seed: those of runs with a new delivery and after a change of prices."""
    numbers = (range(0, 2 * KILLS, 4), range(1, 2 * KILLS, 4))

    def kill(part: int) -> list[str]:
        with Runner() as runner:
            deaths = kill_runs(tmp_path / str(part), runner, SEED, numbers[part], as_installed=False)
            return [f"{one.number}, {one.where}: {fault}" for one in deaths for fault in one.faults]

    with ThreadPoolExecutor(2) as pool:
        assert [fault for faults in pool.map(kill, (0, 1)) for fault in faults] == []


def test_settings_that_are_taken_back_after_a_killed_run_leave_no_trace(
    copy_of_finished: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_of_finished
    before, text = digests(home), home.config.read_text()
    home.config.write_text(text + "\n[watch]\nwindow_days = 7\n")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.run.build_pages", killed)
        with pytest.raises(KeyboardInterrupt):
            run_all(home, load_settings(home))
    assert digests(home) != before
    home.config.write_text(text)
    run_all(home, load_settings(home))
    assert digests(home) == before
