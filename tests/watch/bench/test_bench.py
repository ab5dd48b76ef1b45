"""The whole bench, small: every contender is judged, the report prints, and the figures can be kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.watch.bench.contenders import BASELINES, UNTAUGHT
from pipelines.watch.bench.population import KINDS
from pipelines.watch.measured import WATCH
from pipelines.watch.taught.detectors import DETECTORS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_command_prints_and_keeps_every_figure(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    arguments = ["watch", "bench", "--seeds", "1", "--organizations", "250", "--campaigns", "1", "--json", str(out)]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text(encoding="utf-8"))
    assert set(found["contenders"]) == {*BASELINES, UNTAUGHT, WATCH, *DETECTORS}
    for name, worth in found["contenders"].items():
        assert name in result.output
        assert set(worth["budgets"]) == {"0.2", "1.0", "5.0"}
        for budget in worth["budgets"].values():
            assert {row["kind"] for row in budget["kinds"]} == set(KINDS)
            low, high = budget["interval"]["plain"]
            assert 0 <= low <= high <= 1
            assert 0 <= budget["macro"]["evasive"] <= 1
    for kind in KINDS:
        assert kind in result.output
    assert found["detectors"]["version"]
    assert 0 <= found["calibration"]["ece"] <= 0.2
    assert set(found["named_right"]["5.0"]) <= set(KINDS)
    assert found["never_shown"] is None
    # A wider budget never finds less.
    for worth in found["contenders"].values():
        recalls = [worth["budgets"][b]["macro"]["plain"] for b in ("0.2", "1.0", "5.0")]
        assert recalls == sorted(recalls)
