"""Every scenario file in this folder, played from its first step to its last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.pricing import check
from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, SERVING_HOURS, TERMS
from tests.rating.case import text_table
from tests.scenarios.expectations import miscounted, unmet
from tests.scenarios.partial import assert_rebuilt_in_part, keep
from tests.scenarios.scenario import FOLDER, Scenario, files, read
from tests.scenarios.world import World, seed_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.world import HomeCase

FILES = [pytest.param(path, id=str(path.relative_to(FOLDER).with_suffix(""))) for path in files()]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """One database for all of them: every build replaces its tables."""
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("path", FILES)
def test_scenario(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, con: duckdb.DuckDBPyConnection) -> None:
    scenario = read(path)
    world = World(tmp_path / "home", scenario, monkeypatch, con)
    built = 0
    for number, step in enumerate(scenario.steps, 1):
        changed = world.learn(step)
        wrong = miscounted(step.expect, world.deliver(step.at, [step.deliver])) if step.deliver else []
        case = world.rate()
        wrong += unmet(step.expect, case, world.home)
        assert not wrong, f"{scenario.title}: step {number}\n" + "\n".join(wrong)
        if built and not changed and step.deliver and world.looks_beyond_a_request:
            assert_rebuilt_in_part(case, built, by_month=world.counts_by_month)
        if number < len(scenario.steps) and world.looks_beyond_a_request:
            keep(case)
        built = len(case.commits)
    outcome = rated(world.case)
    for number, order in enumerate(scenario.orders):
        other = in_other_order(World(tmp_path / f"order-{number}", scenario, monkeypatch, con), scenario, order)
        assert rated(other) == outcome, f"{scenario.title}: another outcome in the order {order}"


def in_other_order(world: World, scenario: Scenario, order: list[list[int]]) -> HomeCase:
    """The same deliveries in other rounds, all on the last day, with all that the price book came to say."""
    for step in scenario.steps:
        world.learn(step)
    for together in order:
        world.deliver(scenario.steps[-1].at, [scenario.steps[step].deliver for step in together])
    return world.rate()


def rated(case: HomeCase) -> list[tuple[object, ...]]:
    """All there is to know of every request."""
    return case.ask("select * from rated_usage order by all")


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES)
def test_price_book_is_one_that_a_run_accepts(path: Path) -> None:
    scenario = read(path)
    rows = {table: list(more) for table, more in scenario.prices.items()}
    rows["rates"] += seed_rows(scenario.seed_models)
    for step in scenario.steps:
        for table, more in step.prices.items():
            rows[table] += more
    tables = {"rates": RATES, "aliases": ALIASES, "terms": TERMS, "exchange_rates": EXCHANGE_RATES,
              "serving_hours": SERVING_HOURS}  # fmt: skip
    check.raise_first(check._find({t.name: text_table(t, rows[name]) for name, t in tables.items()}, warn=False))


def test_every_file_says_what_it_is_about() -> None:
    scenarios = [read(path) for path in files()]
    assert len({scenario.title for scenario in scenarios}) == len(scenarios) >= 40
    assert all(len(scenario.why) > 30 for scenario in scenarios)
    assert all(scenario.steps[-1].expect for scenario in scenarios)
