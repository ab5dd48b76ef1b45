"""docs/watch.md tells how a digest is checked: it must work as it stands there."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cases.evidence_files import write_packs
from pipelines.settings import Settings
from tests.cases.conftest import SINGLE

if TYPE_CHECKING:
    from pipelines.home import Home

PAGE = Path(__file__).parents[2] / "docs" / "watch.md"


def test_the_digest_is_checked_as_the_page_says(home: Home, tmp_path: Path) -> None:
    ((folder, _),) = write_packs(home, Settings(), SINGLE, tmp_path, date(2026, 3, 11))
    (command,) = re.findall(r"```sh\n(python3 -c .*?)```", PAGE.read_text(), re.DOTALL)
    for said in ("True", "False"):
        done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == said
        text = (folder / "evidence.json").read_text()
        (folder / "evidence.json").write_text(text.replace('"requests": 3,', '"requests": 4,', 1))
