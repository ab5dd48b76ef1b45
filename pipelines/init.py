"""Makes a Meterhouse home: folders and a commented settings file. Never overwrites one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sql import read_sql

if TYPE_CHECKING:
    from pipelines.home import Home

TEMPLATE = "meterhouse.toml"


def make_home(home: Home) -> bool:
    """Write the folders and, if there is none, meterhouse.toml; True if it was written."""
    for folder in (home.root, home.landing, home.prices):
        folder.mkdir(parents=True, exist_ok=True)
    if home.config.exists():
        return False
    home.config.write_text(template(), encoding="utf-8")
    return True


def template() -> str:
    """The commented settings file of a new home."""
    from pathlib import Path

    return read_sql(Path(__file__).with_name("meterhouse.toml"))
