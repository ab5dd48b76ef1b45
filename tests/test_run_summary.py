"""What `meterhouse run` ends with: money in each currency."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines import cli, run
from pipelines.home import Home
from pipelines.landing.ingest import IngestSummary
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

TAKEN = IngestSummary()
FLAGGED = (
    "2 flags on 1 organisation: used after a suspension or outside a licence; 3,000 requests without a region, which a "
    "licence limits; 1 in the hour in which a suspension began"
)


NO_HOURS = """
    select null as cost_currency, null::decimal(38, 18) as idle_amount, null::decimal(38, 6) as gpu_hours,
        null::decimal(38, 18) as serving_amount where false"""


def summary(root: Path, *spend: tuple[Any, ...], hours: str = NO_HOURS) -> run.RunSummary:
    """Of a home with these rows of spend_daily: currency billed, of the cost, revenue, cost, foreign cost."""
    home = Home(root)
    folder = home.exports / "published"
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute("""
            create table spend (
                billing_currency varchar, cost_currency varchar, revenue_amount decimal(38, 18),
                cost_amount decimal(38, 18), foreign_cost_amount decimal(38, 18), requests bigint default 1,
                unpriced_requests bigint default 0)""")
        names = "billing_currency, cost_currency, revenue_amount, cost_amount, foreign_cost_amount"
        con.executemany(f"insert into spend ({names}) values (?, ?, ?, ?, ?)", spend)
        tables = {
            "spend_daily": "select *, revenue_amount - cost_amount as margin_amount from spend",
            "serving_days": hours,
            "watch_summary": "select '' as note, null::date as last_day",
            "enforcement_summary": """select 0 as organizations, 0 as flags, 0 as flagged_organizations,
                0 as unknown_region_requests, 0 as begun_hour_requests""",
            "activity_daily": "select 'acme' as organization_id",
            "extraction_flags": "select '' as detector, '' as state, null::date as until where false",
        }
        for name, query in tables.items():
            con.execute(f"copy ({query}) to '{folder / name}.parquet'")
    return run._summary(home, Settings(), TAKEN, changed=False, seconds=0.0, steps={})


def test_a_cost_in_another_currency_is_told_and_not_called_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = summary(
        tmp_path, ("EUR", "USD", 5, None, 2), ("EUR", "USD", 5, None, 1), ("EUR", "GBP", 1, None, 4),
        ("USD", "USD", 3, 2, None),
    )  # fmt: skip
    euro, dollar = found.money
    assert euro.foreign == (("GBP", Decimal(4)), ("USD", Decimal(3)))
    assert dollar.foreign == ()
    cli._print_summary(Home(tmp_path), found)
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line[0] in {"revenue", "cost", "margin"}] == [
        ["revenue", "EUR", "11.00"],
        ["cost", "GBP", "4.00, of requests billed in EUR"],
        ["cost", "USD", "3.00, of requests billed in EUR"],
        ["margin", "EUR", "none: the cost is in another currency"],
        ["revenue", "USD", "3.00"],
        ["cost", "USD", "2.00"],
        ["margin", "USD", "1.00"],
    ]


def test_a_cost_that_nobody_knows_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli._print_summary(Home(tmp_path), summary(tmp_path, ("EUR", None, 5, None, None)))
    shown = " ".join(capsys.readouterr().out.split())
    assert "cost EUR unknown margin EUR unknown" in shown


def told(root: Path, capsys: pytest.CaptureFixture[str], found: run.RunSummary) -> dict[str, str]:
    cli._print_summary(Home(root), found)
    return {line[2:18].strip(): line[19:] for line in capsys.readouterr().out.splitlines()}


def test_a_margin_that_is_not_the_difference_says_what_it_is_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("USD", "USD", 3, 2, None), ("USD", "USD", 5, None, None)]
    assert told(tmp_path / "some", capsys, summary(tmp_path / "some", *rows))["margin USD"] == (
        "1.00, of the requests whose revenue and cost are both known"
    )
    assert told(tmp_path / "all", capsys, summary(tmp_path / "all", rows[0]))["margin USD"] == "1.00"


def test_hours_of_gpus_alone_make_no_revenue_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hours = """
        select 'EUR' as cost_currency, 6::decimal(38, 18) as idle_amount, 2::decimal(38, 6) as gpu_hours,
            6::decimal(38, 18) as serving_amount
        union all select null, null, 1.5, null"""
    lines = told(tmp_path, capsys, summary(tmp_path, ("USD", "USD", 3, 2, None), hours=hours))
    assert [name for name in lines if "EUR" in name] == ["idle GPUs EUR"]
    assert lines["idle GPUs EUR"].startswith("6.00, in no cost")
    assert lines["GPU hours"] == "1.5 have no price on the cost card, and are in no cost"


@pytest.mark.parametrize(
    ("found", "faults", "lines"),
    [
        (run.Enforcement(), 0, []),
        (run.Enforcement(), 1, ["of 0 organisations; 1 fault, see below", "no fact to hold usage against"]),
        (
            run.Enforcement(organizations=1),
            0,
            ["of 1 organisation", "no usage after a suspension or outside a licence"],
        ),
        (
            run.Enforcement(1_200, 2, 1, 3_000, 1),
            2,
            [
                "of 1,200 organisations; 2 faults, see below",
                FLAGGED,
            ],
        ),
    ],
)
def test_facts_and_flags_of_them_are_told(found: run.Enforcement, faults: int, lines: list[str]) -> None:
    assert [value for _, value in cli._enforcement_rows(found, faults)] == lines
