"""Files made to exhaust the machine end as a quarantined record with a reason, in bounded memory."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.landing import limits, lines
from pipelines.landing.csv_rows import find_rows
from pipelines.landing.failures import UnreadableFileError
from tests.landing.fuzz.measure import land_apart
from tests.landing.homes import CANONICAL, drop, drop_parquet, entries, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipelines.home import Home

MEBIBYTE = 1 << 20
# Beside DuckDB's own 512 MiB: the interpreter, its libraries and what the readers hold.
MOST = 1200


def text(event_id: object, **changes: object) -> bytes:
    """A canonical record as a line of JSON, without its line feed."""
    return json.dumps(event(event_id, **changes)).encode()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home for canonical events."""
    return make_home(tmp_path / "home", CANONICAL)


def outcome(home: Home) -> tuple[int, int, list[tuple[int | None, str]]]:
    """Records read and accepted of the only file, and line and reason of those refused."""
    (entry,) = entries(home)
    return entry["records_read"], entry["accepted"], [(q["line"], q["reason"]) for q in quarantined(home)]


def pack(home: Home, name: str, blocks: Iterable[bytes]) -> None:
    """Land a compressed file, piece by piece."""
    path = drop(home, f"g/{name}", b"")
    if name.endswith(".gz"):
        with gzip.open(path, "wb", 6) as file:
            for block in blocks:
                file.write(block)
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            for block in blocks:
                stream.write(block)


