"""Pages of a home that bills in two currencies: nothing is added up across them, and nothing is misnamed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.publish import numbers
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import FLAGGED, change_rated
from tests.publish.reading import amount, read, table, tiles

if TYPE_CHECKING:
    from pathlib import Path

EURO, MIXED, FAR_COST = "org-lark-004", "org-fox-009", "org-lark-008"


@pytest.fixture(scope="module")
def published(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One organisation is billed in euro, so is one model of another; the cost of a third is in euro alone."""
    return in_euro(published, tmp_path_factory.mktemp("currencies") / "p")


def in_euro(published: Path, folder: Path, exchange: str = "") -> Path:
    euro = f"(organization_id = '{EURO}' or (organization_id = '{MIXED}' and model = 'gpt-4o'))"
    far = f"(organization_id = '{FAR_COST}' and cost_amount is not null)"
    return change_rated(
        published,
        folder,
        f"""select * replace (
            case when {euro} then 'EUR' else billing_currency end as billing_currency,
            case when ({euro} and cost_currency is not null) or {far} then 'EUR' else cost_currency end
                as cost_currency,
            case when {far} then cost_amount end::decimal(38, 18) as foreign_cost_amount,
            case when not {far} then cost_amount end::decimal(38, 18) as cost_amount
        ) from t""",
        exchange,
    )


@pytest.fixture(scope="module")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("home"))
    build_site(published, home, Settings())
    return home.site


def ask(published: Path, sql: str) -> Any:
    with duckdb.connect() as con:
        con.execute(f"create view spend as from '{published / 'spend_daily.parquet'}'")
        return con.execute(sql).fetchone()


def banner(page: Any) -> str:
    return page.xpath("string(//div[@class='banner'])")


def test_organization_billed_in_another_currency_reads_its_own_charge(site: Path, published: Path) -> None:
    requests, missing, charge = ask(
        published,
        f"""select sum(requests - unpriced_requests), sum(unpriced_requests), sum(revenue_amount)
        from spend where organization_id = '{EURO}'""",
    )
    page = read(site / f"organizations/{EURO}/index.html")
    written = numbers.money(charge, "EUR")
    assert f"{requests:,} requests billed in EUR ({written}): counted here, in no amount" in banner(page)
    assert tiles(page)["Charge"][0] == "billed in EUR"
    assert page.xpath("//div[@class='tile'][h2='Charge']/p[@class='s']/text()") == [written]
    assert missing
    for row in table(page, "models-table"):
        assert row["charge (USD)"] == ("not priced" if row["model"] == "no-such-model-9" else "billed in EUR")
    assert "every request has a price" not in page.text_content()
    assert "not priced" not in page.xpath("string(//h2[@id='h-days'])")


def test_every_request_has_a_price_also_in_another_currency(published: Path, tmp_path: Path) -> None:
    folder = change_rated(published, tmp_path / "p", "from t where unpriced_reason is null")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / f"organizations/{EURO}/index.html")
    (requests,) = ask(folder, f"select sum(requests) from spend where organization_id = '{EURO}'")
    assert page.xpath("//div[@class='tile'][h2='Not priced']/p[@class='s']/text()") == [
        f"every request has a price, {requests:,} in EUR"
    ]
    assert "Priced 100.0\u00a0% of requests" in banner(page)


def test_only_the_model_of_another_currency_is_left_out(site: Path) -> None:
    page = read(site / f"organizations/{MIXED}/index.html")
    models = {r["model"]: r for r in table(page, "models-table")}
    assert models["gpt-4o"]["charge (USD)"] == "billed in EUR"
    assert models["gpt-4o"]["charge per 1M tokens (USD)"] == numbers.NOTHING
    assert models["gpt-4o-mini"]["charge (USD)"].startswith("$")
    (total,) = table(page, "models-table", "tfoot")[-1:]
    assert amount(total["requests billed in another currency"]) == amount(models["gpt-4o"]["requests"])


