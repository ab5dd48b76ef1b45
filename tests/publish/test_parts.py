"""Wherever a page shows parts beside their whole, the shown parts add up to the shown whole."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pytest

from dashboards.chart_parts import weekly
from dashboards.quantities import BUCKETS, KINDS, METERS, UNITS
from pipelines.home import Home
from pipelines.landing import contract
from pipelines.pricing import units
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import change_rated
from tests.publish.reading import amount, read, specs, table, tiles

if TYPE_CHECKING:
    from pathlib import Path

    from lxml import html

    from pipelines.publish.facts import Facts

SIDES = ("revenue (USD)", "cost (USD)", "margin (USD)")


@pytest.fixture(scope="module")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of amounts with all eighteen places, so that rounding shows everywhere."""
    folder = change_rated(
        published,
        tmp_path_factory.mktemp("parts") / "p",
        """select * replace (
            (revenue_amount + 0.000777777777777777)::decimal(38, 18) as revenue_amount,
            (cost_amount + 0.000333333333333333)::decimal(38, 18) as cost_amount
        ) from t""",
    )
    home = Home(tmp_path_factory.mktemp("home"))
    build_site(folder, home, Settings())
    return home.site


def tables_of(page: html.HtmlElement) -> list[str]:
    return page.xpath("//table/@id")


def test_revenue_tile_is_cost_and_margin(site: Path) -> None:
    paths = [
        *site.glob("finance/index.html"),
        *site.glob("finance/organizations/org-*.html"),
        *site.glob("finance/products/*.html"),
    ]
    checked = 0
    for path in paths:
        shown = tiles(read(path))
        if "Margin" in shown:
            assert amount(shown["Revenue"][0]) == amount(shown["Cost"][0]) + amount(shown["Margin"][0]), path
            checked += 1
    assert checked > 40


def test_every_row_with_three_sides_adds_up(site: Path) -> None:
    checked = 0
    for path in sorted(site.rglob("*.html")):
        page = read(path)
        for name in tables_of(page):
            for row in [*table(page, name), *table(page, name, "tfoot")]:
                if (
                    set(SIDES) <= set(row)
                    and next(iter(row.values())) != "Rounding"
                    and row["margin (USD)"][-1].isdigit()
                ):
                    revenue, cost, margin = (amount(row[k]) for k in SIDES)
                    assert revenue == cost + margin, (path, name, row)
                    checked += 1
    assert checked > 500


def test_every_column_with_a_total_adds_up(site: Path) -> None:
    """Amounts, counts and shares alike, with the rounding row where there is one."""
    checked = 0
    for path in sorted(site.rglob("*.html")):
        page = read(path)
        for name in tables_of(page):
            rows, foot = table(page, name), table(page, name, "tfoot")
            if not foot:
                continue
            *others, total = foot
            for head, text in total.items():
                is_sum = not head.endswith("*") and text[-1:].isdigit() and "per 1M" not in head
                if not is_sum or name == "thin-table":  # which leaves out what has no margin
                    continue
                parts = [r[head] for r in [*rows, *others] if r[head][-1:].isdigit()]
                assert sum(map(amount, parts), Decimal(0)) == amount(text), (path, name, head)
                checked += 1
    assert checked > 1000


def test_shares_of_kinds_add_up(site: Path) -> None:
    for path in sorted(site.glob("finance/organizations/org-*.html")):
        rows = table(read(path), "kinds-table")
        assert sum(Decimal(r["share"].removesuffix("\u00a0%")) for r in rows) == 100, path


def test_figures_behind_a_chart_add_up_to_their_total(site: Path) -> None:
    checked = 0
    for path in [*site.glob("organizations/*/index.html"), site / "platform/models.html"]:
        page = read(path)
        for name in tables_of(page):
            if not name.endswith("-data"):
                continue
            for row in table(page, name):
                total = next((v for k, v in row.items() if k.startswith("Total (")), None)
                if total is not None:
                    parts = [v for k, v in row.items() if not k.endswith("*") and not k.startswith(("days", "Total ("))]
                    assert sum(map(amount, parts), Decimal(0)) == amount(total), (path, row)
                    checked += 1
    assert checked > 100


def test_figures_of_a_week_are_rounded_together(facts: Facts) -> None:
    """Alone, each of three times 10.015005 would read as 10.02, and their whole as 30.05."""
    assert facts.period is not None
    third = [Decimal("1.430715")] * len(facts.period.days)
    columns = [("a", third), ("b", third), ("c", third)]
    made = weekly("x", "Revenue", facts.period, columns, "USD", total=[d * 3 for d in third])
    assert [c.text for c in made.rows[0][1:]] == ["$10.02", "$10.02", "$10.01", "$30.05"]


def test_members_of_a_case_add_up(site: Path) -> None:
    page = read(site / "trust-safety/cases/case-001a1.html")
    rows, foot = table(page, "linked-table"), table(page, "linked-table", "tfoot")
    assert len(rows) == 2
    for head in ("requests", "output tokens", "revenue (USD)"):
        assert sum(amount(r[head]) for r in [*rows, *foot[:-1]]) == amount(foot[-1][head])


def test_what_has_one_side_only_stands_beside_the_margin(published: Path, tmp_path: Path) -> None:
    folder = change_rated(
        published,
        tmp_path / "p",
        """select * replace (
            case when not (organization_id = 'org-lark-004' and model = 'gpt-4o') then cost_amount end as cost_amount,
            case when organization_id <> 'org-lark-008' then revenue_amount end as revenue_amount
        ) from t""",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "finance/margin.html")
    rows = {r["requests with"]: r for r in table(page, "sides-table")}
    assert list(rows) == ["Both known", "Revenue only", "Cost only"]
    both = rows["Both known"]
    assert amount(both["revenue (USD)"]) == amount(both["cost (USD)"]) + amount(both["margin (USD)"])
    foot = table(page, "sides-table", "tfoot")
    for head in SIDES:
        assert sum(amount(r[head]) for r in [*rows.values(), *foot[:-1]]) == amount(foot[-1][head])
    with duckdb.connect() as con:
        wanted = con.execute(
            f"select sum(revenue_only_amount), sum(cost_only_amount) from '{folder / 'spend_daily.parquet'}'"
        ).fetchone()
    assert (Decimal(rows["Revenue only"]["revenue (USD)*"]), Decimal(rows["Cost only"]["cost (USD)*"])) == wanted
    assert "of revenue alone and" in page.xpath("string(//h2[@id='h-sides'])")


def test_every_quantity_and_unit_has_a_name() -> None:
    assert tuple(BUCKETS) == contract.BUCKETS
    assert tuple(METERS) == contract.METERS
    assert tuple(UNITS) == units.UNITS
    assert sorted(b for _, buckets, _ in KINDS for b in buckets) == sorted(contract.BUCKETS)
    assert len({colour for *_, colour in KINDS}) == len(KINDS)


def test_chart_of_kinds_has_all_tokens(site: Path, published: Path) -> None:
    with duckdb.connect() as con:
        (tokens,) = con.execute(f"select sum(total_tokens) from '{published / 'spend_daily.parquet'}'").fetchone()
    page = read(site / "platform/models.html")
    spec = specs(page)[page.xpath("//figure/@id").index("token-kinds")]
    assert sum(sum(t["y"]) for t in spec["data"]) == tokens
    assert "Audio and image" in [t["name"] for t in spec["data"]]
