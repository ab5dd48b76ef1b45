"""One published folder and one site made from it, shared by all tests of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.home import Home
from pipelines.publish.facts import Facts, load_facts
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import make_published

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published tables as Parquet. Read only."""
    return make_published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site's folder. Read only."""
    home = Home(tmp_path_factory.mktemp("home"))
    build_site(published, home, Settings())
    return home.site


@pytest.fixture(scope="session")
def facts(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """What the pages read."""
    return load_facts(published, Home(tmp_path_factory.mktemp("facts")), Settings())
