"""What the prices and quality pages say of rates: one row a rate set, and since when a rate is known."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb

from pipelines.home import Home
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.reading import read, table

if TYPE_CHECKING:
    from pathlib import Path


def changed(published: Path, folder: Path, name: str, select: str) -> Path:
    """A copy of the published folder with one table replaced by `select` from t, its old rows."""
    if not folder.exists():
        shutil.copytree(published, folder)
    path = folder / f"{name}.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table t as from '{path}'")
        con.execute(f"copy ({select}) to '{path}'")
    return folder


def built(folder: Path, tmp_path: Path) -> Path:
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    return home.site


def test_rates_of_one_set_are_one_row_whatever_their_dates(published: Path, tmp_path: Path) -> None:
    """The cached rate came later than the others, and once more with a better figure."""
    folder = changed(
        published,
        tmp_path / "p",
        "price_book",
        """select * replace (
            case when model = 'gpt-4o' and unit = 'cached_input' then timestamp '2026-05-10' else valid_from end
            as valid_from) from t
        union all
        select * replace (9.99 as price) from t where model = 'gpt-4o' and unit = 'cached_input'""",
    )
    page = read(built(folder, tmp_path) / "finance/prices.html")
    rows = [
        r
        for r in table(page, "in-force-table")
        if (r["model"], r["service tier"], r["card"]) == ("gpt-4o", "standard", "list")
    ]
    (row,) = rows
    assert row["input per 1M tokens"] == "$2.50"
    assert row["cached per 1M tokens"] == "$1.25"
    assert row["output per 1M tokens"] == "$10.00"
    assert row["valid from (UTC)"] == "2026-05-10"
    text = page.xpath("string(//section[@id='in-force'])")
    assert "on 2026-05-30" in text
    assert "today" not in text.lower()


def test_a_rate_known_too_late_is_named_with_its_day(published: Path, tmp_path: Path) -> None:
    folder = changed(
        published,
        tmp_path / "p",
        "price_book",
        """from t union all
        select * replace ('unlisted' as provider, 'no-such-model-9' as model, timestamp '2026-07-01' as valid_from)
        from t where model = 'gpt-4o' and model_tier = 'base'""",
    )
    with duckdb.connect() as con:
        path = folder / "rated_usage"
        con.execute(f"create table r as from read_parquet('{path}/*/*.parquet')")
        shutil.rmtree(path)
        reason = "case when unpriced_reason is not null then 'no rate in force at this instant' end as unpriced_reason"
        con.execute(
            f"""copy (select * replace ({reason}) from r) to '{path}'
            (format parquet, partition_by (usage_date), write_partition_columns true)"""
        )
    (row,) = table(read(built(folder, tmp_path) / "finance/quality.html"), "unpriced-table")
    assert row["reason"] == "no rate in force at this instant: the rate is known only from 2026-07-01 on"
