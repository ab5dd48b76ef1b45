"""What the prices and quality pages say of rates: one row a rate set, and since when a rate is known."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from dashboards.pages import causes
from pipelines.home import Home
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import change_rated
from tests.publish.reading import read, table

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.html import HtmlElement

    from pipelines.publish.facts import Facts


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


def sets(page: HtmlElement, table_id: str, model: str) -> list[dict[str, str]]:
    """The standard list rates of a model."""
    wanted = (model, "standard", "list")
    return [r for r in table(page, table_id) if (r["model"], r["service tier"], r["card"]) == wanted]


def test_a_rate_set_of_another_time_is_whole(published: Path, tmp_path: Path) -> None:
    """The output price is that of a row of another date: the set has it all the same."""
    folder = changed(
        published,
        tmp_path / "p",
        "price_rates",
        """from t union all by name
        select * replace (
            rate_id || 'x' as rate_id, price_input_tokens * 2 as price_input_tokens,
            timestamp '2024-05-13' as valid_from, timestamp '2024-10-01' as valid_to
        ) from t where model = 'gpt-4o' and model_tier = 'base'""",
    )
    page = read(built(folder, tmp_path) / "finance/prices.html")
    (now,), (then,) = sets(page, "in-force-table", "gpt-4o"), sets(page, "history-table", "gpt-4o")
    prices = [f"{unit} per 1M tokens" for unit in ("input", "cached", "output")]
    assert [now[p] for p in prices] == ["$2.50", "$1.25", "$10.00"]
    assert [then[p] for p in prices] == ["$5.00", "$1.25", "$10.00"]
    assert (now["valid from (UTC)"], then["valid to (UTC)"]) == ("2024-10-01", "2024-10-01")
    assert then["checked on"] == "\u2013"  # no row of the book says so
    text = page.xpath("string(//section[@id='in-force'])")
    assert "on 2026-05-30" in text
    assert "today" not in text.lower()


def test_prices_are_those_of_the_book_as_it_was_known(published: Path, tmp_path: Path) -> None:
    """The published book has rows that the home does not know yet; its rate sets do not, and they are shown."""
    folder = changed(
        published,
        tmp_path / "p",
        "price_book",
        """from t union all select * replace (
            9.99 as price, timestamp '2026-05-20' as known_from, date '2026-05-20' as checked_on
        ) from t where model = 'gpt-4o'""",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings.model_validate({"pricing": {"known_at": "2026-05-10T00:00:00Z"}}))
    page = read(home.site / "finance/prices.html")
    (row,) = sets(page, "in-force-table", "gpt-4o")
    assert (row["input per 1M tokens"], row["checked on"]) == ("$2.50", "2026-05-01")
    assert "$9.99" not in page.text_content()


def test_prices_name_as_many_rate_sets_as_there_are(published: Path, tmp_path: Path) -> None:
    folder = changed(
        published,
        tmp_path / "p",
        "price_rates",
        """from t union all by name
        select t.* replace (
            rate_id || n as rate_id, model || n as model, priced_as || n as priced_as,
            timestamp '2024-12-01' as valid_to, null::decimal(18, 12) as price_web_search_calls
        ) from t, range(320) as extra (n) where model = 'gpt-4o' and model_tier = 'base'
            and service_tier = 'standard' and card = 'list'""",
    )
    page = read(built(folder, tmp_path) / "finance/prices.html")
    title, note = (page.xpath(f"string(//section[@id='history']//{t})") for t in ("h2", "p[@class='note']"))
    assert title.startswith("324 rate sets of 321 models")  # and four of mistral-large-2
    assert note.startswith("The first 300 of 324 rate sets")
    assert len(table(page, "history-table")) == 300


def test_columns_that_no_row_fills_are_left_out(site: Path) -> None:
    page = read(site / "finance/prices.html")
    now, then = table(page, "in-force-table")[0], table(page, "history-table")[0]
    assert "web search per 1,000 calls" in now
    assert "valid to (UTC)" not in now
    assert list(then)[::2][:3] == ["model", "valid from (UTC)", "valid to (UTC)"]
    assert "web search per 1,000 calls" not in then
    assert "cached per 1M tokens" not in then


def test_an_alias_in_use_has_the_rates_that_price_it(published: Path, tmp_path: Path) -> None:
    folder = changed(
        published,
        tmp_path / "p",
        "price_rates",
        """from t union all by name select * exclude (other) replace (other || rate_id as rate_id, other as model)
        from t, (values ('no-such-model-9'), ('unused-alias')) as aliases (other)
        where model = 'gpt-4o' and model_tier = 'base'""",
    )
    rates = folder / "price_rates.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table t as from '{rates}'")
        con.execute("update t set provider = 'unlisted' where model = 'no-such-model-9'")
        con.execute(f"copy t to '{rates}'")
    rows = table(read(built(folder, tmp_path) / "finance/prices.html"), "in-force-table")
    assert {r["priced as"] for r in rows if r["model"] == "no-such-model-9"} == {"gpt-4o"}
    assert not [r for r in rows if r["model"] == "unused-alias"]


def test_a_rate_known_too_late_is_named_with_its_day(published: Path, tmp_path: Path) -> None:
    folder = changed(
        published,
        tmp_path / "p",
        "price_rates",
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


def test_units_are_quoted_for_what_people_quote_them_for(site: Path) -> None:
    rows = table(read(site / "finance/prices.html"), "in-force-table")
    standard = [r for r in rows if (r["service tier"], r["card"]) == ("standard", "list")]
    searched = [r["web search per 1,000 calls"] for r in standard if r["model"] == "gpt-4o"]
    hosted = [r["hosting hour"] for r in standard if r["model"] == "gpt-4o \u00b7 fine-tuned"]
    assert (searched, hosted) == (["$25.00"], ["$1.70"])
    assert "region" not in rows[0]


def test_rates_of_a_region_are_rows_of_their_own(published: Path, tmp_path: Path) -> None:
    folder = changed(
        published,
        tmp_path / "p",
        "price_rates",
        """from t union all
        select * replace ('eu-central-1' as region, price_input_tokens * 1.1 as price_input_tokens)
        from t where model = 'gpt-4o-mini'""",
    )
    page = read(built(folder, tmp_path) / "finance/prices.html")
    found = [(r["region"], r["input per 1M tokens"]) for r in sets(page, "in-force-table", "gpt-4o-mini")]
    assert found == [("any", "$0.15"), ("eu-central-1", "$0.165")]


def test_commands_are_named_where_prices_are_worked_on(site: Path) -> None:
    for audience in ("finance", "platform", "trust-safety"):
        page = read(site / audience / "quality.html")
        named = page.xpath("//section[@id='unpriced']//code/text()")
        (row,) = table(page, "unpriced-table")
        assert (named == ["meterhouse unpriced", "meterhouse explain EVENT_ID"]) == (audience != "trust-safety")
        assert row.get("request", "").startswith("e-") == (audience != "trust-safety")
    assert "meterhouse explain EVENT_ID" in read(site / "finance/prices.html").xpath("//code/text()")


def test_causes_of_missing_cost_are_for_who_sees_cost(published: Path, tmp_path: Path) -> None:
    """Models of one provider have no cost on any day; those without a price have none either."""
    folder = change_rated(
        published,
        tmp_path / "p",
        """select * replace (
            case when provider <> 'mistral' then cost_amount end as cost_amount,
            case when provider = 'mistral' then 'no cost of it' else uncosted_reason end as uncosted_reason
        ) from t""",
    )
    site = built(folder, tmp_path)
    with duckdb.connect() as con:
        (wanted,) = con.execute(
            f"select sum(uncosted_requests)::bigint from '{folder}/spend_daily.parquet' where provider = 'mistral'"
        ).fetchone() or (0,)
    for audience in ("finance", "platform"):
        page = read(site / audience / "quality.html")
        rows = table(page, "uncosted-table")
        found = [r for r in rows if r["provider"] == "mistral"]
        assert {r["reason"] for r in found} == {"no cost of it"}
        assert sum(int(r["requests"].replace(",", "")) for r in found) == wanted > 0
        assert "no-such-model-9" in {r["model"] for r in rows}
        assert [r["model"] for r in table(page, "unpriced-table")] == ["no-such-model-9"]
        assert "meterhouse unpriced --side cost" in page.xpath("//section[@id='uncosted']//code/text()")
    pages = [p for p in site.rglob("*.html") if not {"finance", "platform"} & set(p.relative_to(site).parts)]
    assert pages
    assert not [p for p in pages if "uncosted" in p.read_text() or "no cost of it" in p.read_text()]


def test_causes_that_are_the_same_on_one_card_stand_once(facts: Facts) -> None:
    one = replace(facts, build={**facts.build, "cost_card": facts.build["revenue_card"]})
    assert [c.id for c in causes.cards(one, "finance")] == ["unpriced"]
    assert [c.id for c in causes.cards(facts, "finance")] == ["unpriced", "uncosted"]


def test_the_request_named_is_one_that_has_no_price(site: Path, published: Path) -> None:
    (row,) = table(read(site / "finance/quality.html"), "unpriced-table")
    with duckdb.connect() as con:
        found = con.execute(
            f"select unpriced_reason from read_parquet('{published}/rated_usage/*/*.parquet') where event_id = ?",
            [row["request"]],
        ).fetchall()
    assert found == [(row["reason"],)]
