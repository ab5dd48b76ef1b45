"""The whole main job on simulated logs: truth, conservation, repetition, rebuilding."""

from __future__ import annotations

import hashlib
import json
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from pipelines.build import clear_warehouse
from pipelines.cli import main
from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.landing.manifest import manifest_folder
from pipelines.pricing.tables import RATES, TERMS
from pipelines.publish.exports import published_folder
from pipelines.run import run_all
from pipelines.settings import load_settings
from pipelines.warehouse import writer_lock
from tests.conftest import ask, digests

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.run import RunSummary


def truth_of(home: Home) -> dict:
    return json.loads((home.root / "truth" / "truth.json").read_text())


def bytes_below(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_run_meets_the_known_truth(finished: tuple[Home, RunSummary]) -> None:
    home, summary = finished
    truth = truth_of(home)
    assert summary.ingest.records_read == truth["records_written"]
    assert summary.ingest.accepted == truth["distinct_events"]
    assert summary.ingest.duplicates == truth["duplicates"]
    assert summary.ingest.quarantined == truth["broken_lines"]["total"]
    (money,) = summary.money
    assert money.revenue == Decimal(truth["money"]["revenue_amount"])
    assert money.cost == Decimal(truth["money"]["cost_amount"])
    for bucket in ("input_tokens", "cached_input_tokens", "output_tokens"):
        assert ask(home, f"select sum({bucket}) from published.usage_events") == [(truth["totals"][bucket],)]


def test_unknown_model_is_unpriced_with_a_reason_and_never_zero(
    finished: tuple[Home, RunSummary],
) -> None:
    home, _ = finished
    unknown = truth_of(home)["unknown_model"]["model"]
    rows = ask(
        home,
        f"""select distinct revenue_amount, unpriced_reason from published.rated_usage
            where model = '{unknown}' and input_tokens + cached_input_tokens + output_tokens > 0""",
    )
    assert rows == [(None, "model is not in the price book")]


def test_every_file_conserves_its_records(finished: tuple[Home, RunSummary]) -> None:
    home, _ = finished
    assert (
        ask(
            home,
            """
        select file from published.ingested_files
        where records_read != accepted + duplicates + amendments + quarantined + dropped or records_read = 0""",
        )
        == []
    )
    assert (
        ask(
            home,
            """
        select (select sum(quarantined) from published.ingested_files),
            (select count(*) from published.quarantined_records)""",
        )[0][0]
        == truth_of(home)["broken_lines"]["total"]
    )


def test_events_rated_marts_and_exports_agree_to_the_last_digit(
    finished: tuple[Home, RunSummary],
) -> None:
    home, _ = finished
    folder = published_folder(home)
    (row,) = ask(
        home,
        f"""
        select
            (select sum(revenue_amount) from published.rated_usage),
            (select sum(revenue_amount) from published.spend_daily),
            (select sum(revenue_amount) from read_parquet('{folder}/spend_daily.parquet')),
            (select sum(revenue_amount) from read_parquet('{folder}/rated_usage/*/*.parquet'))""",
    )
    assert row[0] > 0
    assert len(set(row)) == 1
    (counts,) = ask(
        home,
        f"""
        select
            (select count(*) from published.usage_events),
            (select sum(requests) from published.spend_daily),
            (select count(*) from read_parquet('{folder}/usage_events/*/*.parquet'))""",
    )
    assert len(set(counts)) == 1


def test_margin_counts_only_requests_with_both_sides(finished: tuple[Home, RunSummary]) -> None:
    home, _ = finished
    (row,) = ask(
        home,
        """
        select sum(margin_amount), sum(margin_revenue_amount), sum(revenue_only_amount), sum(revenue_amount)
        from published.spend_daily""",
    )
    (both,) = ask(
        home,
        """
        select sum(revenue_amount - cost_amount), sum(revenue_amount) from published.rated_usage
        where revenue_amount is not null and cost_amount is not null""",
    )
    assert row[:2] == both
    assert row[1] + (row[2] or 0) == row[3]


def test_second_run_changes_no_table_and_no_page(copy_of_finished: Home) -> None:
    home = copy_of_finished
    before, pages = digests(home), bytes_below(home.site)
    entries = len(list(manifest_folder(home).iterdir()))
    summary = run_all(home, load_settings(home))
    assert summary.ingest.accepted == summary.ingest.records_read == 0
    assert not summary.changed
    assert digests(home) == before
    assert bytes_below(home.site) == pages
    assert len(list(manifest_folder(home).iterdir())) == entries


def test_deleted_warehouse_site_and_exports_come_back_the_same(copy_of_finished: Home) -> None:
    home = copy_of_finished
    before, pages = digests(home), bytes_below(home.site)
    clear_warehouse(home)
    shutil.rmtree(home.site)
    shutil.rmtree(home.exports)
    shutil.rmtree(home.work)
    run_all(home, load_settings(home))
    assert digests(home) == before
    assert bytes_below(home.site) == pages


def test_files_in_two_runs_give_what_one_run_gives(finished: tuple[Home, RunSummary], tmp_path: Path) -> None:
    whole = finished[0]
    home = Home(tmp_path / "home")
    home.landing.mkdir(parents=True)
    for name in ("meterhouse.toml", ".salt", "prices"):
        source = whole.root / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, home.root / name)
    files = sorted((whole.landing / "gateway").iterdir())
    (home.landing / "gateway").mkdir()
    for part in (files[1::2], files[0::2]):
        for file in part:
            shutil.copy2(file, home.landing / "gateway" / file.name)
        run_all(home, load_settings(home))
    # Which copy of a duplicate counts as the first depends on the order; what was taken in does not.
    ours, theirs = digests(home, without=("received_at",)), digests(whole, without=("received_at",))
    for table in (
        "usage_events",
        "rated_usage",
        "spend_daily",
        "quarantined_records",
        "extraction_flags",
    ):
        assert ours[table] == theirs[table], table
    places = "from marts.activity_places_daily order by all"
    assert ask(home, places) == ask(whole, places)


