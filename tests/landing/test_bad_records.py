"""Bad records go to quarantine with their line, field, reason and text; nothing is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipelines.landing import ingest
from pipelines.landing.contract import COLUMNS
from pipelines.landing.normalise import part_refused
from tests.landing.homes import (
    CANONICAL,
    Row,
    drop,
    entries,
    event,
    events,
    land,
    make_home,
    quarantined,
)

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.home import Home


def text(event_id: object, **changes: object) -> bytes:
    """A canonical record as a line of JSON, without its line feed."""
    return json.dumps(event(event_id, **changes)).encode()


def raw_value(name: str, value: str) -> bytes:
    """A record in which a value stands as it is, valid JSON or not."""
    return text("raw", **{name: "@"}).replace(b'"@"', value.encode())


# The bad lines of one file: text, and the field and part of the reason it is refused with.
BAD: list[tuple[bytes, str | None, str]] = [
    (b'{"event_id": "cut', None, "not valid JSON"),
    (b'["event_id"]', None, "expected a JSON object"),
    (b"17", None, "expected a JSON object"),
    (b"null", None, "expected a JSON object"),
    (b'"text"', None, "expected a JSON object"),
    (b"{} {}", None, "not valid JSON"),
    (b"{}", "event_id", "missing"),
    (text("nul").replace(b"acme", b"ac\0me"), None, "not valid JSON: it holds NUL bytes"),
    (text("utf-8").replace(b"acme", b"ac\xff\xfeme"), None, "not valid JSON: it holds bytes that are not UTF-8"),
    (b"\xff\xfe\0\0", None, "not valid JSON"),
    (text("surrogate").replace(b"acme", rb"\ud800"), None, "not valid JSON"),
    (b"event_id,occurred_at", None, "not valid JSON"),
    (text(None), "event_id", "missing"),
    (text(" "), "event_id", "missing"),
    (text("x", model=""), "model", "missing"),
    (text("x", provider=None), "provider", "missing"),
    (text("x", organization_id=" "), "organization_id", "missing"),
    (text("x", occurred_at=""), "occurred_at", "missing"),
    (text("x", occurred_at="yesterday"), "occurred_at", "not a time: yesterday"),
    (text("x", occurred_at="2024-02-30T00:00:00Z"), "occurred_at", "not a time"),
    (text("x", occurred_at="0000-01-01T00:00:00Z"), "occurred_at", "before 2015-01-01"),
    (text("x", occurred_at=0), "occurred_at", "before 2015-01-01"),
    (text("x", occurred_at="9999-12-31T23:59:59Z"), "occurred_at", "in the future"),
    (text("x", occurred_at="infinity"), "occurred_at", "infinity"),
    (raw_value("occurred_at", "1e400"), "occurred_at", "not a time"),
    (text("x", input_tokens=-1), "input_tokens", "negative: -1"),
    (text("x", input_tokens=1.5), "input_tokens", "not a whole number: 1.5"),
    (text("x", input_tokens="1.00000000001"), "input_tokens", "not a whole number"),
    (text("x", input_tokens="12 tokens"), "input_tokens", "not a whole number: 12 tokens"),
    (text("x", input_tokens=True), "input_tokens", "not a whole number: true"),
    (text("x", input_tokens=[1]), "input_tokens", "not a whole number"),
    (text("x", input_tokens=2**63), "input_tokens", "not a whole number"),
    (raw_value("input_tokens", "NaN"), "input_tokens", "not a whole number: NaN"),
    (raw_value("output_tokens", "1e400"), "output_tokens", "not a whole number: 1e400"),
    (raw_value("output_tokens", "-0.5"), "output_tokens", "not a whole number"),
    (raw_value("temperature", "NaN"), "temperature", "not a number: NaN"),
    (raw_value("temperature", "1e400"), "temperature", "not a number: 1e400"),
    (text("x", reported_cost="free"), "reported_cost", "not a number: free"),
    (text("x", status="OK"), "status", "not a whole number: OK"),
    (text("x", gateway_cache_hit="perhaps"), "gateway_cache_hit", "not true or false: perhaps"),
    (text("x", service_tier="gold"), "service_tier", "none of standard"),
    (text("x", revision=-1), "revision", "negative"),
    (text("x", input_tokens=10**12 + 1), "input_tokens", "more than 1,000,000,000,000, far beyond any call: 1"),
    (text("x", input_tokens=9 * 10**18, output_tokens=9 * 10**18), "input_tokens", "more than 1,000,000,000,000"),
    (text("x", input_tokens=2**63 - 1, cached_input_tokens=2**63 - 1), "input_tokens", ": 9223372036854775807"),
    (text("x", output_tokens=2**63 - 1, audio_output_tokens=2**63 - 1), "output_tokens", ": 9223372036854775807"),
    (text("x", input_tokens=-(2**63), cached_input_tokens=-(2**63)), "input_tokens", "negative"),
    (text("x", raw_output_tokens=2**63 - 1), "raw_output_tokens", "more than 1,000,000,000,000"),
    (text("x", reasoning_tokens=2**63 - 1), "reasoning_tokens", "more than 1,000,000,000,000"),
    (text("x", image_input_tokens=-1), "image_input_tokens", "negative: -1"),
    (text("x", image_input_tokens=5, raw_input_tokens=100), "raw_input_tokens", "the input buckets add up to 105"),
    (text("x", image_output_tokens=5, raw_output_tokens=20), "raw_output_tokens", "the output buckets add up to 25"),
    (text("x", web_search_calls=1.5), "web_search_calls", "not a whole number: 1.5"),
    (text("x", file_search_calls=-1), "file_search_calls", "negative: -1"),
    (text("x", code_execution_calls=10**9 + 1), "code_execution_calls", "more than 1,000,000,000, far beyond any call"),
    (text("x", code_execution_calls=2**63), "code_execution_calls", "not a whole number"),
    (text("x", hosting_hours=0.0000001), "hosting_hours", "not a number of hours up to 1,000,000,000 with at most 6"),
    (text("x", hosting_hours="1.2345678"), "hosting_hours", "with at most 6 decimals: 1.2345678"),
    (text("x", training_hours="two"), "training_hours", "with at most 6 decimals: two"),
    (raw_value("training_hours", "NaN"), "training_hours", "with at most 6 decimals: NaN"),
    (raw_value("training_hours", "1e400"), "training_hours", "with at most 6 decimals: 1e400"),
    (text("x", training_hours=-0.5), "training_hours", "negative: -0.5"),
    (text("x", hosting_hours=10**9 + 0.5), "hosting_hours", "more than 1,000,000,000, far beyond any call or job"),
    (text("x", raw_input_tokens=99), "raw_input_tokens", "is 99, but the input buckets add up to 100"),
    (text("x", reasoning_tokens=21), "reasoning_tokens", "more than output_tokens"),
    (text("long", pad="y" * 9_000_000, input_tokens=-1), "input_tokens", "negative: -1"),
]
BLANK = [b"", b"   ", b"\t\r"]
# What is kept of the text where it is not all of it: see test_secrets.py.
KEPT = {
    b'["event_id"]': '["…"]',
    b'"text"': '"…"',
    b"\xff\xfe\0\0": "[text left out]",
    b"event_id,occurred_at": "[text left out]",
    BAD[-1][0]: text("long", pad="…", input_tokens=-1).decode().replace("\\u2026", "…"),
}


@pytest.fixture(scope="module")
def json_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A good line and a blank one after every bad line, no line feed at the end."""
    home = make_home(tmp_path_factory.mktemp("bad") / "home", CANONICAL)
    lines = [text("first")]
    for number, (line, *_) in enumerate(BAD):
        lines += [line, text(f"good-{number}"), BLANK[number % len(BLANK)]]
    drop(home, "g/bad.jsonl", b"\n".join([*lines, text("last", pad="z" * 9_000_000)]))
    drop(home, "g/mark.jsonl", b"\xef\xbb\xbf" + text("mark") + b"\r\n" + text("mark-2") + b"\r\n")
    land(home)
    return home


