"""What a run that failed or was stopped leaves behind, and days of a billing zone, through real runs."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pipelines import build
from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.pricing.tables import RATES
from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.conftest import ask, digests

if TYPE_CHECKING:
    from pathlib import Path

NOON = "2023-09-05T12:00:00Z"
EVENT = {"organization_id": "acme", "provider": "openai", "model": "gpt-4-0613", "input_tokens": 1_000_000}


def land(home: Home, name: str, *events: dict[str, Any]) -> None:
    folder = home.landing / "gateway"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps({**EVENT, **e}) + "\n" for e in events))


def run(home: Home) -> None:
    run_all(home, load_settings(home))


@pytest.fixture(scope="module")
def zoned(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a Tokyo billing day, in two runs: late events and amendments that cross days."""
    home = Home(tmp_path_factory.mktemp("zoned") / "home")
    home.root.mkdir()
    home.config.write_text('billing_time_zone = "Asia/Tokyo"\n')
    land(
        home, "1.jsonl",
        {"event_id": "a", "occurred_at": "2023-09-05T14:59:59.999999Z"},
        {"event_id": "b", "occurred_at": "2023-09-05T15:00:00Z"},
        {"event_id": "c", "occurred_at": "2023-09-08T01:00:00Z"},
    )  # fmt: skip
    run(home)
    land(
        home, "2.jsonl",
        {"event_id": "late", "occurred_at": "2023-09-06T14:00:00Z"},
        {"event_id": "c", "occurred_at": "2023-09-04T23:00:00Z", "revision": 1, "input_tokens": 2_000_000},
    )  # fmt: skip
    run(home)
    return home


def test_billing_day_is_cut_in_its_zone(zoned: Home) -> None:
    assert ask(
        zoned, "select event_id, usage_date::varchar, charge_date::varchar from published.rated_usage order by 1"
    ) == [
        ("a", "2023-09-05", "2023-09-05"),
        ("b", "2023-09-05", "2023-09-06"),
        ("c", "2023-09-04", "2023-09-05"),
        ("late", "2023-09-06", "2023-09-06"),
    ]


def test_late_and_amended_days_of_the_zone_are_replaced_whole(zoned: Home) -> None:
    assert ask(
        zoned, "select charge_date::varchar, requests, revenue_amount from published.spend_daily order by 1"
    ) == [
        ("2023-09-05", 2, Decimal(90)),
        ("2023-09-06", 2, Decimal(60)),
    ]


def test_incremental_runs_give_what_a_rebuild_gives(zoned: Home) -> None:
    before = digests(zoned)
    build.clear_warehouse(zoned)
    run(zoned)
    assert digests(zoned) == before


def test_failed_build_does_not_pass_for_up_to_date(zoned: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(zoned)
    zone = zoned.config.read_text()
    zoned.config.write_text('billing_time_zone = "UTC"\n')
    with monkeypatch.context() as patch:
        # dbt has written its tables; the process ends before that is remembered.
        patch.setattr(build, "remember", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(zoned)
    zoned.config.write_text(zone)
    run(zoned)
    assert digests(zoned) == before


def test_faulty_card_is_refused_by_line_and_leaves_nothing(zoned: Home) -> None:
    before = digests(zoned)
    card = zoned.prices / "mine.csv"
    zoned.prices.mkdir(exist_ok=True)
    row = ["list", "openai", "gpt-4-0613", "base", "standard", "", "input", "1", "1000000", "EUR", "0",
           "2023-01-01T00:00:00Z", "", "", "contract", "2026-01-01"]  # fmt: skip
    with card.open("w", newline="") as file:
        csv.writer(file).writerows([RATES.columns, row])
    with pytest.raises(MeterhouseError) as error:
        run(zoned)
    assert "currency" in error.value.paragraph()
    card.unlink()
    run(zoned)
    assert digests(zoned) == before


def test_changed_title_rebuilds_no_day(zoned: Home) -> None:
    with zoned.config.open("a") as file:
        file.write('[site]\ntitle = "Acme meters"\n')
    plan = build.plan_build(zoned, load_settings(zoned))
    assert (plan.full, plan.days, plan.needed) == (False, (), True)
    run(zoned)
    assert ask(zoned, "select site_title from published.build") == [("Acme meters",)]
    assert not build.plan_build(zoned, load_settings(zoned)).needed


def test_what_has_no_token_count_and_no_rate_is_not_free(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    land(
        home, "1.jsonl",
        {"event_id": "image", "occurred_at": NOON, "model": "picture-1", "input_tokens": 0, "status": 200},
        {"event_id": "failed", "occurred_at": NOON, "model": "picture-1", "input_tokens": 0, "status": 500},
    )  # fmt: skip
    run(home)
    rows = ask(home, "select event_id, revenue_amount, unpriced_reason from published.rated_usage order by 1")
    assert rows == [("failed", Decimal(0), None), ("image", None, "model is not in the price book")]
    spend = ask(
        home,
        "select requests, failed_requests, revenue_amount, unpriced_requests from published.spend_daily order by 2",
    )
    assert spend == [(1, 0, None, 1), (1, 1, Decimal(0), 0)]


def test_passed_limit_ends_with_1_after_publishing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    land(home, "1.jsonl", {"event_id": "a", "occurred_at": "2023-09-05T12:00:00Z"}, {"event_id": "b"})
    home.config.write_text("[limits]\nmax_quarantined_records = 0\n")
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 1
    assert "limits.max_quarantined_records is 0" in result.output
    assert (home.site / "finance" / "index.html").exists()
    home.config.write_text("[limits]\nmax_quarantined_records = 1\n")
    assert CliRunner().invoke(main, ["run", "--home", str(home.root)]).exit_code == 0


def test_card_that_no_price_has_is_refused_by_name(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    land(home, "1.jsonl", {"event_id": "a", "occurred_at": "2023-09-05T12:00:00Z"})
    home.config.write_text('[pricing]\nrevenue_card = "lost"\n')
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 1
    assert "pricing.revenue_card" in result.output
    assert "no rate card 'lost'" in result.output


def test_mistyped_home_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--home", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "no Meterhouse home" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_demo_logs_do_not_mix_with_a_home_of_ones_own(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert CliRunner().invoke(main, ["init", "--home", str(home)]).exit_code == 0
    refused = CliRunner().invoke(main, ["simulate", "--home", str(home), "--requests", "100", "--organizations", "3"])
    assert refused.exit_code == 1
    assert "not marked as demo data" in refused.output
    assert list((home / "landing").iterdir()) == []
