"""docs/hostile.md names every limit with its value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.landing import contract, limits
from pipelines.publish import facts, site
from pipelines.settings import Site

PAGE = (Path(__file__).parents[1] / "docs" / "hostile.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE))
OF_FILES = {name: value for name, value in vars(limits).items() if isinstance(value, int) and name.isupper()}
OF_RECORDS = {name: value for name, value in vars(contract).items() if name.startswith("MAX_")}
OF_PAGES = {
    "MOST_NAMES": facts.MOST_NAMES,
    "MAX_PRODUCT_PAGES": facts.MAX_PRODUCT_PAGES,
    "max_organization_pages": Site().max_organization_pages,
}


@pytest.mark.parametrize(
    ("name", "value"), [pair for pair in (OF_FILES | OF_RECORDS | OF_PAGES).items() if pair[0] != "MEBIBYTE"]
)
def test_limit_is_on_the_page(name: str, value: int) -> None:
    in_mebibytes = value >= limits.MEBIBYTE and not value % limits.MEBIBYTE
    assert ROWS[name] == (f"{value // limits.MEBIBYTE:,} MiB" if in_mebibytes else f"{value:,}")


def test_limits_of_the_site_are_on_the_page() -> None:
    assert f"| `MAX_FILES`, `MAX_BYTES` | {site.MAX_FILES:,} pages, {site.MAX_BYTES >> 20} MiB |" in PAGE
