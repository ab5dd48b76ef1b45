"""What pages are made of has a bound: names beyond the largest share a row, which says so, and no money is lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest

from dashboards.pages import models
from pipelines.home import Home
from pipelines.publish import facts as all_facts
from pipelines.publish.site import build_site
from pipelines.settings import Settings, Site
from tests.publish.reading import read, table
from tests.publish.test_small_homes import replace_table

if TYPE_CHECKING:
    from pathlib import Path

FEW = 2


REASONS = 150


@pytest.fixture(scope="module")
def few(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site when all but two organisations, products and models share a row: built only where the ledger holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(all_facts, "MOST_NAMES", FEW)
        patch.setattr(models, "ROWS", 1)
        place = tmp_path_factory.mktemp("few")
        home = Home(place / "home")
        folder = shutil.copytree(published, place / "published")
        replace_table(
            folder,
            "quarantined_records",
            f"""
            select * replace ('reason ' || n as reason) from (from t limit 1), range({REASONS}) as r (n)""",
        )
        build_site(folder, home, Settings(site=Site(max_organization_pages=3)))
    return home.site


def names(published: Path, column: str, table_name: str = "spend_daily") -> set[str]:
    path = published / f"{table_name}.parquet"
    return {name for (name,) in duckdb.sql(f"select distinct {column} from '{path}'").fetchall()}


def test_names_beyond_the_largest_share_a_row_that_says_so(few: Path, published: Path) -> None:
    flagged = names(published, "organization_id", "extraction_flags")
    for plural, column, path, id_ in (
        ("organisations", "organization_id", "finance/organizations/index.html", "organizations-table"),
        ("products", "product_id", "finance/products/index.html", "products-table"),
    ):
        page = read(few / path)
        every = names(published, column)
        listed = {next(iter(row.values())) for row in table(page, id_)}
        [others] = [name for name in listed if name.endswith(f" other {plural})")]
        itself = listed - {others}
        assert others == f"({len(every) - len(itself):,} other {plural})"
        assert itself < every
        assert len(itself - flagged) <= FEW
        assert "Beyond the 2 largest, names share one row" in page.text_content()
        assert f"of {len(every):,} {plural}" in page.text_content()


def test_those_who_share_a_row_have_no_page_but_who_is_flagged_has(few: Path, published: Path) -> None:
    flagged = names(published, "organization_id", "extraction_flags")
    assert len(list((few / "trust-safety" / "organizations").glob("*.html"))) >= len(flagged)
    assert not [page for page in few.rglob("*.html") if "other-" in page.name or "other-" in page.parent.name]


def test_tables_of_models_have_a_limit_that_they_say(few: Path) -> None:
    page = read(few / "platform" / "models.html")
    assert len(table(page, "effective-table")) == 1
    assert "The 1 models with the most revenue, of " in page.text_content()


def test_reasons_beyond_the_most_frequent_are_counted(few: Path) -> None:
    page = read(few / "platform" / "quality.html")
    assert f"{REASONS} records in quarantine, for {REASONS} reasons" in page.text_content()
    assert f"The 100 most frequent of {REASONS} reasons." in page.text_content()
