"""What the detectors see, on a few rows whose features were worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from math import log10
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.watch.features import FACTS, build_features
from pipelines.watch.taught.detectors import DETECTORS
from tests.watch.tables import make_tables, put

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = date(2024, 5, 1)
TABLES = ("activity_daily", "activity_hourly", "activity_slices_daily", "activity_places_hourly")
DAYS = 15
SCORED = FIRST + timedelta(days=7)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        make_tables(connection, TABLES)
        connection.execute(FACTS)
        yield connection


def settled(con: duckdb.DuckDBPyConnection, name: str = "acme", days: int = DAYS) -> None:
    """An organisation with one key and model, the same every day."""
    for n in range(days):
        day = FIRST + timedelta(days=n)
        put(con, "activity_daily", usage_date=day, organization_id=name)
        for slice_, named in (("key", "k1"), ("model", "m")):
            put(con, "activity_slices_daily", usage_date=day, organization_id=name, slice=slice_, named=named)
        put(con, "activity_hourly", usage_date=day, usage_hour=f"{day} 09:00:00", organization_id=name)
        put(
            con, "activity_places_hourly", usage_date=day, usage_hour=f"{day} 09:00:00", organization_id=name,
            client_network="home", region="eu", model="m",
        )  # fmt: skip


def many(con: duckdb.DuckDBPyConnection, organizations: int) -> None:
    """So many organisations that are the same every day: old-0, old-1, ..."""
    settled(con, "old")
    for table in TABLES:
        con.execute(f"""
            create or replace table marts.{table} as
            select * replace ('old-' || n as organization_id)
            from marts.{table}, range({organizations}) as copies (n)""")


def seen(con: duckdb.DuckDBPyConnection, where: str, table: str = "watch_features") -> dict[str, Any]:
    last: Any = con.execute("select max(usage_date) from marts.activity_daily").fetchall()[0][0]
    build_features(con, first_read=FIRST, first_scored=SCORED, last_day=last)
    result = con.execute(f"select * from {table} where {where}")
    names = [c[0] for c in result.description]
    [row] = result.fetchall()
    return dict(zip(names, row, strict=True))


def test_every_feature_of_every_detector_is_a_column(con: duckdb.DuckDBPyConnection) -> None:
    settled(con)
    build_features(con, first_read=FIRST, first_scored=SCORED, last_day=FIRST + timedelta(days=DAYS - 1))
    for detector in DETECTORS.values():
        columns = {c[0] for c in con.execute(f"describe {detector.table}").fetchall()}
        assert set(detector.features) <= columns


def test_a_day_like_all_others_is_its_own_usual(con: duckdb.DuckDBPyConnection) -> None:
    settled(con)
    row = seen(con, f"slice = 'key' and usage_date = '{FIRST + timedelta(days=10)}'")
    assert row["output"] == pytest.approx(log10(5_001))
    assert row["output_week"] == pytest.approx(log10(35_001))
    assert (row["output_own"], row["length_own"], row["hours_own"], row["failed_own"]) == (0, 0, 0, 0)
    assert (row["slice_days"], row["own_days"], row["age"], row["new_prompts"]) == (10, 10, 10, 0.5)
    assert row["share"] == pytest.approx(1, abs=1e-3)
    assert row["new_key_share"] is None
    assert row["end_users"] is None
    assert row["new_network_share"] == 0


def test_a_new_key_and_its_answers_stand_out_beside_the_organisation(con: duckdb.DuckDBPyConnection) -> None:
    settled(con)
    day = FIRST + timedelta(days=12)
    con.execute("update marts.activity_daily set output_tokens = 50000 where usage_date = ?", [day])
    put(
        con, "activity_slices_daily", usage_date=day, organization_id="acme", slice="key", named="k2",
        requests=90, answers=89, output_tokens=45_000,
    )  # fmt: skip
    row = seen(con, "named = 'k2'")
    assert row["slice_days"] == 0
    assert row["output_own"] is None
    assert row["output_usual"] == pytest.approx(log10(45_001 / 5_001))
    assert row["length_organization"] == pytest.approx(log10(45_001 / 90) - log10(5_001 / 101))
    assert row["new_key_share"] == pytest.approx(45_000 / 50_000)


def test_a_size_that_comes_again_is_counted_whole_multiples_too(con: duckdb.DuckDBPyConnection) -> None:
    settled(con)
    for n, runs in ((3, 1), (5, 2), (8, 1), (9, 3), (10, 1)):
        day = FIRST + timedelta(days=n)
        put(
            con, "activity_slices_daily", usage_date=day, organization_id="acme", slice="template", named="suite",
            requests=164 * runs, prompts=164, prompt_requests=164 * runs,
        )  # fmt: skip
    row = seen(con, f"named = 'suite' and usage_date = '{FIRST + timedelta(days=10)}'")
    assert (row["repeat_days"], row["same_requests"], row["same_prompts"], row["is_suite_size"]) == (4, 4, 4, 1)
    assert row["near_prompts_share"] == 1


def test_places_never_seen_are_told_by_the_hour(con: duckdb.DuckDBPyConnection) -> None:
    settled(con)
    day = FIRST + timedelta(days=11)
    put(
        con, "activity_hourly", usage_date=day, usage_hour=f"{day} 23:00:00", organization_id="acme", requests=300,
        failed=60, answers=240, output_tokens=90_000,
    )  # fmt: skip
    put(
        con, "activity_places_hourly", usage_date=day, usage_hour=f"{day} 23:00:00", organization_id="acme",
        client_network="elsewhere", region="ap", model="m", requests=300,
    )  # fmt: skip
    con.execute("update marts.activity_daily set requests = 400, output_tokens = 95000 where usage_date = ?", [day])
    row = seen(con, f"usage_hour = '{day} 23:00:00'", "watch_hour_features")
    assert row["new_network_3_share"] == row["new_region_3_share"] == 1
    assert row["new_model_3_share"] == 0
    assert row["failed_3_share"] == pytest.approx(0.2)
    assert row["output_3_day"] == pytest.approx(log10(90_001 / 5_001))
    assert row["output_so_far_day"] == pytest.approx(log10(95_001 / 5_001))
    morning = seen(con, f"usage_hour = '{day} 09:00:00'", "watch_hour_features")
    assert morning["new_network_3_share"] == 0
    # Every day before at nine, never at eleven in the evening.
    assert (morning["hour_usual"], row["hour_usual"]) == (1, 0)


def test_new_accounts_that_share_what_few_have(con: duckdb.DuckDBPyConnection) -> None:
    many(con, 60)
    joined = FIRST + timedelta(days=10)
    for n in range(4):
        put(
            con, "activity_daily", usage_date=joined, organization_id=f"new-{n}", top_client_networks=["proxy"],
            top_templates=["t"] if n < 2 else ["own"],
        )  # fmt: skip
        con.execute("insert into watch.organizations (organization_id, payment_group) values (?, 'card')", [f"new-{n}"])
    row = seen(con, "organization_id = 'new-0' and slice = 'all'")
    assert (row["network_sharers"], row["template_sharers"], row["payment_sharers"]) == (4, 2, 4)
    assert row["kinds_shared"] == 2
    assert row["signup_sharers"] is None
    # What an account that is not new has is not counted; of what is not known nothing is said.
    old = seen(con, f"organization_id = 'old-0' and slice = 'all' and usage_date = '{joined}'")
    assert (old["network_sharers"], old["payment_sharers"], old["kinds_shared"]) == (None, None, None)


def test_what_accounts_share_later_is_not_known_before(con: duckdb.DuckDBPyConnection) -> None:
    many(con, 60)
    for n, day in enumerate((10, 11, 12)):
        for later in range(day, DAYS):
            put(
                con, "activity_daily", usage_date=FIRST + timedelta(days=later), organization_id=f"new-{n}",
                top_client_networks=["proxy"],
            )  # fmt: skip
    counts = [
        seen(con, f"organization_id = 'new-0' and slice = 'all' and usage_date = '{FIRST + timedelta(days=d)}'")
        for d in (10, 11, 12, 14)
    ]
    assert [row["network_sharers"] for row in counts] == [1, 2, 3, 3]
    assert [row["kinds_shared"] for row in counts] == [0, 0, 1, 1]


def test_output_of_a_model_that_came_out_counts_beside_what_others_do(con: duckdb.DuckDBPyConnection) -> None:
    settled(con)
    settled(con, "other")
    day = FIRST + timedelta(days=10)
    put(
        con, "activity_slices_daily", usage_date=day, organization_id="acme", slice="model", named="brand-new",
        output_tokens=15_000,
    )  # fmt: skip
    row = seen(con, f"slice = 'all' and organization_id = 'acme' and usage_date = '{day}'")
    assert row["released_share"] == pytest.approx(0.75)
    assert row["released_excess"] == pytest.approx(0.375)
    assert row["model_age"] == 0