@pytest.fixture(scope="module")
def refused(json_home: Home) -> list[Row]:
    """The quarantined records of that file."""
    return quarantined(json_home)


def test_nothing_is_lost(json_home: Home) -> None:
    bad, mark = entries(json_home)
    assert bad["records_read"] == 2 + 2 * len(BAD)
    assert (bad["accepted"], bad["quarantined"]) == (2 + len(BAD), len(BAD))
    assert (mark["accepted"], mark["quarantined"]) == (2, 0)
    good = {e["event_id"] for e in events(json_home)}
    assert good == {"first", "last", "mark", "mark-2", *(f"good-{n}" for n in range(len(BAD)))}


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_line_is_refused_by_line_field_and_reason(refused: list[Row], number: int) -> None:
    line, field, reason = BAD[number]
    record = refused[number]
    assert (record["file"], record["line"], record["field"]) == ("bad.jsonl", 2 + 3 * number, field)
    assert reason in record["reason"]
    assert record["raw"] == KEPT.get(line, line.decode("utf-8", "backslashreplace"))


def test_the_ceiling_itself_is_a_count(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("1", input_tokens=10**12, cached_input_tokens=10**12)])
    assert land(home).accepted == 1
    assert events(home)[0]["raw_input_tokens"] == 2 * 10**12


