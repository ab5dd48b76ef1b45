"""The kept figures are of the shipped detectors, and say what the bench said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipelines.watch.bench.bench import RIGHT
from pipelines.watch.bench.population import KINDS
from pipelines.watch.measured import WATCH, keep, measured
from pipelines.watch.taught.detectors import DETECTORS
from pipelines.watch.taught.trees import load

if TYPE_CHECKING:
    from pathlib import Path


def test_figures_are_of_the_detectors_that_are_shipped() -> None:
    assert measured()["detectors"]["version"] == load()[0]["version"], (
        "the detectors were taught anew: run `meterhouse watch bench --traces FOLDER --unseen --keep`"
    )


def test_every_kind_is_told_for_the_watch_and_sums_for_all_others() -> None:
    found = measured()
    assert {WATCH, *DETECTORS} < set(found["contenders"])
    for budget in found["contenders"][WATCH]["budgets"].values():
        assert {(r["kind"], r["variant"]) for r in budget["kinds"]} == {
            (kind, variant) for kind in KINDS for variant in ("plain", "evasive")
        }
    assert "kinds" not in found["contenders"]["3-sigma"]["budgets"]["5.0"]
    assert found["date"]
    assert found["customers"]["source"] == "ServeGen"


def test_every_kind_has_a_detector_that_is_right() -> None:
    assert set(RIGHT) == set(KINDS)
    assert {d for named in RIGHT.values() for d in named} == set(DETECTORS)


def test_keeping_is_the_same_figures(tmp_path: Path) -> None:
    kept = measured()
    keep(kept, tmp_path / "again.json")
    assert measured(tmp_path / "again.json") == kept
    assert json.loads((tmp_path / "again.json").read_text())["digest"] == kept["digest"]