@pytest.mark.parametrize(
    ("path", "where"),
    [("finance/index.html", "true"), (f"organizations/{MIXED}/index.html", f"organization_id = '{MIXED}'")],
)
def test_price_per_million_is_over_the_tokens_of_its_amount(site: Path, published: Path, path: str, where: str) -> None:
    revenue, tokens = ask(
        published,
        f"""select sum(revenue_amount), sum(total_tokens - unpriced_tokens) from spend
        where {where} and billing_currency = 'USD'""",
    )
    page = read(site / path)
    wanted = numbers.per_million(revenue, tokens)
    assert Decimal(tiles(page)["$ per 1M tokens"][1]) == wanted
    total = table(page, "models-table", "tfoot")[-1]
    head = next(h for h in total if "per 1M tokens" in h and not h.endswith("*"))
    assert Decimal(total[head + "*"]) == wanted


def test_finance_reads_that_other_currencies_are_counted_but_in_no_amount(site: Path, published: Path) -> None:
    page = read(site / "finance/index.html")
    requests, billed, revenue, foreign = ask(
        published,
        """select sum(requests), sum(requests - unpriced_requests) filter (billing_currency = 'EUR'),
        sum(revenue_amount) filter (billing_currency = 'USD'), sum(revenue_amount) filter (billing_currency = 'EUR')
        from spend""",
    )
    assert f"{billed:,} requests billed in EUR ({numbers.money(foreign, 'EUR')}): counted here" in banner(page)
    assert "in no total" not in page.text_content()
    shown = tiles(page)
    assert (int(shown["Requests"][1]), Decimal(shown["Revenue"][1])) == (requests, revenue)
    euro = numbers.money(foreign, "EUR")
    assert page.xpath("string(//div[@class='tile'][h2='Revenue']/p[@class='s'])") == (
        f"and {euro}; all currencies: {numbers.money(revenue)} without {euro} (no rate of exchange)"
    )
    row = next(r for r in table(page, "organizations-table") if r["organisation"] == EURO)
    assert (row["revenue (USD)"], row["margin (USD)"]) == ("billed in EUR", numbers.NOTHING)
    total = table(page, "organizations-table", "tfoot")[-1]
    assert amount(total["requests billed in another currency"]) == billed
    facts = read(site / "finance/quality.html").xpath("string(//section[@id='build'])")
    assert f"{numbers.raw(foreign)} EUR" in facts


def test_cost_of_another_currency_is_named_to_who_sees_cost(site: Path, published: Path) -> None:
    requests, cost = ask(
        published,
        """select sum(requests - uncosted_requests), sum(coalesce(foreign_cost_amount, cost_amount))
        from spend where cost_currency = 'EUR'""",
    )
    wanted = f"Cost of {requests:,} requests ({numbers.money(cost, 'EUR')}) is in no cost or margin here"
    for audience in ("finance", "platform"):
        assert wanted in banner(read(site / audience / "index.html"))
    for path in site.rglob("*.html"):
        if path.relative_to(site).parts[0] in {"trust-safety", "organizations"}:
            assert "Cost" not in path.read_text(encoding="utf-8"), path


RATES = "('EUR', 1.1, date '2026-04-01', date '2026-04-30'), ('EUR', 1.25, date '2026-05-01', date '2026-05-30')"


def sums(published: Path, side: str, currency: str, where: str = "true") -> Decimal:
    """What is in a currency, and in all, from the daily table."""
    amount = "revenue_amount" if side == "revenue" else "coalesce(cost_amount, foreign_cost_amount)"
    key = "billing_currency" if side == "revenue" else "cost_currency"
    return ask(published, f"select sum({amount}) from spend where {key} = '{currency}' and {where}")[0] or Decimal(0)


def converted(published: Path, side: str) -> Decimal:
    """All currencies at the rates of `RATES`."""
    early = sums(published, side, "EUR", "charge_date < '2026-05-01'")
    late = sums(published, side, "EUR", "charge_date >= '2026-05-01'")
    return sums(published, side, "USD") + early * Decimal("1.1") + late * Decimal("1.25")


