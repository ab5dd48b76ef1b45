"""Bad records go to quarantine with their line, field, reason and text; nothing is lost."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from homes import (
    CANONICAL,
    Row,
    drop,
    drop_parquet,
    entries,
    event,
    events,
    land,
    make_home,
    quarantined,
)

if TYPE_CHECKING:
    from pathlib import Path

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
    (text("nul").replace(b"acme", b"ac\0me"), None, "not valid JSON"),
    (text("utf-8").replace(b"acme", b"ac\xff\xfeme"), None, "not valid JSON"),
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
    (text("x", raw_input_tokens=99), "raw_input_tokens", "is 99, but the input buckets add up to 100"),
    (text("x", reasoning_tokens=21), "reasoning_tokens", "more than output_tokens"),
    (text("long", pad="y" * 9_000_000, input_tokens=-1), "input_tokens", "negative: -1"),
]
BLANK = [b"", b"   ", b"\t\r"]


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


def test_nothing_is_lost(json_home: Home) -> None:
    bad, mark = entries(json_home)
    assert bad["records_read"] == 2 + 2 * len(BAD)
    assert (bad["accepted"], bad["quarantined"]) == (2 + len(BAD), len(BAD))
    assert (mark["accepted"], mark["quarantined"]) == (2, 0)
    good = {e["event_id"] for e in events(json_home)}
    assert good == {"first", "last", "mark", "mark-2", *(f"good-{n}" for n in range(len(BAD)))}


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_line_is_refused_by_line_field_and_reason(json_home: Home, number: int) -> None:
    line, field, reason = BAD[number]
    record = quarantined(json_home)[number]
    assert (record["file"], record["line"], record["field"]) == ("bad.jsonl", 2 + 3 * number, field)
    assert reason in record["reason"]
    assert record["raw"] == line.decode("utf-8", "backslashreplace")


HEAD = "event_id,occurred_at,organization_id,provider,model,input_tokens,finish_reason"
# Rows of one CSV: text, and the reason it is refused with (None: accepted).
ROWS: list[tuple[str, str | None]] = [
    ("a,2024-03-01,acme,openai,m,1,stop", None),
    ('b,2024-03-01,acme,openai,m,2,"two\nlines, and ""quotes"""', None),
    ("short,2024-03-01", "the row has fewer fields than the header's 7"),
    ("", None),
    ('c,2024-03-01,"ac\n\n\nme",openai,m,3,', None),
    ("long,2024-03-01,acme,openai,m,1,stop,,x", "the row has more fields than the header's 7"),
    ("d,2024-03-01,acme,openai,m,-4,stop", "input_tokens is negative: -4"),
    ('e,2024-03-01,"acme"x,openai,m,1,stop', "text follows a closing quote"),
    ("f,2024-03-01,ac\udcffme,openai,m,1,stop", "not valid UTF-8"),
    ('g,2024-03-01,acme,openai,m,1,5" pipe', None),
    (",2024-03-01,acme,openai,m,1,stop", "event_id is missing: canonical events carry their own id"),
    ('"h","2024-03-01","acme","openai","m","1",""', None),
]


