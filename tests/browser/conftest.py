"""A browser for the pages: playwright's driver with the system's chromium, offline."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pipelines.home import Home
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import make_published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site made from the small published folder."""
    home = Home(tmp_path_factory.mktemp("browser"))
    build_site(make_published(tmp_path_factory.mktemp("tables")), home, Settings())
    return home.site


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """One browser a session."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()