def test_all_currencies_are_one_total_at_the_rates_of_their_days(published: Path, tmp_path: Path) -> None:
    folder = in_euro(published, tmp_path / "p", RATES)
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    for audience in ("finance", "platform"):
        page = read(home.site / audience / "index.html")
        dollars, euro = table(page, "currencies-table")
        (total,) = table(page, "currencies-table", "tfoot")[-1:]
        for side in ("revenue", "cost"):
            head = f"{side} in all (USD)*"
            assert Decimal(euro[f"{side} in its currency*"]) == sums(folder, side, "EUR")
            assert Decimal(dollars[head]) == sums(folder, side, "USD")
            assert Decimal(total[head]) == converted(folder, side)
            whole = numbers.money(converted(folder, side))
            note = page.xpath(f"string(//div[@class='tile'][h2='{side.capitalize()}']/p[@class='s'])")
            assert note.endswith(f"all currencies: {whole}")
            foot = table(page, "currencies-table", "tfoot")
            written = [amount(row[head[:-1]]) for row in (dollars, euro, *foot)]
            assert sum(written[:-1]) == written[-1]
        assert [tuple(row.values())[::2] for row in table(page, "exchange-table")] == [
            ("EUR", "$1.10", "2026-04-01", "2026-04-30"), ("EUR", "$1.25", "2026-05-01", "2026-05-30"),
        ]  # fmt: skip
        noted = page.xpath("//div[@class='tile'][contains(p[@class='s'], 'all currencies')]/h2/a/text()")
        assert sorted(noted) == ["Cost", "Revenue"]
        assert "counted here, in no amount but that of all currencies" in banner(page)
        assert "no rate of exchange" not in page.text_content().lower()


def test_what_cannot_be_converted_is_told_and_in_no_total(published: Path, tmp_path: Path) -> None:
    folder = in_euro(published, tmp_path / "p", RATES.partition("), ")[0] + ")")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "finance/index.html")
    lost = sums(folder, "revenue", "EUR", "charge_date >= '2026-05-01'")
    assert lost
    euro = numbers.money(lost, "EUR")
    (total,) = table(page, "currencies-table", "tfoot")[-1:]
    known = converted(folder, "revenue") - lost * Decimal("1.25")
    assert Decimal(total["revenue in all (USD)*"]) == known
    assert total["currency"] == "All that has a rate of exchange"
    assert f"No rate of exchange for {euro} of revenue and " in banner(page)
    wanted = f"Revenue in all currencies: {numbers.money(known)} without {euro} (no rate of exchange)"
    assert page.xpath("string(//h2[@id='h-currencies'])") == wanted
    said = page.xpath("//section[@id='currencies']/p[@class='para']/text()")
    assert said[0] == (
        f"{euro} of revenue on 30 billing days from 2026-05-01 to 2026-05-30 is not in the total in USD: there is "
        "no rate of exchange from EUR to USD."
    )
    assert len(said) == 2
    (row,) = [r for r in table(page, "currencies-table") if r["currency"] == "EUR"]
    assert row["revenue without a rate of exchange, in its currency"] == euro
    assert table(page, "exchange-table")[-1]["rate of exchange (USD)"] == "no rate"


def test_a_converted_total_that_is_not_what_was_metered_stops_the_pages(published: Path, tmp_path: Path) -> None:
    folder = in_euro(published, tmp_path / "p", RATES)
    file = folder / "spend_reported.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table t as from '{file}'")
        con.execute("update t set reported_revenue_amount = reported_revenue_amount * 2 where billing_currency = 'USD'")
        con.execute(f"copy t to '{file}' (format parquet)")
    with pytest.raises(MeterhouseError, match="all currencies, the part in USD"):
        build_site(folder, Home(tmp_path / "home"), Settings())


def test_one_currency_needs_no_conversion(site: Path, published: Path, tmp_path: Path) -> None:
    folder = change_rated(published, tmp_path / "p", "from t where billing_currency = 'USD' and cost_currency = 'USD'")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    assert read(site / "finance/index.html").xpath("//section[@id='currencies']")
    for path in home.site.rglob("index.html"):
        text = path.read_text(encoding="utf-8")
        assert "all currencies" not in text.lower().replace("all currencies</dt>", ""), path
        assert "currencies-table" not in text


def test_conversion_is_for_who_sees_revenue_and_cost_of_all(site: Path) -> None:
    for path in site.rglob("*.html"):
        if path.relative_to(site).parts[0] in {"trust-safety", "organizations"}:
            assert "rate of exchange" not in path.read_text(encoding="utf-8"), path