@pytest.mark.parametrize("feed", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv_rows_keep_their_lines(tmp_path: Path, feed: str, delimiter: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    rows = [row.replace(",", delimiter, 6 if "lines," in row else -1) for row, _ in ROWS]
    content = "\n".join([HEAD.replace(",", delimiter), *rows]).replace("\n", feed)
    drop(home, "g/a.csv", content.encode("utf-8", "surrogateescape"))
    summary = land(home)
    line, refused = 2, {}
    for row, (_, reason) in zip(rows, ROWS, strict=True):
        if reason:
            refused[line] = reason
        line += row.count("\n") + 1
    records = {q["line"]: q for q in quarantined(home)}
    assert {n: q["reason"] for n, q in records.items()} == refused
    assert records[5]["raw"] == rows[2]
    assert {e["event_id"] for e in events(home)} == {"a", "b", "c", "g", "h"}
    assert summary.records_read == len(ROWS) - 1


def test_csv_with_an_unclosed_quote_loses_nothing(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    rows = ['a,2024-03-01,acme,openai,m,1,"x\ny"', 'b,2024-03-01,"acme,openai,m,1,', "c,2024-03-01,acme"]
    drop(home, "g/a.csv", "\n".join([HEAD, *rows]) + "\n")
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (1, 1)
    [record] = quarantined(home)
    assert (record["line"], "never closed" in record["reason"]) == (4, True)
    assert record["raw"] == "\n".join(rows[1:])


def test_csv_dialect_does_not_hang_on_later_rows(tmp_path: Path) -> None:
    """An appended row must not change how those before it are read: their ids derive from it."""
    entry = (
        '[[sources]]\nname = "m"\nformat = "mapped"\n[sources.columns]\noccurred_at = "at"\n'
        'input_tokens = "in"\n[sources.constants]\nprovider = "p"\nmodel = "m"\norganization_id = "o"\n'
    )
    home = make_home(tmp_path / "home", entry)
    rows = 'at,in,note\n2024-03-01,1,"a, b"\n2024-03-01,2,c\n'
    drop(home, "m/a.csv", rows)
    land(home)
    drop(home, "m/a.csv", rows + "".join(f"2024-03-0{n};{n};'x';|\n" for n in range(1, 9)))
    summary = land(home)
    assert (summary.accepted, summary.duplicates, summary.quarantined) == (0, 2, 8)


def _damaged() -> dict[str, bytes]:
    lines = b"".join(text(f"e{n}", note=str(hash(str(n)))) + b"\n" for n in range(2000))
    rows = (HEAD + "\n" + "".join(f"e{n},2024-03-01,acme,openai,m,{n},\n" for n in range(9000))).encode()
    table = pa.BufferOutputStream()
    pq.write_table(pa.table({"event_id": [f"e{n}" for n in range(2000)]}), table)
    whole = {
        "a.jsonl.gz": gzip.compress(lines),
        "b.jsonl.zst": pa.compress(lines, "zstd", asbytes=True),
        "c.csv.gz": gzip.compress(rows),
        "d.csv.zst": pa.compress(rows, "zstd", asbytes=True),
        "e.parquet": table.getvalue().to_pybytes(),
    }
    cut = {name: data[: len(data) * 2 // 3] for name, data in whole.items()}
    return {**cut, "f.jsonl.gz": lines[:1000]}


def test_a_file_cut_off_is_one_record_and_the_others_go_on(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    damaged = _damaged()
    for name, content in damaged.items():
        drop(home, f"g/{name}", content)
    drop(home, "g/whole.jsonl", [event("whole")])
    drop(home, "g/zero.csv", b"")
    drop(home, "g/zero.jsonl", b"\n\n")
    land(home)
    assert [e["event_id"] for e in events(home)] == ["whole"]
    records = quarantined(home)
    assert [r["file"] for r in records] == sorted(damaged)
    for record in records:
        assert record["line"] is None
        assert "cannot be read" in record["reason"]
    assert {e["file"]: e["records_read"] for e in entries(home)} == {
        **dict.fromkeys(damaged, 1),
        "whole.jsonl": 1,
        "zero.csv": 0,
        "zero.jsonl": 0,
    }
    drop(home, "g/a.jsonl.gz", gzip.compress(b"".join(text(f"e{n}") + b"\n" for n in range(20))))
    assert land(home).accepted == 20


def test_files_of_all_kinds_in_one_run(tmp_path: Path) -> None:
    """Kinds alternate: what one leaves behind must not trip the next."""
    home = make_home(tmp_path / "home", CANONICAL)
    record: Row = event("x")
    for number, kind in enumerate(("parquet", "csv", "jsonl", "csv", "parquet", "jsonl")):
        row = {**record, "event_id": f"e{number}", "input_tokens": -1 if number > 2 else 1}
        if kind == "jsonl":
            drop(home, f"g/{number}.jsonl", [row])
        elif kind == "csv":
            drop(home, f"g/{number}.csv", ",".join(row) + "\n" + ",".join(map(str, row.values())))
        else:
            drop_parquet(home, f"g/{number}.parquet", {k: [v] for k, v in row.items()})
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (3, 3)
    assert [q["line"] for q in quarantined(home)] == [2, 1, 1]


def test_typed_parquet(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    columns = {
        "event_id": pa.array(["a", "b", "c"]),
        "occurred_at": pa.array([1709294400_000000, 1709294400_500000, None], pa.timestamp("us", "Europe/Paris")),
        "organization_id": pa.array(["acme"] * 3).dictionary_encode(),
        "provider": pa.array(["openai"] * 3),
        "model": pa.array(["m"] * 3),
        "input_tokens": pa.array([5.0, 2.5, 1.0], pa.float64()),
        "output_tokens": pa.array([7, 7, 7], pa.uint32()),
        "reported_cost": pa.array([1, 2, 3], pa.decimal128(28, 12)),
        "gateway_cache_hit": pa.array([False, False, None]),
    }
    drop_parquet(home, "g/a.parquet", columns)
    land(home)
    [got] = events(home)
    assert (got["event_id"], got["input_tokens"], got["output_tokens"]) == ("a", 5, 7)
    assert got["occurred_at"].isoformat() == "2024-03-01T12:00:00"
    assert [(q["line"], q["field"]) for q in quarantined(home)] == [(2, "input_tokens"), (3, "occurred_at")]
