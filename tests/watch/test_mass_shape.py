"""Detector A on traffic small enough to compute its numbers another way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from pipelines.watch.mass_shape import LEAST_SPREAD, score_days
from tests.watch.traffic import START, write_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = 20
LAST = START + timedelta(days=DAYS - 1)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema watch")
        yield con


def cells(*extra: tuple[int, int, int, int]) -> pd.DataFrame:
    """One organisation, every day 100 requests of 50 tokens in and 40 out; `extra` (day, requests, in, out)."""
    rows: list[dict[str, Any]] = [
        {"day": day, "requests": 100, "inputs": 5_000, "outputs": 4_000} for day in range(DAYS)
    ]
    for day, requests, inputs, outputs in extra:
        for name, value in (("requests", requests), ("inputs", inputs), ("outputs", outputs)):
            rows[day][name] += value
    table = pd.DataFrame(rows)
    table["usage_date"] = [START + timedelta(days=int(d)) for d in table.pop("day")]
    return table.assign(organization_id="acme", slot=60, model="m", network=None)


def scores(connection: duckdb.DuckDBPyConnection, table: pd.DataFrame) -> pd.DataFrame:
    write_tables(connection, table)
    score_days(connection, last_day=LAST, window_days=28)
    return connection.execute("select * from watch.organization_day_scores order by usage_date").df()


def unexplained(output: float, answers: float, inputs: float) -> int:
    """The formula by hand, for steady traffic: own spread and peers' spread both at the floor."""
    days, sd, between = DAYS - 1, LEAST_SPREAD, LEAST_SPREAD
    # Own and peer level are the same number here, so the posterior mean is that number.
    posterior = 1 / (days / sd**2 + 1 / between**2)
    own_sd = np.sqrt(4 * sd**2 / (days + 4))  # own spread 0, weighed against 4 days of the peers'
    posterior = 1 / (days / own_sd**2 + 1 / between**2)
    allowed = np.sqrt(own_sd**2 + posterior + 1 / (np.log(10) ** 2 * answers))
    volume = 4_001 * 10**own_sd
    by_answers = answers * (4_001 / 100) * 10**allowed
    by_input = inputs * (4_001 / 5_001) * 10**allowed
    return round(max(0.0, min(output - volume, output - (by_answers + by_input) / 2)))


def test_steady_traffic_explains_itself(connection: duckdb.DuckDBPyConnection) -> None:
    table = scores(connection, cells())
    assert len(table) == DAYS - 7  # a day is judged when a week of data lies before it
    assert (table[["unexplained_1", "unexplained_7"]] == 0).all(axis=None)


def test_unexplained_output_by_hand(connection: duckdb.DuckDBPyConnection) -> None:
    day = scores(connection, cells((DAYS - 1, 200, 20_000, 180_000))).iloc[-1]
    assert day["unexplained_1"] == unexplained(184_000, 300, 25_000)
    assert day["unexplained_1"] > 150_000
    assert day["own_days"] == DAYS - 1
    assert day["share_1"] == day["unexplained_1"] / 184_001


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("launch", (DAYS - 1, 2_000, 100_000, 80_000)),
        ("labelling with short answers", (DAYS - 1, 20_000, 6_000_000, 100_000)),
        ("long documents", (DAYS - 1, 10, 900_000, 9_000)),
    ],
)
def test_benign_growth_explains_itself(
    connection: duckdb.DuckDBPyConnection, kind: str, extra: tuple[int, int, int, int]
) -> None:
    assert scores(connection, cells(extra)).iloc[-1]["unexplained_1"] == 0, kind


def test_slow_campaign_adds_up_over_the_week(connection: duckdb.DuckDBPyConnection) -> None:
    slow = [(day, 3, 300, 3_000) for day in range(DAYS - 5, DAYS)]
    day = scores(connection, cells(*slow)).iloc[-1]
    assert day["unexplained_7"] > 2.5 * day["unexplained_1"] > 0


def test_ranks_are_tails_within_the_peer_group(connection: duckdb.DuckDBPyConnection) -> None:
    table = scores(connection, cells((DAYS - 3, 200, 9_000, 90_000), (DAYS - 1, 200, 9_000, 190_000)))
    n = len(table)
    assert table.iloc[-1]["tail_tokens_1"] == pytest.approx(1 / n * n / (n + 1))
    assert table.iloc[-3]["tail_tokens_1"] == pytest.approx(2 / (n + 1))
    assert table["p_value"].between(1 / (n + 1), n / (n + 1)).all()
    assert set(table["peer_group"]) == {"all accounts"}  # one organisation has no peers


def test_days_without_history_are_left_out(connection: duckdb.DuckDBPyConnection) -> None:
    table = cells()
    write_tables(connection, table[table["usage_date"] < START + timedelta(days=7)])
    score_days(connection, last_day=START + timedelta(days=6), window_days=28)
    assert connection.execute("select count(*) from watch.organization_day_scores").fetchone() == (0,)
