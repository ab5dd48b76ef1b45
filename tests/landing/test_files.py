"""Files of every kind: CSV rows keep their lines, typed and damaged files, kinds side by side."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import MeterhouseError
from pipelines.landing import staging
from pipelines.landing.failures import is_machine_failure
from pipelines.landing.lines import text_blocks
from tests.landing.homes import (
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


@pytest.mark.parametrize(("delimiter", "feed"), [(",", "\n"), (";", "\r\n")])
def test_csv_rows_keep_their_lines(tmp_path: Path, delimiter: str, feed: str) -> None:
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


def text(event_id: str) -> bytes:
    """A canonical record as a line of JSON, without its line feed; packing cannot shrink it to nothing."""
    return json.dumps(event(event_id, note=hashlib.sha256(event_id.encode()).hexdigest())).encode()


def _damaged() -> dict[str, bytes]:
    lines = b"".join(text(f"e{n}") + b"\n" for n in range(2000))
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
    data = whole["e.parquet"]
    # The end is there, but what it says of the columns is not to be understood.
    bent = data[:-300] + bytes([255]) * 200 + data[-100:]
    return {**cut, "f.jsonl.gz": lines[:1000], "g.parquet": bent}


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


@pytest.mark.parametrize("settings", [CANONICAL, ""])
def test_csv_whose_header_never_ends_is_one_record(tmp_path: Path, settings: str) -> None:
    home = make_home(tmp_path / "home", settings)
    drop(home, "g/a.csv", 'event_id,"occurred_at\n' + "x,2024-03-01\n" * 20_000)
    drop(home, "g/b.jsonl", [event("1")])
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (1, 1)
    [record] = quarantined(home)
    assert (record["file"], record["line"]) == ("a.csv", None)
    assert "a quote in its header is opened and never closed" in record["reason"]


TRANSIENT = [
    OSError(5, "Input/output error"),
    OSError(24, "Too many open files"),
    PermissionError(13, "Permission denied"),
    duckdb.InvalidInputException("stream failed: OSError: [Errno 5] Error reading bytes. Detail: [errno 5] I/O"),
    duckdb.IOException('IO Error: Could not write file "x.tmp": No space left on device'),
    duckdb.IOException('IO Error: No files found that match the pattern "a.parquet"'),
    duckdb.OutOfMemoryException("failed to offload data block of size 32 KiB"),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_a_machine_that_fails_loses_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("1")])

    def fails(*_: object, **__: object) -> None:
        raise type(error)(*error.args)

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.landing.quick.stage_file", fails)
        with pytest.raises(MeterhouseError, match=r"a\.jsonl: it could not be read just now.*run again"):
            land(home)
    assert entries(home) == []
    assert land(home).accepted == 1


@pytest.mark.parametrize("times", [1, 99])
def test_a_file_that_memory_is_too_small_for_is_left_and_the_others_are_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """One that was read beside a greedy one is read by itself; one that is too large by itself is named."""
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/small.csv", ",".join(event("1")) + "\n" + ",".join(map(str, event("1").values())) + "\n")
    drop(home, "g/large.csv", ",".join(event("2")) + "\n" + ",".join(map(str, event("2").values())) + "\n")
    open_records, calls = staging.open_records, []

    def fails(con: duckdb.DuckDBPyConnection, path: Path, *rest: object) -> object:
        if path.name == "large.csv" and len(calls) < times:
            calls.append(path)
            raise duckdb.OutOfMemoryException("could not allocate block of size 256.0 KiB (1.0 GiB/1.0 GiB used)")
        return open_records(con, path, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(staging, "open_records", fails)
        summary = land(home)
    if times == 1:
        assert (summary.accepted, summary.files, summary.unclear) == (2, 2, ())
        return
    assert (summary.accepted, summary.files) == (1, 1)
    [message] = summary.unclear
    assert "large.csv: reading it takes more memory than there is: " in message
    assert "METERHOUSE_MEMORY_LIMIT" in message
    assert (land(home).accepted, land(home).files) == (1, 0)


class _Failing:
    """A stream whose disk fails after the first block."""

    def __init__(self) -> None:
        self.blocks = [text("1") + b"\n"]

    def __enter__(self) -> _Failing:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read(self, _size: int) -> bytes:
        if self.blocks:
            return self.blocks.pop()
        raise OSError(5, "[Errno 5] Error reading bytes from file. Detail: [errno 5] Input/output error")


def test_a_disk_that_fails_in_the_middle_loses_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("1"), event("2")])
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.landing.lines.pa.input_stream", lambda *_, **__: _Failing())
        with pytest.raises(MeterhouseError, match=r"a\.jsonl: it could not be read just now"):
            land(home)
    assert land(home).accepted == 2


def test_a_line_longer_than_many_blocks_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.landing.lines._CHUNK", 7)
    path = tmp_path / "a.jsonl"
    content = b"short\n" + b"x" * 100 + b"\n\n" + b"y" * 30
    path.write_bytes(content)
    blocks = list(text_blocks(path))
    assert b"".join(blocks) == content + b"\n"
    assert all(b.endswith(b"\n") for b in blocks)


def test_a_parquet_file_with_too_few_bytes_is_no_machine_failure() -> None:
    assert not is_machine_failure(duckdb.IOException('IO Error: Could not read enough bytes from file "a.parquet"'))
