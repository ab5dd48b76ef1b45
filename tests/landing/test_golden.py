"""Every format's samples become exactly the expected canonical rows, however they are packed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from pipelines.landing.contract import INPUT_BUCKETS, OUTPUT_BUCKETS
from pipelines.landing.formats import load_formats
from tests.landing.golden import FORMATS, PARQUET, SALT, expected, rows_of, run_samples, samples
from tests.landing.homes import Row, make_home

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = [pytest.param(f, s, id=f"{f}/{s.name}") for f in FORMATS for s in samples(f)]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Row]]]:
    """What the samples of each format became."""
    return {f: run_samples(make_home(tmp_path_factory.mktemp(f) / "home"), f) for f in FORMATS}


def test_every_format_has_samples() -> None:
    assert set(load_formats()) == set(FORMATS)


@pytest.mark.parametrize(("log_format", "sample"), SAMPLES)
def test_sample_becomes_the_expected_rows(
    landed: dict[str, dict[str, list[Row]]], log_format: str, sample: Path
) -> None:
    rows = expected(log_format)[sample.name]
    assert landed[log_format].get(f"{sample.stem}-plain events", []) == rows["events"]
    assert landed[log_format].get(f"{sample.stem}-plain quarantined", []) == rows["quarantined"]
    for kind in ("duplicates", "superseded"):
        assert landed[log_format].get(f"{sample.stem}-plain {kind}", [{"count": 0}]) == [{"count": rows.get(kind, 0)}]


@pytest.mark.parametrize(("log_format", "sample"), SAMPLES)
def test_packed_sample_gives_the_same_rows(
    landed: dict[str, dict[str, list[Row]]], log_format: str, sample: Path
) -> None:
    for kind in ("events", "quarantined"):
        plain = landed[log_format].get(f"{sample.stem}-plain {kind}", [])
        assert landed[log_format].get(f"{sample.stem}-packed {kind}", []) == plain


@pytest.mark.parametrize(("log_format", "sample"), [p for p in SAMPLES if str(p.id).split("/")[1] in PARQUET])
def test_parquet_gives_the_same_rows(landed: dict[str, dict[str, list[Row]]], log_format: str, sample: Path) -> None:
    rows = expected(log_format)[sample.name]
    numbers = {line: number for number, (line, _) in enumerate(rows_of(sample), 1)}
    bad = [q for q in rows["quarantined"] if q["line"] in numbers]
    got = landed[log_format][f"{sample.stem}-parquet quarantined"]
    assert [(q["line"], q.get("field")) for q in got] == [(numbers[q["line"]], q.get("field")) for q in bad]
    events = landed[log_format][f"{sample.stem}-parquet events"]
    assert len(events) == len(numbers) - len(bad)
    assert [e for e in events if e not in rows["events"]] == []


@pytest.mark.parametrize(("log_format", "sample"), SAMPLES)
def test_expected_buckets_add_up_to_the_raw_totals(log_format: str, sample: Path) -> None:
    for event in expected(log_format)[sample.name]["events"]:
        if event.get("gateway_cache_hit"):
            continue
        for raw, buckets in (
            ("raw_input_tokens", INPUT_BUCKETS),
            ("raw_output_tokens", OUTPUT_BUCKETS),
        ):
            assert sum(event.get(b, 0) for b in buckets) == event.get(raw, 0), event


@pytest.mark.parametrize(("log_format", "sample"), [p for p in SAMPLES if str(p.id).endswith(".jsonl")])
def test_expected_rows_account_for_every_line(log_format: str, sample: Path) -> None:
    lines = [n for n, t in enumerate(sample.read_text(encoding="utf-8").split("\n"), 1) if t.strip()]
    rows = expected(log_format)[sample.name]
    counted = len(rows["events"]) + len(rows["quarantined"]) + sum(rows.get(k, 0) for k in ("duplicates", "superseded"))
    if load_formats()[log_format].inside:
        assert counted >= len(lines)
        return
    assert counted == len(lines)
    assert {q["line"] for q in rows["quarantined"]} <= set(lines)


def test_expected_pseudonyms_are_salted_digests() -> None:
    def pseudonym(text: str) -> str:
        return "h_" + hashlib.sha256((SALT + text).encode()).hexdigest()[:24]

    [event] = [e for e in expected("canonical")["events.jsonl"]["events"] if e["event_id"] == "secrets"]
    assert event["api_key_id"] == pseudonym("sk-proj-abcdefghijklmnopqrst")
    assert event["end_user_id"] == pseudonym("jo@example.org")
    assert event["client_network"] == pseudonym("203.0.113.9")


def test_derived_ids_are_digests_of_the_row_and_its_ordinal() -> None:
    row = {
        "Zeit": "2023-11-16 18:15:46.6805900", "Context Tokens": "374", "Generated": "44",
        "Model": "gpt-4-0613", "line": "200", "record": "1", "User": None,
    }  # fmt: skip
    digest = hashlib.md5(json.dumps(row, separators=(",", ":")).encode()).hexdigest()  # noqa: S324
    ids = [e["event_id"] for e in expected("mapped")["calls.csv"]["events"]]
    assert {f"{digest}-1", f"{digest}-2"} <= set(ids)
