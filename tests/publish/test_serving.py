"""Pages and terminal of a home with hours of GPUs: what no request carries is said, and is in no total."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.home import Home
from pipelines.pricing.tables import RATES, SERVING_HOURS
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.landing.homes import drop
from tests.pricing.price_books import write_rows
from tests.publish.fixture import serving_days
from tests.publish.reading import read, table
from tests.rating.case import filled

if TYPE_CHECKING:
    from pathlib import Path

SPREAD = "('2026-05-10', 'llama', 8, 2.5, 'USD', 3, true)"
IDLE = "('2026-05-11', 'llama', 24, 2.505, 'USD', 0, false)"
FAR = "('2026-05-11', 'phi', 2, 3, 'EUR', 0, false)"
_AMOUNTS = ("gpu hours", "idle gpu hours", "cost of gpu hours", "allocated cost", "idle cost")
UNPRICED = "('2026-05-12', 'qwen', 1.5, null, null, 4, false)"


def site(published: Path, folder: Path, *hours: str) -> Path:
    """The finance folder of a site whose home has these days of hours."""
    own = shutil.copytree(published, folder / "p")
    with duckdb.connect() as con:
        serving_days(con, ", ".join(hours))
        con.execute(f"copy serving_days to '{own / 'serving_days.parquet'}' (format parquet)")
    home = Home(folder / "home")
    build_site(own, home, Settings())
    return home.site / "finance"


def test_idle_hours_are_told_by_model_and_currency(published: Path, tmp_path: Path) -> None:
    pages = site(published, tmp_path, SPREAD, IDLE, FAR, UNPRICED)
    for name in ("index.html", "margin.html"):
        page = read(pages / name)
        (card,) = page.xpath("//section[@id='serving']")
        assert "$60.12 and €6.00 of GPU hours served no request and is in no cost; 1.5 GPU hours have no price" in (
            card.text_content()
        ), name
        rows = {row["model"]: row for row in table(page, "serving-table")}
        llama, qwen = rows["llama"], rows["qwen"]
        assert [llama[c] for c in _AMOUNTS] == [
            "32", "24", "$80.12", "$20.00", "$60.12",
        ]  # fmt: skip
        assert (qwen["cost of gpu hours"], qwen["idle gpu hours"]) == ("no price", "1.5")
        assert (llama["reason"], qwen["reason"]) == ("", "the card cost has no price of an hour on these days")
        assert "before these days" not in card.text_content()


def test_hours_without_a_price_are_idle_only_where_nothing_used_the_model(published: Path, tmp_path: Path) -> None:
    pages = site(published, tmp_path, "('2026-05-12', 'gpt-4o', 1.5, null, null, 4, false)")
    (row,) = table(read(pages / "margin.html"), "serving-table")
    assert (row["gpu hours"], row["idle gpu hours"]) == ("1.5", "0")


def test_hours_outside_the_window_are_in_a_sentence_alone(published: Path, tmp_path: Path) -> None:
    before, after = IDLE.replace("05-11", "03-31"), FAR.replace("05-11", "05-31")
    unpriced = UNPRICED.replace("05-12", "03-30").replace("1.5", "1")
    pages = site(published, tmp_path, SPREAD, before, after, unpriced)
    for name in ("index.html", "margin.html"):
        page = read(pages / name)
        assert [row["gpu hours"] for row in table(page, "serving-table")] == ["8"]
        text = page.xpath("string(//section[@id='serving'])")
        assert (
            "before these days idle hours of $60.12, 1 GPU hour without a price; after these days idle hours of €6.00."
        ) in text
        assert "All GPU hours are in the cost of requests" in text


@pytest.mark.parametrize(("hours", "on_margin"), [([SPREAD], True), ([], False)])
def test_overview_tells_of_hours_only_where_some_are_in_no_cost(
    published: Path, tmp_path: Path, hours: list[str], *, on_margin: bool
) -> None:
    pages = site(published, tmp_path, *hours)
    assert not read(pages / "index.html").xpath("//section[@id='serving']")
    found = read(pages / "margin.html").xpath("//section[@id='serving']")
    assert bool(found) == on_margin
    if on_margin:
        assert "All GPU hours are in the cost of requests" in found[0].text_content()


def test_run_says_what_idle_hours_cost(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.config.write_text('[pricing]\ncost_card = "cluster"\n', encoding="utf-8")
    rate = {"card": "cluster", "provider": "vllm", "model": "llama", "unit": "gpu_hour", "per": "1", "price": "2.50"}
    write_rows(home.prices / "own.csv", RATES, [filled(RATES, rate)])
    write_rows(
        home.prices / "serving_hours" / "own.csv",
        SERVING_HOURS,
        [
            filled(SERVING_HOURS, {"usage_date": day, "provider": "vllm", "model": "llama", "gpu_hours": hours})
            for day, hours in (("2026-02-01", "8"), ("2026-02-02", "24"))
        ],
    )
    event = {"event_id": "a", "occurred_at": "2026-02-01T10:00:00Z", "organization_id": "acme", "provider": "vllm"}
    drop(home, "gateway/a.jsonl", [{**event, "model": "llama", "input_tokens": 100, "status": 200}])
    done = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    assert done.exit_code == 0, done.output
    lines = {line[2:18].strip(): line[19:] for line in done.output.splitlines()}
    assert lines["idle GPUs USD"] == "60.00, in no cost: hours without requests"
