"""What lacks a rate: told by model and reason, with near rows and lines that the check accepts once filled in."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.pricing.check import find_problems
from pipelines.pricing.explain import explain
from pipelines.pricing.figures import instant, until
from pipelines.pricing.missing import lacking_region, lacking_unit, way_out
from pipelines.pricing.tables import RATES, TERMS, read_rows
from pipelines.pricing.unpriced import find_unpriced
from tests.pricing.built import build_home
from tests.pricing.pasting import filled_in, gaps_after_pasting
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


def undated(line: str | None) -> str:
    """A suggested line without the day on which it was suggested: from when it is known."""
    return re.sub(r"\d{4}-\d\d-\d\dT00:00:00Z(?=,\?,\?$)", "TODAY", line or "")


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
    assert undated(gap.alias) == "openai,gpt-9,gpt-9-2023-01-01,2023-06-15T00:00:00Z,,TODAY,?,?"
    assert gaps["vec"].near == ()
    assert gaps["vec"].alias is None


def test_the_same_model_in_another_tier_is_the_nearest(gaps: dict[str, Gap]) -> None:
    (near, *_) = gaps["batch"].near
    assert (near.model, near.service_tier, near.prices) == (
        "gpt-9-2023-01-01", "standard", ("input USD 2.5 per 1,000,000", "output USD 10 per 1,000,000"),
    )  # fmt: skip


def test_lines_name_what_is_missing_and_invent_nothing(gaps: dict[str, Gap]) -> None:
    assert tuple(map(undated, gaps["gpt-9"].lines)) == (
        "list,openai,gpt-9,base,standard,,input,?,1000000,?,0,2023-06-15T00:00:00Z,,TODAY,?,?",
        "list,openai,gpt-9,base,standard,,output,?,1000000,?,0,2023-06-15T00:00:00Z,,TODAY,?,?",
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
        filled = [",".join(filled_in(RATES, line).values()) for line in gap.lines]
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
    assert "list,openai,gpt-9,base,standard,,input,?,1000000,?,0,2023-06-15T00:00:00Z,,TODAY,?,?" in map(undated, lines)
    assert "provider,alias,model,valid_from,valid_to,known_from,source,checked_on" in lines


def test_a_home_without_gaps_says_so(tmp_path: Path) -> None:
    home = build_home(tmp_path / "home", Case(rates=[{"price": "1"}], events=[event(input_tokens=1)]))
    done = CliRunner().invoke(main, ["unpriced", "--home", str(home.root)])
    assert (done.exit_code, done.output) == (0, "Every request has a revenue amount.\n")


# Worlds with one gap each, in places that only the rates found, terms and aliases tell.
NOON = "2023-06-15T12:00:00Z"
OWN_HOURS = {"provider": "self", "model": "own", "unit": "gpu_hour", "price": "2", "per": "1"}
OWN_DAY = {"usage_date": "2023-06-15", "provider": "self", "model": "own", "gpu_hours": "24"}
PLACES = {
    # A contract of five days, which begins and ends at noon; others are priced by the list.
    "contract card": Case(
        rates=[
            *({"unit": unit, "price": "2"} for unit in ("input", "cached_input", "output")),
            {"card": "contract", "unit": "input", "valid_from": NOON, "valid_to": "2023-06-20T12:00:00Z"},
        ],
        terms=[{"kind": "card", "card": "contract"}],
        events=[
            event(event_id="1", input_tokens=1, at="2023-06-15T11:00:00"),
            event(event_id="2", input_tokens=3, cached_input_tokens=2, output_tokens=1, at="2023-06-15T13:00:00"),
            event(event_id="3", input_tokens=1, output_tokens=4, at="2023-06-20T13:00:00"),
            event(event_id="4", input_tokens=1, output_tokens=4, organization_id="beta"),
        ],
    ),
    # A set of rates of a region from noon on, in another currency from a month later on.
    "region": Case(
        rates=[
            *({"unit": unit, "price": "2"} for unit in ("input", "output")),
            {"unit": "input", "price": "3", "region": "eu", "valid_from": NOON, "valid_to": "2023-07-15T00:00:00Z"},
            *({"unit": unit, "price": "4", "region": "eu", "currency": "EUR", "valid_from": "2023-07-15T00:00:00Z"}
              for unit in ("input", "output")),
        ],
        events=[
            event(event_id="1", input_tokens=1, output_tokens=1, region="eu", at="2023-06-15T11:00:00"),
            event(event_id="2", input_tokens=1, output_tokens=1, region="eu", at="2023-06-15T13:00:00"),
            event(event_id="3", input_tokens=1, output_tokens=1, region="eu", at="2023-07-16T13:00:00"),
            event(event_id="4", input_tokens=1, output_tokens=1, region="us", at="2023-06-15T13:00:00"),
        ],
    ),
    "mark-up": Case(
        rates=[
            *({"unit": unit, "price": "2"} for unit in ("input", "output")),
            {"card": "cost", "unit": "input", "price": "1"},
            {"card": "cost", "unit": "output", "price": "1", "valid_from": "2023-06-20T00:00:00Z"},
            {"model": "only listed", "unit": "input", "price": "1"},
        ],
        terms=[{"kind": "markup", "percent": "20"}],
        events=[
            event(event_id="1", input_tokens=1, output_tokens=1),
            event(event_id="2", input_tokens=1, output_tokens=1, at="2023-06-20T00:00:00"),
            event(event_id="3", input_tokens=1, output_tokens=1, organization_id="beta"),
            event(event_id="4", input_tokens=1, model="only listed"),
        ],
        cost_card="cost",
    ),
    # A row of the alias itself would take the others from it.
    "alias": Case(
        rates=[
            {"unit": "input"}, {"unit": "output"},
            {"unit": "input", "model": "n"},
        ],
        aliases=[
            {"alias": "m-latest", "model": "m"},
            {"alias": "m-latest", "model": "n", "valid_from": "2023-06-20T00:00:00Z"},
        ],
        events=[
            event(event_id="1", model="m-latest", input_tokens=1, output_tokens=1),
            event(event_id="2", model="m-latest", input_tokens=1, cached_input_tokens=1),
            event(event_id="3", model="m-latest", input_tokens=1, output_tokens=1, at="2023-06-20T12:00:00"),
            event(event_id="4", model="m-latest", service_tier="batch", input_tokens=1),
        ],
    ),
    "length": Case(
        rates=[
            {"unit": "input", "context_from": "1000"},
            {"unit": "input", "model": "n"},
            {"unit": "input", "model": "n", "context_from": "1000", "price": "2"},
        ],
        events=[
            event(event_id="1", input_tokens=999, output_tokens=1),
            event(event_id="2", input_tokens=1000, output_tokens=1),
            event(event_id="3", model="n", input_tokens=1000, output_tokens=1),
            event(event_id="4", model="n", input_tokens=1, output_tokens=1),
        ],
    ),
    "closed row": Case(
        rates=[{"unit": "input", "price": "2", "valid_to": NOON}, {"unit": "output", "price": "2"}],
        events=[
            event(event_id="1", input_tokens=1, output_tokens=1, at="2023-06-15T11:00:00"),
            event(event_id="2", input_tokens=1, output_tokens=1, at="2023-06-15T13:00:00"),
        ],
    ),
    "row that ended": Case(
        rates=[{"unit": "input", "price": "2", "valid_to": NOON}],
        events=[
            event(event_id="1", input_tokens=1, at="2023-06-15T11:00:00"),
            event(event_id="2", input_tokens=1, at="2023-06-15T13:00:00"),
        ],
    ),
    # Cost by the hour of GPUs: on the card of the hours, prices a token would be added to the cost.
    "mark-up over hours of GPUs": Case(
        rates=[OWN_HOURS],
        aliases=[{"provider": "self", "alias": "own-latest", "model": "own"}],
        terms=[
            {"kind": "markup", "percent": "20"},
            {"kind": "markup", "percent": "30", "valid_from": "2023-06-16T00:00:00Z"},
            {"kind": "markup", "percent": "5", "organization_id": "*", "provider": "self", "model": "own"},
            {"kind": "markup", "percent": "6", "organization_id": "*", "model": "own-latest", "region": "eu"},
            {"kind": "discount", "percent": "5", "model": "own"},
        ],
        serving_hours=[OWN_DAY, {**OWN_DAY, "usage_date": "2023-06-16"}],
        events=[
            event(event_id="1", provider="self", model="own", input_tokens=3, output_tokens=1),
            event(event_id="2", provider="self", model="own", input_tokens=3, at="2023-06-16T10:00:00"),
            event(event_id="3", provider="self", model="own-latest", input_tokens=4, organization_id="beta"),
            event(event_id="4", provider="self", model="own-latest", input_tokens=4, organization_id="b", region="eu"),
        ],
    ),
    "hours of GPUs on the card of both sides": Case(
        rates=[OWN_HOURS, {"card": "contract", "provider": "self", "unit": "input"}],
        terms=[
            {"kind": "card", "card": "contract"}, {"kind": "card", "card": "list", "organization_id": "beta"},
            {"kind": "discount", "percent": "10", "organization_id": "gamma"},
        ],
        serving_hours=[OWN_DAY],
        events=[
            event(event_id=str(n), provider="self", model="own", input_tokens=3, organization_id=one)
            for n, one in enumerate(("acme", "beta", "gamma", "delta"))
        ],
    ),
    "mark-up over hours of GPUs of another card": Case(
        rates=[
            {**OWN_HOURS, "card": "cost"}, {"provider": "self", "model": "own", "unit": "input", "price": "3"},
        ],
        terms=[{"kind": "markup", "percent": "20"}],
        serving_hours=[OWN_DAY],
        events=[event(event_id="1", provider="self", model="own", input_tokens=3, output_tokens=1)],
        cost_card="cost",
    ),
    "the same under two names": Case(
        rates=[{"unit": "input"}],
        aliases=[{"alias": "m-latest", "model": "m"}],
        events=[event(event_id=name, model=name, input_tokens=1, output_tokens=1) for name in ("m", "m-latest")],
    ),
    "two times without rates": Case(
        rates=[
            {"unit": unit, "valid_from": f"2023-{month}-01T00:00:00Z", "valid_to": f"2023-{month}-10T00:00:00Z"}
            for month in ("03", "05") for unit in ("input", "output")
        ],
        events=[
            event(event_id=at, input_tokens=1, output_tokens=1, at=f"2023-{at}T12:00:00")
            for at in ("03-05", "03-20", "04-02", "05-05", "06-07")
        ],
    ),
    "units of one and of the other": Case(
        rates=[{"unit": "input", "price": "2"}, {"unit": "embedding", "price": "1", "model": "vec"}],
        events=[
            event(event_id="1", input_tokens=1, image_input_tokens=5, image_output_tokens=1),
            event(event_id="2", input_tokens=1, training_hours="0.5"),
            event(event_id="3", model="vec", operation="embedding", input_tokens=1),
            event(event_id="4", model="vec", input_tokens=1),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", [WORLD, *PLACES.values()], ids=["world", *PLACES])
@pytest.mark.parametrize("side", ["revenue", "cost"])
def test_what_is_pasted_closes_the_gap_and_changes_nothing_else(tmp_path: Path, case: Case, side: str) -> None:
    left = gaps_after_pasting(tmp_path, case, side)
    assert [gap.reason for gap in left if gap.folder == "prices" and gap.lines] == []
    if case is not WORLD:
        assert left == []


def fields_of(gap: Gap, *names: str) -> list[tuple[str, ...]]:
    return [
        tuple(dict(zip(RATES.columns, fields, strict=True))[name] for name in names) for fields in csv.reader(gap.lines)
    ]


def test_a_gap_of_a_contract_card_is_closed_there_and_as_long_as_it_lasts(tmp_path: Path) -> None:
    (gap,) = find_unpriced(build_home(tmp_path, PLACES["contract card"]), "revenue")
    assert fields_of(gap, "card", "unit", "currency", "valid_from", "valid_to") == [
        ("contract", "cached_input", "USD", NOON, "2023-06-20T12:00:00Z"),
        ("contract", "output", "USD", NOON, "2023-06-20T12:00:00Z"),
    ]
    assert gap.place == "card contract, openai m"
    assert gap.near[0].card == "contract"


def test_a_gap_of_a_region_is_closed_there_up_to_another_currency(tmp_path: Path) -> None:
    (gap,) = find_unpriced(build_home(tmp_path, PLACES["region"]), "revenue")
    assert fields_of(gap, "card", "region", "unit", "currency", "valid_from", "valid_to") == [
        ("list", "eu", "output", "USD", NOON, "2023-07-15T00:00:00Z"),
    ]
    assert gap.place == "card list, openai m, region eu"
    assert gap.near[0].region == "eu"


def test_a_gap_under_a_mark_up_is_one_of_the_cost_card(tmp_path: Path) -> None:
    gaps = find_unpriced(build_home(tmp_path, PLACES["mark-up"]), "revenue")
    assert sorted(row for gap in gaps for row in fields_of(gap, "card", "model", "unit", "valid_to")) == [
        ("cost", "m", "output", ""), ("cost", "only listed", "input", ""),
    ]  # fmt: skip
    # The rows that the list has of it are near, but an alias of the model to itself would be none.
    assert [(gap.near[0].card, gap.alias) for gap in gaps if gap.model == "only listed"] == [("list", None)]


def test_a_gap_under_an_alias_is_one_of_its_model(tmp_path: Path) -> None:
    gaps = find_unpriced(build_home(tmp_path, PLACES["alias"]), "revenue")
    assert sorted((gap.model, *row) for gap in gaps for row in fields_of(gap, "model", "service_tier", "unit")) == [
        ("m-latest", "m", "batch", "input"), ("m-latest", "m", "standard", "cached_input"),
        ("m-latest", "n", "standard", "output"),
    ]  # fmt: skip


def test_an_alias_that_is_pasted_closes_the_gap(tmp_path: Path) -> None:
    left = gaps_after_pasting(tmp_path, WORLD, aliases=True)
    assert {gap.reason for gap in left} == {"the call succeeded but nothing was counted"}


def test_an_alias_that_begins_too_late_is_to_begin_earlier(tmp_path: Path) -> None:
    case = Case(
        rates=[{}, {"model": "n"}],
        aliases=[
            {"alias": "m-latest", "model": "m", "valid_from": "2023-07-01T00:00:00Z"},
            {"alias": "m-latest", "model": "n", "valid_from": "2023-08-01T00:00:00Z"},
        ],
        events=[
            event(event_id="1", model="m-latest", input_tokens=1),
            event(event_id="2", model="m-latest", input_tokens=1, at="2023-08-02T00:00:00"),
        ],
    )
    home = build_home(tmp_path / "home", case)
    (gap,) = find_unpriced(home, "revenue")
    assert (gap.lines, undated(gap.alias)) == ((), "openai,m-latest,m,2023-06-15T00:00:00Z,,TODAY,?,?")
    done = CliRunner().invoke(main, ["unpriced", "--home", str(home.root)])
    assert "if it is another name of m, prices/aliases/NAME.csv:" in done.output
    assert gaps_after_pasting(tmp_path, case, aliases=True) == []


def test_an_alias_of_a_model_that_has_no_rates_asks_for_those(tmp_path: Path) -> None:
    case = Case(
        rates=[{"model": "m-2023-01-01", "card": "other"}],
        aliases=[{"alias": "m-latest", "model": "m-2023-01-01"}],
        events=[event(event_id="1", model="m-latest", input_tokens=1)],
    )
    (gap,) = find_unpriced(build_home(tmp_path / "home", case), "revenue")
    assert (fields_of(gap, "card", "model"), gap.alias) == ([("list", "m-2023-01-01")], None)
    assert gaps_after_pasting(tmp_path, case) == []


@pytest.mark.parametrize(
    ("reason", "unit", "region"),
    [
        ("no rate for input_tokens", "input", ""), ("no rate for hosting_hours", "hosting_hour", ""),
        ("no rate for web_search_calls", "web_search", ""), ("no rate for region eu-west-1", None, "eu-west-1"),
        ("no rate for service tier batch", None, ""), ("no rate for requests of this length", None, ""),
        ("no rate in force at this instant", None, ""),
    ],
)  # fmt: skip
def test_reasons_are_read_for_what_they_name(reason: str, unit: str | None, region: str) -> None:
    assert (lacking_unit(reason), lacking_region(reason)) == (unit, region)
    assert way_out(reason).endswith(".")


def test_times_without_rates_are_told_one_by_one(tmp_path: Path) -> None:
    gaps = find_unpriced(build_home(tmp_path, PLACES["two times without rates"]), "revenue")
    assert [(instant(gap.first_at)[:10], instant(gap.last_at)[:10], gap.requests) for gap in gaps] == [
        ("2023-03-20", "2023-04-02", 2), ("2023-06-07", "2023-06-07", 1),
    ]  # fmt: skip
    assert [row for gap in gaps for row in fields_of(gap, "unit", "valid_from")] == [
        ("input", "2023-03-20T00:00:00Z"), ("output", "2023-03-20T00:00:00Z"),
        ("input", "2023-06-07T00:00:00Z"), ("output", "2023-06-07T00:00:00Z"),
    ]  # fmt: skip


def test_a_mark_up_over_hours_of_gpus_is_left_by_terms_and_prices_on_a_card_of_its_own(tmp_path: Path) -> None:
    home = build_home(tmp_path, PLACES["mark-up over hours of GPUs"])
    gaps = {gap.model: gap for gap in find_unpriced(home, "revenue")}
    own = gaps["own"]
    assert own.reason == "a mark-up cannot be taken over hours of GPUs spread over tokens"
    assert tuple(map(undated, own.terms)) == (
        "acme,markup,revenue,self,own,,,,,,,,,2023-06-15T00:00:00Z,,TODAY,?,?",
        "acme,card,revenue,self,own,,,,,,,,revenue,2023-06-15T00:00:00Z,,TODAY,?,?",
    )
    # Under the alias the input was asked for already.
    rows = [fields_of(gaps[name], "card", "model", "unit", "currency", "valid_from") for name in ("own-latest", "own")]
    assert rows == [
        [("revenue", "own", "input", "?", "2023-06-15T00:00:00Z")],
        [("revenue", "own", "output", "?", "2023-06-15T00:00:00Z")],
    ]
    done = CliRunner().invoke(main, ["unpriced", "--home", str(home.root)])
    printed = done.output.splitlines()
    for line in (",".join(TERMS.columns), *own.terms, *own.lines):
        assert line in printed
    assert "prices/terms/NAME.csv" in done.output


def test_a_card_of_the_revenue_side_alone_needs_no_other(tmp_path: Path) -> None:
    (gap,) = find_unpriced(build_home(tmp_path, PLACES["mark-up over hours of GPUs of another card"]), "revenue")
    assert [line.split(",")[1] for line in gap.terms] == ["markup"]
    # Its input has a price there already.
    assert fields_of(gap, "card", "unit") == [("list", "output")]


def test_the_card_of_hours_of_gpus_is_not_asked_for_prices_a_token(tmp_path: Path) -> None:
    home = build_home(tmp_path, PLACES["hours of GPUs on the card of both sides"])
    gaps = find_unpriced(home, "revenue")
    lines = [line for gap in gaps for line in gap.lines]
    assert {line.split(",")[0] for line in lines} == {"revenue"}
    assert {tuple(line.split(",")[:2]) for gap in gaps for line in gap.terms} == {("beta", "card"), ("*", "card")}
    said = explain(home, "1").sides[0].way_out
    assert said == f"{gaps[0].way_out} `meterhouse unpriced --side revenue` writes the lines."
    assert said.startswith("Give the model prices on a card that the cost side does not use")


def test_what_an_earlier_line_gives_is_not_asked_for_again(tmp_path: Path) -> None:
    first, second = find_unpriced(build_home(tmp_path, PLACES["the same under two names"]), "revenue")
    assert len(first.lines) == 1
    assert (second.lines, second.way_out) == ((), "The lines above help here too.")


def test_where_the_prices_are_there_already_the_term_is_all_that_is_needed(tmp_path: Path) -> None:
    case = PLACES["mark-up over hours of GPUs of another card"]
    output = {"provider": "self", "model": "own", "unit": "output", "price": "3"}
    (gap,) = find_unpriced(build_home(tmp_path, replace(case, rates=[*case.rates, output])), "revenue")
    assert (len(gap.terms), gap.lines) == (1, ())
    assert gap.way_out.endswith("That is all: card list has its prices already.")


def test_a_cause_says_under_which_other_one_its_terms_stand(tmp_path: Path) -> None:
    first, second = find_unpriced(build_home(tmp_path, PLACES["mark-up over hours of GPUs"]), "revenue")
    assert first.terms
    assert second.lines
    assert second.way_out.endswith("Lines above are needed here too: those under 1.")


def test_the_set_in_force_at_the_time_is_nearer_than_one_that_begins_soon(tmp_path: Path) -> None:
    soon = "2023-06-16T00:00:00Z"
    case = Case(
        rates=[
            {"unit": "input", "price": "1"},
            {"unit": "input", "price": "2", "valid_from": soon},
            {"unit": "output", "price": "4", "valid_from": "2023-05-01T00:00:00Z"},
            {"unit": "output", "price": "5", "valid_from": soon},
        ],
        events=[event(event_id="1", input_tokens=100, output_tokens=1, service_tier="batch")],
    )
    (gap,) = find_unpriced(build_home(tmp_path, case), "revenue")
    assert [(near.prices, until(near.valid_to)) for near in gap.near] == [
        (("input USD 1 per 1,000,000", "output USD 4 per 1,000,000"), soon)
    ]


def test_a_cost_names_the_hours_of_gpus_of_another_card(tmp_path: Path) -> None:
    case = Case(
        rates=[OWN_HOURS, {"card": "cost", "unit": "input", "price": "1"}],
        events=[event(event_id="1", provider="self", model="own", input_tokens=100)],
        cost_card="cost",
    )
    (gap,) = find_unpriced(build_home(tmp_path, case), "cost")
    assert [(near.card, near.prices) for near in gap.near] == [("list", ("gpu_hour USD 2",))]
