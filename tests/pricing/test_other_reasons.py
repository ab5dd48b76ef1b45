"""Requests without an amount that no row of rates would help."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.pricing.missing import FOREIGN_COST, MARKED_UP_HOURS
from pipelines.pricing.other_reasons import other_reasons

BAND = "the price of a quantity band is in another currency"


@pytest.fixture
def told(home):
    """Findings of published requests: model, reason of revenue and of cost."""

    def find(*requests):
        day = home.exports / "published" / "rated_usage" / "usage_date=2024-05-01"
        day.mkdir(parents=True)
        with duckdb.connect() as con:
            con.execute("""
                create table rated (
                    model varchar, unpriced_reason varchar, uncosted_reason varchar, provider varchar default 'acme',
                    occurred_at timestamp default timestamp '2024-05-01 12:00:00')""")
            con.executemany("insert into rated (model, unpriced_reason, uncosted_reason) values (?, ?, ?)", requests)
            con.execute(f"copy rated to '{day / 'part.parquet'}'")
        return other_reasons(home)

    return find


def test_a_home_without_exports_has_none(home):
    assert other_reasons(home) == []


def test_every_reason_of_each_side_is_told_with_the_command_that_has_more(told, home):
    marked = f"{MARKED_UP_HOURS} spread over tokens"
    found = told(
        ("m-1", marked, None), ("m-2", marked, None), ("m-1", BAND, "no hours of GPUs are known for this day"),
        ("m-1", "something new", None),
    )  # fmt: skip
    assert {one.severity for one in found} == {"warning"}
    assert [(one.file.removeprefix(f"{home.root}/"), one.field) for one in found] == [
        ("prices/terms", "percent"), ("landing", ""), ("prices/terms", "currency"),
        ("prices/serving_hours", "gpu_hours"),
    ]  # fmt: skip
    assert found[0].cause == (
        f"the last run found no revenue amount ({marked}): 2 requests of acme m-1, acme m-2 "
        "from 2024-05-01T12:00:00Z to 2024-05-01T12:00:00Z"
    )
    assert "): 1 request of acme m-1 from " in found[2].cause
    assert [one.way_out.rpartition(" has more.")[0].rpartition("`meterhouse ")[2] for one in found] == [
        "unpriced --side revenue`", "unpriced --side revenue`", "unpriced --side revenue`", "unpriced --side cost`",
    ]  # fmt: skip


def test_what_a_rate_would_help_is_told_elsewhere_and_a_foreign_cost_is_known(told):
    assert told(("m", "no rate for output_tokens", f"{FOREIGN_COST} than revenue"), ("m", None, None)) == []
