"""What the watch was measured to be worth: figures of the bench, kept with the detectors that they are about.

`meterhouse watch bench --keep` writes them; the pages show them. How they come about belongs in `bench/`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MEASURED_FILE = Path(__file__).parent / "taught" / "measured.json"
WATCH = "watch"  # the highest of all taught detectors: what ranks the queue
_KEPT = (
    "digest", "date", "detectors", "customers", "size", "benign_days", "campaigns", "populations", "named_right",
    "calibration", "never_shown",
)  # fmt: skip


def keep(found: dict[str, Any], path: Path = MEASURED_FILE) -> None:
    """Keep of a bench's figures what the pages show: all of the watch, of every other contender what sums it up."""
    contenders = {
        name: worth
        if name == WATCH
        else {
            "budgets": {
                budget: {key: told[key] for key in ("macro", "interval", "realised")}
                for budget, told in worth["budgets"].items()
            }
        }
        for name, worth in found["contenders"].items()
    }
    kept = {name: found[name] for name in _KEPT} | {"contenders": contenders}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def measured(path: Path = MEASURED_FILE) -> dict[str, Any]:
    """The kept figures."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