def test_limits_are_named_when_passed(copy_of_finished: Home) -> None:
    home = copy_of_finished
    with home.config.open("a") as file:
        file.write("\n[limits]\nmax_quarantined_records = 0\nmax_unpriced_share = 0.0\n")
    bad = home.landing / "gateway" / "bad.jsonl"
    bad.write_text('{"request_id": \n')
    summary = run_all(home, load_settings(home))
    assert summary.ingest.quarantined == 1
    assert any("max_quarantined_records is 0" in b for b in summary.breaches)
    assert any("max_unpriced_share is 0" in b for b in summary.breaches)


def test_a_folder_without_a_source_does_not_stop_the_others(copy_of_finished: Home) -> None:
    home = copy_of_finished
    (home.landing / "mystery").mkdir()
    (home.landing / "mystery" / "a.jsonl").write_text('{"colour": "red"}\n')
    (home.landing / "gateway" / "bad.jsonl").write_text('{"request_id": 1}\n')
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert result.exit_code == 1
    said = " ".join((result.output + str(result.exception)).split())
    assert "quarantined 1" in said
    assert "the format of landing/mystery/ is not recognised (fields seen: colour)" in said
    assert "everything else is taken in, and tables and pages are up to date" in said


def test_a_damaged_file_of_events_is_named(copy_of_finished: Home) -> None:
    home = copy_of_finished
    file = max(home.events.rglob("*.parquet"))
    with file.open("r+b") as content:
        content.seek(40)
        content.write(b"\xff" * 64)
    clear_warehouse(home)
    with pytest.raises(MeterhouseError, match="this file of events is damaged or gone") as caught:
        run_all(home, load_settings(home))
    assert str(file) in str(caught.value)
    assert "Restore it from a backup" in str(caught.value)


def test_price_change_rebuilds_what_was_rated_before(copy_of_finished: Home) -> None:
    home = copy_of_finished
    before = ask(home, "select sum(cost_amount) from published.rated_usage")[0][0]
    card = next(home.prices.glob("*.csv"))
    card.unlink()
    home.config.write_text(home.config.read_text().replace('cost_card = "demo-serving"', 'cost_card = "list"'))
    run_all(home, load_settings(home))
    after, revenue = ask(home, "select sum(cost_amount), sum(revenue_amount) from published.rated_usage")[0]
    assert after == revenue != before


def test_an_unknown_cost_whose_rate_is_in_another_currency_is_published(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    rates = "".join(
        f"eur,openai,gpt-4o,base,standard,,{unit},{price},1000000,EUR,0,2025-01-01T00:00:00Z,,,contract,2025-01-05\n"
        for unit, price in (("input", "2.35"), ("output", "9.30"), ("audio_input", "30"))
    )
    (home.prices / "terms").mkdir(parents=True)
    (home.prices / "eur.csv").write_text(",".join(RATES.columns) + "\n" + rates)
    (home.prices / "terms" / "own.csv").write_text(
        ",".join(TERMS.columns) + "\nh,card,revenue,,,,,,,,,,eur,2025-01-01T00:00:00Z,,,contract,\n"
    )
    call = {"organization_id": "h", "provider": "openai", "model": "gpt-4o", "occurred_at": "2025-03-10T10:00:00Z"}
    calls = [
        {"event_id": "audio", "input_tokens": 1000, "audio_input_tokens": 100, **call},
        {"event_id": "nothing counted", "status": 200, **call},
        {"event_id": "both known", "input_tokens": 1000, **call},
    ]
    (home.landing / "g").mkdir(parents=True)
    (home.landing / "g" / "a.jsonl").write_text("".join(json.dumps(c) + "\n" for c in calls))
    run_all(home, load_settings(home))
    found = ask(home, "select event_id, revenue_amount, cost_currency from published.rated_usage order by event_id")
    assert found == [
        ("audio", Decimal("0.00535"), None),
        ("both known", Decimal("0.00235"), "USD"),
        ("nothing counted", None, None),
    ]


def test_a_second_run_at_the_same_time_is_refused_with_the_holder(copy_of_finished: Home) -> None:
    import os

    with writer_lock(copy_of_finished), pytest.raises(MeterhouseError) as error:
        run_all(copy_of_finished, load_settings(copy_of_finished))
    assert str(os.getpid()) in error.value.paragraph()


def test_run_killed_between_warehouse_and_exports_is_caught_up(
    copy_of_finished: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_of_finished
    late = json.loads((home.landing / "gateway").glob("*.jsonl").__next__().read_text().splitlines()[0])
    late["request_id"] = "one-more"
    (home.landing / "gateway" / "late.jsonl").write_text(json.dumps(late) + "\n")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.run.export_published", killed)
        with pytest.raises(KeyboardInterrupt):
            run_all(home, load_settings(home))
    run_all(home, load_settings(home))
    folder = published_folder(home)
    assert ask(
        home,
        f"select count(*) from read_parquet('{folder}/rated_usage/*/*.parquet') where event_id = 'one-more'",
    ) == [(1,)]