@pytest.mark.parametrize("log_format", ["openai", "litellm"])
def test_counts_that_overflow_in_a_mapping_are_refused(tmp_path: Path, log_format: str) -> None:
    big = 2**63 - 1
    usage = {"prompt_tokens": 5, "completion_tokens": big, "total_tokens": big}
    details = {"cached_tokens": big, "audio_tokens": big, "cache_write_tokens": big}
    images = {"image_tokens": big, "text_tokens": big, "cached_tokens_details": {"image_tokens": big}}
    usages = [usage, {**usage, "completion_tokens": 1, "prompt_tokens_details": details}]
    usages.append({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": images})
    usages.append({"prompt_tokens": 5, "completion_tokens": 1, "completion_tokens_details": images})
    if log_format == "litellm":
        usages.append({"prompt_tokens": 5, "completion_tokens": 1, "cache_creation": {
            "ephemeral_5m_input_tokens": big, "ephemeral_1h_input_tokens": big}})  # fmt: skip
        usages.append({"prompt_tokens": 5, "completion_tokens": 1, "server_tool_use": {"web_search_requests": big}})
    records: list[Row] = [
        {"id": str(n), "object": "chat.completion", "model": "m", "created": 1709294400, "organization": "o",
         "request_id": str(n), "call_type": "completion", "startTime": "2024-03-01", "organization_id": "o",
         "prompt_tokens": 5, "usage": used, "metadata": {"usage_object": used}}
        for n, used in enumerate(usages)
    ]  # fmt: skip
    home = make_home(tmp_path / "home", CANONICAL.replace("canonical", log_format))
    drop(home, "g/a.jsonl", records)
    assert land(home).quarantined == len(usages)
    assert all(str(big) in q["reason"] for q in quarantined(home))


def test_no_text_of_a_refused_record_is_staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be of any length; what is kept of the record stands in `raw`."""
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("1", model="ft:" + "x" * 1000 + ":acme")])
    names = ", ".join(c.name for c in COLUMNS if c.type == "VARCHAR" and c.name not in {"source", "model_tier"})
    staged = []

    def look(con: duckdb.DuckDBPyConnection) -> None:
        staged.extend(con.execute(f"select {names} from staged where reason is not null").fetchall())
        part_refused(con)

    monkeypatch.setattr(ingest, "part_refused", look)
    land(home)
    assert len(staged) == 1
    assert set(staged[0]) == {None}
