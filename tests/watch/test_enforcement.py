"""Usage after a suspension, outside licensed regions, of models not licensed: by hand, rule by rule."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.organizations.columns import EMPTY_TABLE
from pipelines.settings import Settings, Watch
from pipelines.watch.enforcement import RULES, find_enforcement_flags

if TYPE_CHECKING:
    from collections.abc import Iterator

at = datetime.fromisoformat

PLACE = {"organization_id": "acme", "region": "eu-west-1", "model": "gpt-4o", "base_model": None, "requests": 10,
         "failed": 0, "output_tokens": 100, "billing_currency": "USD", "revenue_amount": Decimal("0.1")}  # fmt: skip


class Ground:
    """Facts and usage, a row at a time."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        con.execute("create schema watch; create schema marts")
        con.execute(EMPTY_TABLE.format("watch.organizations"))
        con.execute("""
            create table marts.activity_places_daily (usage_date date, organization_id varchar, region varchar,
                model varchar, base_model varchar, requests bigint, failed bigint, output_tokens bigint,
                billing_currency varchar, revenue_amount decimal(38, 18));
            create table marts.activity_hourly (usage_date date, usage_hour timestamp, organization_id varchar,
                requests bigint, failed bigint, output_tokens bigint, billing_currency varchar,
                revenue_amount decimal(38, 18))""")

    def facts(self, organization: str = "acme", **facts: Any) -> None:
        names = ["organization_id", *facts]
        marks = ", ".join("?" for _ in names)
        self.con.execute(
            f"insert into watch.organizations ({', '.join(names)}) values ({marks})", [organization, *facts.values()]
        )

    def place(self, day: str, **given: Any) -> None:
        row = {**PLACE, **given}
        self.con.execute(
            "insert into marts.activity_places_daily by name select " + ", ".join(f"? as {name}" for name in row)
            + ", ?::date as usage_date", [*row.values(), day],
        )  # fmt: skip

    def hour(self, hour: str, requests: int = 10, failed: int = 0, currency: str | None = "USD") -> None:
        self.con.execute(
            "insert into marts.activity_hourly values (?::timestamp::date, ?, 'acme', ?, ?, ?, ?, ?)",
            [hour, hour, requests, failed, 10 * requests, currency, Decimal("0.01") * requests if currency else None],
        )

    def found(self, **settings: Any) -> list[dict[str, Any]]:
        find_enforcement_flags(self.con, Settings(watch=Watch(**settings)))
        return self.rows("published.enforcement_flags order by organization_id, rule")

    def summary(self) -> dict[str, Any]:
        return self.rows("published.enforcement_summary")[0]

    def rows(self, relation: str) -> list[dict[str, Any]]:
        result = self.con.execute(f"from {relation}")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.fixture
def ground() -> Iterator[Ground]:
    with duckdb.connect() as con:
        yield Ground(con)


def test_without_facts_or_usage_nothing_is_flagged(ground: Ground) -> None:
    assert ground.found() == []
    ground.place("2026-03-01")
    ground.hour("2026-03-01 10:00")
    assert ground.found() == []
    ground.facts("other", suspended_from=at("2026-01-01"), licensed_regions=["x"], licensed_models=["x"])
    ground.facts(home_region="us")
    assert ground.found() == []
    assert ground.summary() == {
        "organizations": 2, "flags": 0, "flagged_organizations": 0, "unknown_region_requests": 0,
        "begun_hour_requests": 0, "faults": 0,
    }  # fmt: skip


