"""What lacks a rate: told by model and reason, with near rows and lines that the check accepts once filled in."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.pricing.check import find_problems
from pipelines.pricing.figures import instant
from pipelines.pricing.missing import lacking_region, lacking_unit, way_out
from pipelines.pricing.tables import RATES, read_rows
from pipelines.pricing.unpriced import find_unpriced
from tests.pricing.built import build_home
from tests.rating.case import Case, event

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.pricing.unpriced import Gap

WORLD = Case(
    rates=[
        {"model": "gpt-9-2023-01-01", "unit": "input", "price": "2.5"},
        {"model": "gpt-9-2023-01-01", "unit": "output", "price": "10"},
        {"model": "late", "unit": "input", "price": "1", "valid_from": "2023-07-01T00:00:00Z"},
        {"model": "half", "unit": "input", "price": "1"},
        {"card": "cost", "provider": "self", "model": "own", "unit": "gpu_hour", "price": "2", "per": "1"},
        {"provider": "self", "model": "own", "unit": "input", "price": "2"},
        {"model": "gpt-9-2023-01-01", "unit": "input", "price": "1", "card": "cost", "currency": "EUR"},
        {"model": "gpt-9-2023-01-01", "unit": "output", "price": "1", "card": "cost", "currency": "EUR"},
    ],
    events=[
        event(event_id="1", model="gpt-9", input_tokens=100, output_tokens=5),
        event(event_id="2", model="gpt-9", input_tokens=50, organization_id="beta", at="2023-06-20T00:00:00.5"),
        event(event_id="3", model="ft:gpt-9-2023-01-01:acme::x", input_tokens=7),
        event(event_id="4", model="gpt-9-2023-01-01", service_tier="batch", input_tokens=6),
        event(event_id="5", model="late", input_tokens=5),
        event(event_id="6", model="half", input_tokens=2, output_tokens=2, web_search_calls=3),
        event(event_id="7", model="vec", operation="embedding", input_tokens=3),
        event(event_id="8", provider="self", model="own", input_tokens=1),
        event(event_id="9", model="gpt-9-2023-01-01", input_tokens=1),
        event(event_id="a", model="gpt-9-2023-01-01", status=200),
    ],
    cost_card="cost",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return build_home(tmp_path_factory.mktemp("unpriced") / "home", WORLD)


@pytest.fixture(scope="module")
def gaps(home: Home) -> dict[str, Gap]:
    return {gap.model if gap.service_tier == "standard" else gap.service_tier: gap
            for gap in find_unpriced(home, "revenue") if gap.model_tier == "base"}  # fmt: skip


def test_requests_are_told_by_model_tiers_and_reason_most_tokens_first(home: Home) -> None:
    found = find_unpriced(home, "revenue")
    assert [(g.model, g.model_tier, g.service_tier, g.requests) for g in found] == [
        ("gpt-9", "base", "standard", 2), ("gpt-9-2023-01-01", "fine_tuned", "standard", 1),
        ("gpt-9-2023-01-01", "base", "batch", 1), ("late", "base", "standard", 1), ("half", "base", "standard", 1),
        ("vec", "base", "standard", 1), ("gpt-9-2023-01-01", "base", "standard", 1),
    ]  # fmt: skip


def test_what_is_at_stake(gaps: dict[str, Gap]) -> None:
    gap = gaps["gpt-9"]
    assert gap.quantities == {"input": 150, "output": 5}
    assert gap.organizations == ("acme", "beta")
    assert instant(gap.last_at) == "2023-06-20T00:00:00.5Z"
    assert gap.reason == "model is not in the price book"


def test_near_rows_are_of_ids_that_look_alike_and_a_dated_one_may_be_an_alias(gaps: dict[str, Gap]) -> None:
    gap = gaps["gpt-9"]
    assert gap.near[0].model == "gpt-9-2023-01-01"
    assert gap.alias == "openai,gpt-9,gpt-9-2023-01-01,2023-06-15T00:00:00Z,,,?,?"
    assert gaps["vec"].near == ()
    assert gaps["vec"].alias is None


def test_the_same_model_in_another_tier_is_the_nearest(gaps: dict[str, Gap]) -> None:
    (near, *_) = gaps["batch"].near
    assert (near.model, near.service_tier, near.prices) == (
        "gpt-9-2023-01-01", "standard", ("input USD 2.5 per 1,000,000", "output USD 10 per 1,000,000"),
    )  # fmt: skip


def test_lines_name_what_is_missing_and_invent_nothing(gaps: dict[str, Gap]) -> None:
    assert gaps["gpt-9"].lines == (
        "list,openai,gpt-9,base,standard,,input,?,1000000,?,0,2023-06-15T00:00:00Z,,,?,?",
        "list,openai,gpt-9,base,standard,,output,?,1000000,?,0,2023-06-15T00:00:00Z,,,?,?",
    )
    # What has a price needs no other; what is not counted in tokens has its own block.
    assert [line.split(",")[6:9] for line in gaps["half"].lines] == [
        ["output", "?", "1000000"], ["web_search", "?", "1"],
    ]  # fmt: skip
    assert [line.split(",")[6] for line in gaps["vec"].lines] == ["embedding"]
    assert [line.split(",")[11] for line in gaps["late"].lines] == ["2023-06-15T00:00:00Z"]


def test_a_filled_in_line_passes_the_check_and_an_open_one_does_not(gaps: dict[str, Gap], tmp_path: Path) -> None:
    file = tmp_path / "new.csv"

    def problems(*lines: str) -> list[Any]:
        file.write_text("\n".join([",".join(RATES.columns), *lines]) + "\n", encoding="utf-8")
        return find_problems(read_rows(RATES, [file]))

    for gap in gaps.values():
        assert gap.lines == () or {p.severity for p in problems(*gap.lines)} == {"error"}
        filled = []
        for line in gap.lines:
            (fields,) = csv.reader([line])
            row = dict(zip(RATES.columns, fields, strict=True))
            row |= {"price": "1.5", "currency": "USD", "source": "price page", "checked_on": "2023-06-16"}
            filled.append(",".join(row.values()))
        assert [p for p in problems(*filled) if p.severity == "error"] == []


def test_the_cost_side_asks_for_hours_of_gpus_and_not_for_another_currency(home: Home) -> None:
    found = {gap.model: gap for gap in find_unpriced(home, "cost") if gap.model_tier == "base"}
    assert found["own"].folder == "prices/serving_hours"
    assert found["own"].lines == ("2023-06-15,self,own,base,?,?,?",)
    assert "gpt-9-2023-01-01" not in {g.model for g in found.values() if g.reason.startswith("cost rate is in another")}


def test_a_call_of_which_nothing_was_counted_needs_no_rate(home: Home) -> None:
    (gap,) = [g for g in find_unpriced(home, "revenue") if g.reason == "the call succeeded but nothing was counted"]
    assert (gap.lines, gap.near, gap.quantities) == ((), (), {})
    assert "`request` rate" in gap.way_out


def test_the_command_prints_lines_unwrapped_and_ends_with_0(home: Home) -> None:
    done = CliRunner().invoke(main, ["unpriced", "--home", str(home.root)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "8 requests without a revenue amount, for 7 causes"
    assert ",".join(RATES.columns) in lines
    assert "list,openai,gpt-9,base,standard,,input,?,1000000,?,0,2023-06-15T00:00:00Z,,,?,?" in lines
    assert "provider,alias,model,valid_from,valid_to,known_from,source,checked_on" in lines


def test_a_home_without_gaps_says_so(tmp_path: Path) -> None:
    home = build_home(tmp_path / "home", Case(rates=[{"price": "1"}], events=[event(input_tokens=1)]))
    done = CliRunner().invoke(main, ["unpriced", "--home", str(home.root)])
    assert (done.exit_code, done.output) == (0, "Every request has a revenue amount.\n")


@pytest.mark.parametrize(
    ("reason", "unit", "region"),
    [
        ("no rate for input_tokens", "input", ""), ("no rate for hosting_hours", "hosting_hour", ""),
        ("no rate for web_search_calls", "web_search", ""), ("no rate for region eu-west-1", None, "eu-west-1"),
        ("no rate for service tier batch", None, ""), ("no rate in force at this instant", None, ""),
    ],
)  # fmt: skip
def test_reasons_are_read_for_what_they_name(reason: str, unit: str | None, region: str) -> None:
    assert (lacking_unit(reason), lacking_region(reason)) == (unit, region)
    assert way_out(reason).endswith(".")
