"""A book that is read as it was known at some instant: whatever carries its version says so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from pipelines.home import Home
from pipelines.publish.exports import published_folder
from pipelines.publish.site import build_site
from pipelines.run import run_all
from pipelines.settings import Settings, load_settings
from tests.conftest import ask
from tests.landing.homes import drop, event
from tests.publish.reading import read
from tests.publish.test_small_homes import replace_table

if TYPE_CHECKING:
    from pathlib import Path

SAID = "as known at 2026-04-01 00:00 UTC"


def test_pages_say_as_of_when_the_book_is_read(published: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(published, tmp_path / "p")
    replace_table(folder, "build", "select * replace (timestamp '2026-04-01' as known_at) from t")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    for page in ("finance/index.html", "platform/models.html"):
        assert read(home.site / page).text_content().count(SAID) == 2, page
    assert "as it was known at 2026-04-01 00:00:00 UTC" in read(home.site / "finance/quality.html").text_content()


def test_exports_say_as_of_when_the_book_is_read(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.config.write_text("[pricing]\nknown_at = 2026-12-31T00:00:00Z\n", encoding="utf-8")
    drop(home, "gateway/a.jsonl", [event("a")])
    run_all(home, load_settings(home))
    assert ask(home, "select known_at::varchar from published.build") == [("2026-12-31 00:00:00",)]
    metadata = pq.read_metadata(published_folder(home) / "spend_daily.parquet").metadata
    assert metadata[b"known_at"] == b"2026-12-31 00:00:00"