BOMBS = {
    "a.jsonl.zst": b"0" * MEBIBYTE,
    "a.json.zst": b'[{"a":"' + b"0" * MEBIBYTE,
    "a.csv.zst": b'a,b\n"' + b"0" * MEBIBYTE,
    "a.csv.gz": b"a,b\n" + b"1,2\n" * (MEBIBYTE // 4),
    "a.jsonl.gz": b"{}\n" * (MEBIBYTE // 4),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_unpacks_beyond_all_measure_is_one_record(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(limits, "FREE_BYTES", 3 * MEBIBYTE)
    pack(home, name, [BOMBS[name], *(BOMBS[name][-4:] * (MEBIBYTE // 4) for _ in range(40))])
    drop(home, "h/a.jsonl", [event("1")])
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (2, 1, 1)
    [record] = quarantined(home)
    assert record["line"] is None
    assert "bytes unpack to more than" in record["reason"]
    assert "unpack it, split it and land the parts" in record["reason"]


def test_a_file_that_packs_well_is_read(home: Home) -> None:
    pack(home, "a.jsonl.zst", [text(f"e{n}", pad="x" * 1000) + b"\n" for n in range(3000)])
    assert land(home).accepted == 3000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.jsonl.zst", "a.csv.gz", "a.json.zst"])
def test_a_bomb_takes_little_memory(home: Home, name: str) -> None:
    pack(home, name, [BOMBS[name], *(BOMBS[name][-4:] * (MEBIBYTE // 4) for _ in range(1200))])
    assert land_apart(home).peak < MOST
    assert outcome(home)[:2] == (1, 0)


def long_lines() -> dict[str, bytes]:
    """A line by its kind; a good one stands before and behind."""
    return {
        "50 MB": text("long", pad="y" * 50 * MEBIBYTE),
        "50 MB refused": text("long", pad="y" * 50 * MEBIBYTE, input_tokens=-1),
        "50 MB cut off": text("long", pad="y" * 50 * MEBIBYTE)[:-3],
        "values": text("long", pad=[1] * 3_000_000),
        "brackets": b'{"a":' + b"[" * 30 * MEBIBYTE,
        "300 MB": b'{"pad": "' + b"y" * 300 * MEBIBYTE,
    }


LONG = {
    "50 MB": None,
    "50 MB refused": "input_tokens is negative: -1",
    "50 MB cut off": "not valid JSON",
    "values": "the line holds more than 2,000,000 values",
    "brackets": "the line holds more than 2,000,000 values",
    "300 MB": "the line is longer than 64 MiB (314,572,809 bytes)",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", LONG)
def test_a_long_line_takes_little_memory_and_no_other_with_it(home: Home, kind: str) -> None:
    drop(home, "g/a.jsonl", b"\n".join([text("1"), long_lines()[kind], text("2")]))
    assert land_apart(home, memory_limit="1GiB").peak < MOST
    reason = LONG[kind]
    read, accepted, refused = outcome(home)
    assert (read, accepted) == (3, 2 if reason else 3)
    if reason:
        [(line, told)] = refused
        assert line == 2
        assert told.startswith(reason)
        assert len(quarantined(home)[0]["raw"]) < 1000


@pytest.mark.slow
def test_many_long_lines_take_no_more_than_one(home: Home) -> None:
    good = b"".join(text(f"g{n}", pad="y" * 20 * MEBIBYTE) + b"\n" for n in range(12))
    bad = b"".join(text(f"b{n}", pad="y" * 20 * MEBIBYTE, input_tokens=-1) + b"\n" for n in range(12))
    drop(home, "g/a.jsonl", good + bad + text("g0", model="other", pad="y" * 20 * MEBIBYTE))
    del good, bad
    assert land_apart(home, memory_limit="1GiB").peak < MOST
    assert outcome(home)[:2] == (25, 12)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that small files pass."""
    for name, size in {"LONGEST_RECORD": 3000, "LARGE_RECORD": 1000, "MOST_VALUES": 100}.items():
        monkeypatch.setattr(lines, name, size)
    monkeypatch.setattr(lines, "_CHUNK", 512)
    monkeypatch.setattr("pipelines.landing.columns.LARGE_RECORD", 1000)


def test_lines_that_are_too_long_or_too_full_are_refused_by_their_line(home: Home, short: None) -> None:
    content = [
        text("1"),
        text("long", pad="y" * 9000),
        text("2"),
        text("full", pad=[1] * 400),
        text("3", pad="y" * 2000),
    ]
    drop(home, "g/a.jsonl", b"\n".join([*content, b"", b" " * 9000, text("4"), text("5", pad="y" * 9000)]))
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, accepted) == (8, 4)
    assert [line for line, _ in refused] == [2, 4, 7, 9]
    assert refused[0][1].startswith("the line is longer than")
    assert "the line holds more than" in refused[1][1]
    assert [e["event_id"] for e in events(home)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("pad", ["y" * 9000, [1] * 400])
def test_lines_too_large_of_one_length_stay_two_records(home: Home, short: None, pad: object) -> None:
    for name in ("a", "b"):
        drop(home, f"g/{name}.jsonl", b"\n".join([text("1"), text(name, pad=pad)]))
    land(home)
    assert sum(e["quarantined"] for e in entries(home)) == 2
    drop(home, "g/c.jsonl", b"\n".join([text("2"), text("b", pad=pad)]))
    land(home)
    assert [e["duplicates"] for e in entries(home) if e["file"] == "c.jsonl"] == [1]
    assert all(q["raw"].endswith(" bytes") for q in quarantined(home))


def test_records_of_an_array_that_are_too_full_are_refused_by_their_number(home: Home, short: None) -> None:
    records = [event("1"), event("full", pad=[1] * 400), event("2"), event("long", pad="y" * 9000)]
    drop(home, "g/a.json", json.dumps(records))
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, accepted, [line for line, _ in refused]) == (4, 2, [2, 4])
    assert "the record holds more than" in refused[0][1]


def test_a_line_in_parts_is_a_line_of_its_file(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "HEAVY_ROW", 10)
    monkeypatch.setattr(lines, "HEAVY_PART", 10)
    monkeypatch.setattr(lines, "_CHUNK", 300)
    monkeypatch.setattr("pipelines.landing.quick.can_be_columns", lambda *_: False)
    records = [
        event("1"),
        event("2", input_tokens=-1),
        event("1", occurred_at="2024-03-02"),
        "",
        event("3"),
        event("1"),
    ]
    drop(home, "g/a.jsonl", records)
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, accepted, [line for line, _ in refused]) == (5, 2, [2, 3])


@pytest.mark.parametrize("before", range(120, 132))
def test_a_very_long_line_is_not_cut_within_a_character(home: Home, before: int) -> None:
    # Of what is no JSON any more nothing is kept from the first object on that is not read.
    more = {"messages": [{"role": "user"}], "last": 5}
    drop(home, "g/a.jsonl", text("e", input_tokens=-1, pad="x" * before + "\U0001f600" * 20_000, **more))
    land(home)
    assert quarantined(home)[0]["raw"].endswith('"last": 5}')


@pytest.mark.parametrize("end", [b"", b"}"])
def test_very_long_lines_that_begin_alike_stay_two_records(home: Home, end: bytes) -> None:
    for name, last in {"a": b"1", "b": b"2"}.items():
        line = text("e", input_tokens=-1, pad="y" * 70_000, end=name)[:-1] + b', "n": ' + last + end
        drop(home, f"g/{name}.jsonl", line + b"\n")
    land(home)
    drop(home, "g/again.jsonl", line + b"\n" + text("1"))
    land(home)
    assert sum(e["quarantined"] for e in entries(home)) == 2
    assert [e["duplicates"] for e in entries(home) if "again" in e["file"]] == [1]
    assert all(len(q["raw"]) < 1000 and "\x1d" not in q["raw"] for q in quarantined(home))


def test_a_name_is_no_longer_than_pages_can_show(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1", model="é" * 500), event("2", organization_id="x" * 501)])
    land(home)
    read, accepted, [(line, reason)] = outcome(home)
    assert (read, accepted, line) == (2, 1, 2)
    assert reason == "organization_id is longer than the 500 characters of a name: 501"


def test_no_text_of_a_record_is_as_long_as_a_prompt(home: Home) -> None:
    long = "é" * 10_001
    drop(home, "g/a.jsonl", [event(long[1:]), event("2", finish_reason=long), event(long)])
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, accepted) == (3, 2)
    assert refused == [(3, "event_id is longer than the 10,000 characters of a text: 10001")]


def test_of_a_refused_record_with_many_values_the_beginning_is_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.landing.redact.MOST_TOKENS", 50)
    many = {f"k{n}": "secret" for n in range(100)}
    drop(home, "g/a.jsonl", [event("1", input_tokens=-1, pad=many), event("2", input_tokens=-1, pad=[0.25] * 900)])
    land(home)
    first, second = (q["raw"] for q in quarantined(home))
    assert first.startswith('{"event_id": "1"')
    assert first.endswith("…")
    assert len(first) < 500
    assert "secret" not in first
    # A vector is one value.
    assert second.endswith('"pad": […]}')


@pytest.mark.slow
def test_a_refused_record_of_numbers_costs_about_what_one_of_text_does(tmp_path: Path) -> None:
    seconds = []
    for pad in ("y" * 30_000, [1] * 10_000):
        home = make_home(tmp_path / str(len(seconds)), CANONICAL)
        drop(home, "g/a.jsonl", [event(n, input_tokens=-1, pad=pad) for n in range(500)])
        began = time.process_time()
        assert land(home).quarantined == 500
        seconds.append(time.process_time() - began)
    # It was six times as much when every number was a token to look at.
    assert seconds[1] < 4 * seconds[0]


@pytest.mark.slow
def test_lines_that_are_no_json_cost_about_what_others_do(tmp_path: Path) -> None:
    seconds = []
    for cut in (None, -5):
        home = make_home(tmp_path / str(cut), CANONICAL)
        line = text("e", input_tokens=-1, messages=[{"role": "user", "content": "x"}] * 40)
        drop(home, "g/a.jsonl", b"".join(line[:cut] + b" " * n + b"\n" for n in range(2000)))
        seconds.append(land_apart(home).seconds)
        assert outcome(home)[:2] == (2000, 0)
    # It was 40 times as much when the tokens of a text were found anew for each of them.
    assert seconds[1] < 8 * seconds[0]


def test_deep_nesting(home: Home) -> None:
    deep = 100_000
    drop(home, "g/a.jsonl", b"\n".join([
        text("1"), b'{"a":' * deep + b"1" + b"}" * deep, b"[" * deep + b"]" * deep, b'{"a":' * deep, b"[" * deep,
        b'{"pad":' + b"[" * deep + b"]" * deep + b"}",
        text("deep", input_tokens="@").replace(b'"@"', b"[" * deep + b"]" * deep),
        text("2"),
    ]))  # fmt: skip
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, accepted, [line for line, _ in refused]) == (8, 2, [2, 3, 4, 5, 6, 7])


def test_tables_with_too_many_columns_are_one_record(home: Home) -> None:
    wide = {f"c{n}": [1] for n in range(2001)}
    drop(home, "g/a.csv", ",".join(wide) + "\n" + ",".join("1" for _ in wide) + "\n")
    drop_parquet(home, "g/b.parquet", wide)
    land(home)
    reasons = [q["reason"] for q in quarantined(home)]
    assert len(reasons) == 2
    assert all("it has 2,001 columns, more than the 2,000 that are read" in r for r in reasons)


def test_a_field_of_10_mb_is_a_field(home: Home) -> None:
    head = "event_id,occurred_at,organization_id,provider,model,pad"
    row, many = "2024-03-01,o,p,m", "y\n" * 5_000_000
    drop(home, "g/a.csv", f'{head}\n1,{row},{"x" * 10_000_000}\n2,{row},"{many}"\n')
    assert land(home).accepted == 2


@pytest.mark.slow
def test_a_csv_row_of_quotes_takes_little_memory(home: Home) -> None:
    drop(home, "g/a.csv", b"model,b\n" + b'"x' * 30 * MEBIBYTE + b"\n1,2\n")
    assert land_apart(home).peak < MOST
    assert outcome(home)[:2] == (2, 0)


def test_csv_rows_and_lines_beyond_the_limits_are_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.landing.csv_rows.MOST_CSV_ROWS", 10)
    monkeypatch.setattr(lines, "LONGEST_CSV_LINE", 100)
    monkeypatch.setattr(lines, "_CHUNK", 50)
    path = tmp_path / "a.csv"
    for content, reason in {
        "a,b\n" + "\n" * 50: "more than 10 rows",
        "a,b\n1," + "x" * 200: "line 2 is longer than",
    }.items():
        path.write_text(content, encoding="ascii")
        with pytest.raises(UnreadableFileError, match=reason):
            find_rows(path)


def test_a_parquet_file_of_rows_all_alike_is_one_record(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE_ROWS", 1000)
    columns = {name: pa.array([value]).take(pa.array([0] * 300_000)) for name, value in event("1").items()}
    path = drop(home, "g/a.parquet", b"")
    pq.write_table(pa.table(columns), path, compression="zstd")
    land(home)
    assert outcome(home)[:2] == (1, 0)
    assert "hold 300,000 rows, as no log's do" in quarantined(home)[0]["reason"]


def test_lines_that_end_in_two_ways_are_told(home: Home) -> None:
    head = "event_id,occurred_at,organization_id,provider,model"
    drop(home, "g/a.csv", f"{head}\r\n1,2024-03-01,o,p,m\r\n\n")
    land(home)
    assert "some of its lines end in a carriage return and a line feed" in quarantined(home)[0]["reason"]


def test_rows_below_more_blank_lines_than_are_read_at_once_are_read(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_CHUNK", 16)
    head = "event_id,occurred_at,organization_id,provider,model"
    drop(home, "g/a.csv", "\n" * 100 + f"{head}\n1,2024-03-01,o,p,m\n2,2024-03-01,o\n")
    land(home)
    read, accepted, [(line, _)] = outcome(home)
    assert (read, accepted, line) == (2, 1, 103)


WRONG: dict[str, tuple[bytes, int]] = {
    "empty.jsonl": (b"", 0), "mark.jsonl": (b"\xef\xbb\xbf", 0), "feeds.jsonl": (b"\n" * 1000, 0),
    "empty.csv": (b"", 0), "mark.csv": (b"\xef\xbb\xbf", 0), "feeds.csv": (b"\n" * 1000, 0),
    "empty.parquet": (b"", 1), "mark.json": (b"\xef\xbb\xbf[]", 0), "spaces.json": (b" " * 10_000, 1),
    "empty.jsonl.gz": (b"", 0), "empty.jsonl.zst": (b"", 0), "nothing.jsonl.gz": (gzip.compress(b""), 0),
    "utf16.jsonl": (text("1").decode().encode("utf-16"), 1), "table.jsonl": (b"event_id,model\n1,m\n2,m\n", 3),
    "lines.csv": (text("1") + b"\n" + text("2") + b"\n", 1), "lines.parquet": (text("1"), 1),
    "plain.jsonl.gz": (text("1"), 1), "plain.jsonl.zst": (text("1"), 1),
    "gz.jsonl.zst": (gzip.compress(text("1")), 1), "picture.jsonl": (b"\x89PNG\r\n\x1a\n\0\0\0", 3),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_empty_files_and_wrong_names(home: Home, name: str) -> None:
    content, records = WRONG[name]
    drop(home, f"g/{name}", content)
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, accepted) == (records, 0)
    assert all(reason for _, reason in refused)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json"])
def test_files_that_are_no_text_are_told_by_what_they_are(home: Home, name: str) -> None:
    drop_parquet(home, f"g/parquet-{name}", {name: [value] for name, value in event("1").items()})
    drop(home, f"g/gzip-{name}", gzip.compress(text("1")))
    drop(home, f"g/zst-{name}", pa.compress(text("1"), "zstd", asbytes=True))
    drop(home, f"g/zip-{name}", b"PK\x03\x04" + b"\n" * 9)
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (4, 0, 4)
    reasons = {q["file"].split("-")[0]: q["reason"] for q in quarantined(home)}
    assert "it is a Parquet file by its first bytes; give its name the suffix .parquet" in reasons["parquet"]
    assert "it is a gzip file by its first bytes; give its name the suffix .gz" in reasons["gzip"]
    assert "it is a Zstandard file by its first bytes; give its name the suffix .zst" in reasons["zst"]
    assert "it is a zip archive by its first bytes; unpack it" in reasons["zip"]