def test_cost_in_the_currency_of_reports_of_what_is_billed_in_another_is_told(published: Path, tmp_path: Path) -> None:
    """A contract in euro over tokens that are bought in dollars: that cost is in no margin, and is not forgotten."""
    folder = change_rated(
        published,
        tmp_path / "p",
        f"""select * replace (
            case when euro then 'EUR' else 'USD' end as billing_currency, 'USD' as cost_currency,
            case when euro then cost end::decimal(38, 18) as foreign_cost_amount,
            case when not euro then cost end::decimal(38, 18) as cost_amount
        ) from (
            select *, organization_id = '{EURO}' as euro, coalesce(cost_amount, foreign_cost_amount) as cost from t
        )""",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    (cost,) = ask(folder, "select sum(foreign_cost_amount) from spend")
    page = read(home.site / "finance/index.html")
    assert f"({numbers.money(cost)}) is in no cost or margin here" in banner(page)
    (dollars,) = [r for r in table(page, "currencies-table") if r["currency"] == "USD"]
    whole = sums(folder, "cost", "USD")
    assert Decimal(dollars["cost in all (USD)*"]) == whole
    note = page.xpath("string(//div[@class='tile'][h2='Cost']/p[@class='s'])")
    assert note == f"all currencies: {numbers.money(whole)}"


def test_margin_page_tells_what_has_one_side_only(site: Path, published: Path) -> None:
    page = read(site / "finance/margin.html")
    rows = {r["requests with"]: r for r in table(page, "sides-table")}
    both, alone = ask(
        published,
        """select sum(margin_revenue_amount), sum(revenue_only_amount) from spend where billing_currency = 'USD'""",
    )
    assert alone
    assert Decimal(rows["Both known"]["revenue (USD)*"]) == both
    assert Decimal(rows["Revenue only"]["revenue (USD)*"]) == alone
    assert rows["Revenue only"]["cost (USD)"] == numbers.NOTHING
    foot = table(page, "sides-table", "tfoot")
    for head in ("revenue (USD)", "cost (USD)", "margin (USD)"):
        assert sum(amount(r[head]) for r in [*rows.values(), *foot[:-1]]) == amount(foot[-1][head])


def test_flagged_organization_of_another_currency_has_no_amount_in_this_one(published: Path, tmp_path: Path) -> None:
    folder = change_rated(
        published,
        tmp_path / "p",
        f"""select * replace (case when organization_id = '{FLAGGED[1]}' then 'EUR' else billing_currency end
        as billing_currency) from t""",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    case = read(home.site / "trust-safety/cases/case-001a1.html")
    assert tiles(case)["Revenue in the window"][0] == "billed in EUR"
    queue = table(read(home.site / "trust-safety/index.html"), "queue-table")
    assert [r["revenue (USD)"][:1] for r in queue] == ["b", "$"]


def test_list_prices_are_held_against_the_same_usage(published: Path, tmp_path: Path) -> None:
    """A day with unpriced requests is on neither side, so standard usage at list reads as list."""
    folder = change_rated(
        published,
        tmp_path / "p",
        """select * exclude (keep) replace (
            case when keep then revenue_amount end as revenue_amount,
            case when keep then unpriced_reason else 'none' end as unpriced_reason
        ) from (
            select *, not (organization_id = 'org-lark-000' and input_tokens % 5 = 0 and day(usage_date) % 2 = 0)
            as keep from t where provider = 'google' and service_tier = 'standard'
        )""",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "platform/models.html")
    (row,) = table(page, "effective-table")
    assert row["gap to list"] == "0.0\u00a0%"
    assert row["charged per 1M tokens (USD)*"] == row["same tokens at list per 1M (USD)*"]
    assert page.xpath("string(//h2[@id='h-effective'])") == "Charged prices equal list prices"


def test_month_billed_in_another_currency_alone_is_not_called_unpriced(published: Path, tmp_path: Path) -> None:
    folder = change_rated(
        published,
        tmp_path / "p",
        """select * replace (case when month(usage_date) = 4 then 'EUR' else billing_currency end as billing_currency)
        from t where unpriced_reason is null""",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    months = table(read(home.site / "finance/index.html"), "months-table")
    assert [r["revenue (USD)"][:13] for r in months] == ["billed in EUR", months[1]["revenue (USD)"][:13]]
    assert months[1]["revenue (USD)"].startswith("$")