def test_usage_after_a_suspension_counts_from_the_next_whole_hour(ground: Ground) -> None:
    ground.facts(suspended_from=at("2026-03-01 10:30"))
    for hour, requests in (("2026-03-01 09:00", 1), ("2026-03-01 10:00", 2), ("2026-03-01 11:00", 4)):
        ground.hour(hour, requests)
    ground.hour("2026-03-03 00:00", 8)
    ground.place("2026-03-01", model="before")
    ground.place("2026-03-03", model="after")
    (flag,) = ground.found()
    assert flag | {"flag_id": ""} == {
        "flag_id": "", "organization_id": "acme", "rule": "usage_after_suspension",
        "since": at("2026-03-01 10:30"), "first_seen": date(2026, 3, 1), "last_seen": date(2026, 3, 3),
        "requests": 12, "refused_requests": 0, "output_tokens": 120, "billing_currency": "USD",
        "revenue_amount": Decimal("0.12"), "models": ["after"], "regions": ["eu-west-1"],
        "detail": "suspended from 2026-03-01 10:30:00 UTC; the hour in which that was does not count",
    }  # fmt: skip
    assert ground.summary()["begun_hour_requests"] == 2


def test_a_suspension_on_the_hour_leaves_nothing_out(ground: Ground) -> None:
    ground.facts(suspended_from=at("2026-03-01 10:00"))
    ground.hour("2026-03-01 10:00", 2)
    (flag,) = ground.found()
    assert (flag["requests"], flag["detail"]) == (2, "suspended from 2026-03-01 10:00:00 UTC")
    assert ground.summary()["begun_hour_requests"] == 0


def test_refused_requests_are_no_usage_but_told_beside_it(ground: Ground) -> None:
    ground.facts(suspended_from=at("2026-03-01"))
    ground.hour("2026-03-01 10:00", 5, failed=5)
    assert ground.found() == []
    ground.hour("2026-03-02 10:00", 7, failed=3)
    (flag,) = ground.found()
    assert (flag["requests"], flag["refused_requests"], flag["first_seen"]) == (4, 8, date(2026, 3, 2))


def test_a_suspension_to_come_and_one_long_ago(ground: Ground) -> None:
    ground.facts(suspended_from=at("2030-01-01"))
    ground.hour("2026-03-01 10:00")
    assert ground.found() == []
    ground.con.execute("delete from watch.organizations")
    ground.facts(suspended_from=at("2025-01-01"))
    ground.place("2026-12-31")
    assert [f["rule"] for f in ground.found(window_days=7)] == ["usage_after_suspension"]


@pytest.mark.parametrize(
    ("licensed", "region", "is_flagged"),
    [
        (["eu-west-1"], "eu-west-1", False),
        (["EU-West-1"], "eu-west-1", False),
        (["eu-*"], "eu-west-1", False),
        (["us-east-1", "eu-*"], "eu-west-1", False),
        (["*"], "anything", False),
        (["eu-west-?"], "eu-west-2", False),
        (["eu"], "eu-west-1", True),
        (["eu-*"], "us-east-1", True),
        (["eu-*"], "eu", True),
        (["eu[12]"], "eu[12]", False),
        (["eu[12]"], "eu1", True),
        (["eu\\*"], "eu\\1", False),
    ],
)
def test_regions(ground: Ground, licensed: list[str], region: str, *, is_flagged: bool) -> None:
    ground.facts(licensed_regions=licensed)
    ground.place("2026-03-01", region=region)
    flags = ground.found()
    assert [f["rule"] for f in flags] == ["region_not_licensed"] * is_flagged
    if flags:
        assert flags[0]["detail"] == f"served in {region}; licensed: {', '.join(licensed)}"
        assert (flags[0]["since"], flags[0]["regions"]) == (None, [region])


def test_an_unknown_region_is_counted_and_not_flagged(ground: Ground) -> None:
    ground.facts(licensed_regions=["eu-*"])
    ground.place("2026-03-01", region=None, requests=10, failed=3)
    ground.place("2026-03-01", organization_id="free", region=None, requests=100)
    assert ground.found() == []
    assert ground.summary()["unknown_region_requests"] == 7


