"""What dbt is told by a build, and what it may go on from. Builds themselves are in `pipeline/`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import build
from pipelines.home import Home

if TYPE_CHECKING:
    from pathlib import Path

PATHS = ("METERHOUSE_WAREHOUSE", "METERHOUSE_SPILL")


def test_dbt_is_told_the_same_paths_in_every_home(tmp_path: Path) -> None:
    """Were they others, dbt would take the project apart anew for a copy of a home."""
    one, other = Home(tmp_path / "one"), Home(tmp_path / "other")
    for name in PATHS:
        path = build.environment_at_home(one)[name]
        assert path == build.environment_at_home(other)[name]
        assert str(one.root / path) == build.dbt_environment(one)[name]


def test_a_parsing_is_lent_where_there_is_none(tmp_path: Path) -> None:
    lender, borrower = tmp_path / "lender", tmp_path / "new" / "borrower"
    build.lend_parsing(lender, borrower)
    assert not borrower.exists()
    lender.mkdir()
    parsed, own = lender / "partial_parse.msgpack", borrower / "partial_parse.msgpack"
    parsed.write_bytes(b"first")
    build.lend_parsing(lender, borrower)
    assert own.read_bytes() == b"first"
    parsed.write_bytes(b"second")
    build.lend_parsing(lender, borrower)
    assert own.read_bytes() == b"first"
