"""What the files hold is what the truth says, in every format."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from decimal import Decimal

import pyarrow.parquet as pq

from pipelines.settings import load_settings
from pipelines.simulate.simulation import simulate

TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens")


def distinct(records):
    return list({r["id"]: r for r in records}.values())


def test_files_hold_what_truth_says(simulated, read):
    home, truth = simulated
    records, broken = read(home.landing / "gateway", truth.arguments["format"])
    events = distinct(records)
    assert len(events) == truth.distinct_events == 3_000
    assert len(records) - len(events) == truth.duplicates > 0
    assert broken == {k: v for k, v in truth.broken_lines.items() if k != "total"}
    assert sum(broken.values()) == truth.broken_lines["total"] == 3
    assert len(records) + 3 == truth.records_written
    assert truth.records_written == sum(f["records"] for f in truth.files.values())
    assert sorted(truth.files) == sorted(p.name for p in (home.landing / "gateway").iterdir())
    for place, name in enumerate(TOKENS):
        assert sum(e["tokens"][place] for e in events) == truth.totals[name]
    assert sum(not e["ok"] for e in events) == truth.totals["failed_requests"] > 0


def test_by_organization_and_day(simulated, read):
    home, truth = simulated
    events = distinct(read(home.landing / "gateway", truth.arguments["format"])[0])
    for key, told in (("organization", truth.organizations), ("day", truth.days)):
        assert Counter(e[key] for e in events) == {k: v["requests"] for k, v in told.items()}
        output = Counter()
        for event in events:
            output[event[key]] += event["tokens"][2]
        assert +output == {k: v["output_tokens"] for k, v in told.items() if v["output_tokens"]}


def test_duplicates_are_equal_records_and_failures_have_no_tokens(simulated, read):
    home, truth = simulated
    records, _ = read(home.landing / "gateway", truth.arguments["format"])
    first: dict[str, dict] = {}
    for record in records:
        assert first.setdefault(record["id"], record) == record
        if not record["ok"]:
            assert record["tokens"] == (0, 0, 0)


def test_formats_hold_the_same_events(tmp_path, read, simulated):
    home, truth = simulated
    if truth.arguments["format"] == "canonical":
        return
    from pipelines.home import Home

    other = Home(tmp_path)
    arguments = {k: truth.arguments[k] for k in ("days", "organizations", "requests", "seed")}
    same = simulate(other, **arguments, log_format="canonical")
    mine = {e["id"]: e for e in read(home.landing / "gateway", truth.arguments["format"])[0]}
    theirs = {e["id"]: e for e in read(other.landing / "gateway", "canonical")[0]}
    assert mine == theirs
    for part in ("totals", "money", "days", "organizations", "models", "campaigns", "look_alikes"):
        assert getattr(truth, part) == getattr(same, part)


def test_gpt_4o_money_by_hand(larger, read):
    """5 / 15 USD a million until 2024-10-02, then 2.50 / 10, 1.25 cached; batches at half."""
    home, _ = larger
    million = Decimal(1_000_000)
    due: dict[str, Decimal] = {}
    for event in distinct(read(home.landing / "gateway", "canonical")[0]):
        if event["model"] != "gpt-4o":
            continue
        late = event["day"] >= "2024-10-02"
        assert late or event["tokens"][1] == 0
        prices = ("2.5", "1.25", "10") if late else ("5", "0", "15")
        amount = sum(n * Decimal(p) for n, p in zip(event["tokens"], prices, strict=True)) / million
        due[event["day"]] = due.get(event["day"], Decimal(0)) + (amount / 2 if event["batch"] else amount)
    told: dict[str, Decimal] = {}
    for row in pq.read_table(home.root / "truth" / "daily.parquet").to_pylist():
        if row["model"] == "gpt-4o":
            day = row["usage_date"].isoformat()
            told[day] = told.get(day, Decimal(0)) + row["revenue_amount"]
    assert told == due
    assert min(due) < "2024-10-02" < max(due)


def test_unknown_model_has_no_amount(larger):
    home, truth = larger
    rows = pq.read_table(home.root / "truth" / "daily.parquet").to_pylist()
    unknown = [r for r in rows if r["model"] == truth.unknown_model["model"]]
    assert sum(r["requests"] for r in unknown) == truth.unknown_model["requests"] > 0
    assert all(r["revenue_amount"] is None and r["cost_amount"] is None for r in unknown)
    assert truth.money["unpriced_requests"] == truth.unknown_model["requests"]
    assert truth.money["unpriced_models"] == [truth.unknown_model["model"]]


def test_some_products_lose_money_and_the_whole_does_not(larger):
    home, truth = larger
    by_product: dict[str, Decimal] = {}
    for row in pq.read_table(home.root / "truth" / "daily.parquet").to_pylist():
        if row["revenue_amount"] is not None and row["cost_amount"] is not None:
            margin = row["revenue_amount"] - row["cost_amount"]
            by_product[row["product_id"]] = by_product.get(row["product_id"], Decimal(0)) + margin
    assert any(m < 0 for m in by_product.values())
    assert Decimal(truth.money["margin_amount"]) == sum(by_product.values()) > 0


def test_home_is_complete(simulated):
    home, truth = simulated
    settings = load_settings(home)
    assert settings.site.demo
    assert settings.pricing.cost_card == truth.money["cost_card"] == "demo-serving"
    source = settings.source("gateway")
    assert source is not None
    assert source.format == truth.arguments["format"]
    assert tomllib.loads(home.config.read_text())
    assert json.loads((home.root / "truth" / "truth.json").read_text())["totals"] == truth.totals
    assert len(bytes.fromhex(home.salt_file.read_text().strip())) == 32