@pytest.mark.parametrize(
    ("licensed", "model", "base", "is_flagged"),
    [
        (["gpt-4o"], "gpt-4o", None, False),
        (["gpt-4o"], "ft:gpt-4o:acme::1", "gpt-4o", False),
        (["gpt-4o"], "gpt-4o-2024-08-06", None, True),
        (["gpt-4o*"], "gpt-4o-2024-08-06", None, False),
        (["gpt-4o*"], "ft:x", "gpt-4o-2024-08-06", False),
        (["gpt-4o"], "gpt-4o-mini", None, True),
        (["gpt-4o"], "ft:x", "gpt-4o-mini", True),
        (["ft:x"], "ft:x", "gpt-4o-mini", False),
        (["gpt-4o", "claude-*"], "claude-opus-4", None, False),
    ],
)
def test_models(ground: Ground, licensed: list[str], model: str, base: str | None, *, is_flagged: bool) -> None:
    ground.facts(licensed_models=licensed)
    ground.place("2026-03-01", model=model, base_model=base)
    flags = ground.found()
    assert [f["rule"] for f in flags] == ["model_not_licensed"] * is_flagged
    assert all(f["detail"] == f"served by {model}; licensed: {', '.join(licensed)}" for f in flags)


def test_figures_are_those_of_what_is_not_licensed_alone(ground: Ground) -> None:
    ground.facts(licensed_models=["a"], licensed_regions=["eu-*"])
    ground.place("2026-03-01", model="a")
    ground.place("2026-03-02", model="b", requests=3, failed=1, output_tokens=7, revenue_amount=Decimal("0.3"))
    ground.place("2026-03-04", model="c", region="us", revenue_amount=None, billing_currency=None)
    ground.place("2026-03-05", model="d", requests=4, failed=4)
    model, region = ground.found()
    assert (model["rule"], model["requests"], model["refused_requests"]) == ("model_not_licensed", 12, 5)
    assert (model["models"], model["first_seen"], model["last_seen"]) == (
        ["b", "c"],
        date(2026, 3, 2),
        date(2026, 3, 4),
    )
    assert (region["rule"], region["regions"], region["models"], region["revenue_amount"]) == (
        "region_not_licensed", ["us"], ["c"], None,
    )  # fmt: skip
    assert ground.summary()["flags"] == 2
    assert ground.summary()["flagged_organizations"] == 1


def test_two_currencies_are_not_added_up(ground: Ground) -> None:
    ground.facts(licensed_models=["a"])
    ground.place("2026-03-01", model="b", billing_currency="EUR")
    ground.place("2026-03-02", model="b")
    (flag,) = ground.found()
    assert (flag["billing_currency"], flag["revenue_amount"]) == (None, None)


def test_licences_are_held_against_the_window_for_they_say_what_holds_now(ground: Ground) -> None:
    ground.facts(licensed_models=["a"])
    ground.place("2026-03-01", model="b")
    ground.place("2026-03-08", model="a")
    assert ground.found(window_days=7) == []
    assert len(ground.found(window_days=8)) == 1


def test_flags_keep_their_id_while_usage_goes_on_and_two_suspensions_are_two(ground: Ground) -> None:
    ground.facts(suspended_from=at("2026-03-01"), licensed_models=["a"])
    ground.hour("2026-03-01 10:00")
    ground.place("2026-03-01")
    first = {f["rule"]: f["flag_id"] for f in ground.found()}
    ground.hour("2026-03-02 10:00")
    ground.place("2026-03-02", model="z")
    assert {f["rule"]: f["flag_id"] for f in ground.found()} == first
    assert len(set(first.values())) == 2
    assert set(first) < set(RULES)
    ground.con.execute("update watch.organizations set suspended_from = '2026-03-02'")
    again = {f["rule"]: f["flag_id"] for f in ground.found()}
    assert again["model_not_licensed"] == first["model_not_licensed"]
    assert again["usage_after_suspension"] != first["usage_after_suspension"]


def test_a_detail_names_ten_and_counts_the_rest(ground: Ground) -> None:
    ground.facts(licensed_models=[f"m{n:02}" for n in range(12)])
    for n in range(11):
        ground.place("2026-03-01", model=f"x{n:02}")
    (flag,) = ground.found()
    assert "x09 and 1 more; licensed: m00, " in flag["detail"]
    assert flag["detail"].endswith("m09 and 2 more")
    assert len(flag["models"]) == 11
