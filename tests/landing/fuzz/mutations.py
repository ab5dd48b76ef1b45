"""A Hypothesis strategy for files as nobody wants them: golden samples, spoilt in structure, in values and in bytes.

Only how they are spoilt belongs here; what must hold of such a file is in the tests.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.landing.golden import rows_of, samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.landing.homes import Row

KINDS = ("jsonl", "jsonl.gz", "jsonl.zst", "json", "csv", "csv.gz", "parquet")

# Written as they stand, valid JSON or not.
RAW = (
    "NaN", "-Infinity", "1e400", "-1e400", "1e-400", "01", "+1", ".5", "0x10", "9223372036854775808", "1" + "0" * 400,
    "-9223372036854775809", "1.0000000000000000000001", "1e3", "-0", "-0.0", r'"\ud800"', r'"\udc00\ud800"',
    r'"\u0000"', '"\x00"', '"\x1b[31m"', "nul", "True", "None", "'x'", "{}{}", '{"a":1,"a":2}', "[" * 50 + "]" * 50,
    '{"a":' * 20,
    "\\", '"', "",
)  # fmt: skip
TEXTS = (
    "", " ", "\t\n", "0", "-1", "1", "12", "1e3", "12.0", "0.5", "NaN", "inf", "1e400", "2" * 40, "null", "true", "{}",
    "[]", '{"a": 1}', '{"usage": null}', "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "-1-01-01",
    "2024-02-30",
    "2024-03-01", "2024-03-01T12:00:00+99:99", "2024-03-01T25:00:00Z", "294247-01-10T04:00:54.775807Z", "1709294400",
    "1709294400000", "290309-12-22 (BC) 00:00:00", "infinity", "epoch", "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+1",
    "../../../../etc/passwd", "..\\..\\x", ".", "CON", "a/b", "<script>alert(1)</script>", "'; drop table staged; --",
    '"', "''", "$", "{{ salt }}", "\u202eevil\u202c", "\u200b", "\ufeff", "\u0085", "\x7f", "\U0001f600", "é", "ft:",
    ":ft-", "sk-proj-Abcdefghijklmnop1234", "203.0.113.77", "2001:db8::77", "jo@example.org", "x" * 70_000, "y" * 300,
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 12, 10**9, 10**12, 10**12 + 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30,
    0.5, -0.5, 1e300, 1709294400, 1709294400.5, -62135596800, 253402300799, [], {}, [1], [None], [[]], {"a": 1}, [{}],
    {"": ""},
)  # fmt: skip
# Bytes put in somewhere, or taken for what stands there.
SPLINTERS = (
    b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\n", b"\r", b"\r\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":",
    b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"\x0b", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1f", b'""', b"'",
)  # fmt: skip
ODD_LINES = (
    b"", b" ", b"{}", b"[]", b"null", b"7", b'"text"', b"not json", b"{", b"[{", b"[{}]", b"}", b"{} {}",
    b"\xff\xfe{\0}\0", b"[" * 2000, b'{"a":' * 500 + b"1" + b"}" * 500, b"event_id,occurred_at", b"PAR1",
    b"\x1f\x8b\x08",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Raw:
    text: str


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A file: of which sample's making, its name, what lies in it, and the same records in other bytes."""

    sample: str
    name: str
    content: bytes
    again: bytes


@st.composite
def spoilt_files(draw: Callable[..., Any], log_format: str, kinds: tuple[str, ...] = KINDS) -> Spoilt:
    """A file of a format in which little is as it should be."""
    kind = draw(st.sampled_from(kinds))
    told = {path: [row for _, row in rows_of(path)] for path in samples(log_format)}
    sample = draw(st.sampled_from([path for path, rows in told.items() if rows]))
    records = told[sample]
    chosen: list[Row] = draw(st.lists(st.sampled_from(records), min_size=1, max_size=12))
    rows = [_spoil(draw, json.loads(json.dumps(r))) for r in chosen]
    if kind == "parquet":
        return Spoilt(sample.stem, f"a.{kind}", _parquet(rows), _parquet(rows, codec="zstd"))
    text = _csv(draw, rows) if kind.startswith("csv") else _lines(draw, rows) if kind != "json" else _array(rows)
    for _ in range(draw(st.integers(0, 2))):
        text = _shatter(draw, text)
    # A table's lines all end alike.
    feed = b"\r\n" if kind.startswith("csv") and b"\r\n" in text else b"\n"
    again = text + (feed if text.endswith(b"\n") else feed * 2)
    return Spoilt(sample.stem, f"a.{kind}", _packed(kind, text), _packed(kind, again))


def _spoil(draw: Callable[..., Any], record: Row) -> Row:
    """The record after none or a few changes, each at a place of its own."""
    for _ in range(draw(st.sampled_from((0, 1, 1, 2, 4)))):
        places = list(_places(record))
        if not places:
            break
        at, key = draw(st.sampled_from(places))
        change = draw(st.sampled_from(("value", "text", "raw", "as text", "drop", "rename", "nest", "list", "extra")))
        if change == "value":
            at[key] = draw(st.sampled_from(VALUES))
        elif change == "text":
            at[key] = draw(st.sampled_from(TEXTS))
        elif change == "raw":
            at[key] = _Raw(draw(st.sampled_from(RAW)))
        elif change == "as text":
            at[key] = at[key] if _holds_raw(at[key]) else json.dumps(at[key])
        elif change == "nest":
            at[key] = {str(key): at[key]}
        elif change == "list":
            at[key] = [at[key], at[key]]
        elif isinstance(at, dict) and change == "drop":
            del at[key]
        elif isinstance(at, dict):
            name = draw(
                st.sampled_from((str(key).upper(), f" {key}", "", "\u202e", "a.b", "x" * 300, *map(str, record)))
            )
            at[name] = at.pop(key) if change == "rename" else at[key]
    return record


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, below in items:
        yield value, key
        yield from _places(below)


def _holds_raw(value: Any) -> bool:
    return isinstance(value, _Raw) or any(_holds_raw(at[key]) for at, key in _places(value))


def _json(record: Any) -> bytes:
    """JSON, with the values that stand as they are."""
    found: list[str] = []

    def plain(value: Any) -> str:
        found.append(value.text)
        return f"@raw{len(found) - 1}@"

    text = json.dumps(record, default=plain)
    for number, raw in enumerate(found):
        text = text.replace(f'"@raw{number}@"', raw)
    return text.encode("utf-8", "surrogatepass")


def _lines(draw: Callable[..., Any], rows: list[Row]) -> bytes:
    lines = [_json(row) for row in rows]
    for _ in range(draw(st.integers(0, 3))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from((*ODD_LINES, *lines))))
    if draw(st.booleans()):
        # A key that stands twice.
        lines.append(lines[0].replace(b"{", b'{"model": "twice", ', 1))
    return b"\n".join(lines) + draw(st.sampled_from((b"", b"\n", b"\r\n", b"\n\n ")))


def _array(rows: list[Row]) -> bytes:
    return b"[" + b",\n ".join(map(_json, rows)) + b"]"


def _csv(draw: Callable[..., Any], rows: list[Row]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["a"]
    if draw(st.integers(0, 9)) == 0:
        names.append(names[0])
    held = io.StringIO()
    table = csv.writer(
        held, delimiter=draw(st.sampled_from(",;\t")), lineterminator=draw(st.sampled_from(("\n", "\r\n")))
    )
    table.writerow(names)
    for row in rows:
        cells = [_cell(row.get(name)) for name in names]
        table.writerow(cells[: draw(st.sampled_from((None, None, None, -1)))])
    return held.getvalue().encode("utf-8", "surrogatepass")


def _parquet(rows: list[Row], codec: str = "snappy") -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["a"]
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            column = pa.array([None if isinstance(v, _Raw) else v for v in values])
        except (pa.ArrowException, OverflowError, UnicodeError):
            column = pa.array([_cell(v).encode("utf-8", "replace").decode() for v in values], pa.string())
        if pa.types.is_null(column.type) or (pa.types.is_struct(column.type) and not column.type.num_fields):
            column = pa.array([None] * len(rows), pa.string())
        columns[name] = column
    held = io.BytesIO()
    try:
        pq.write_table(pa.table(columns), held, compression=codec)
    except (pa.ArrowException, UnicodeError):
        # Types that Parquet has not, as an empty object below others.
        held = io.BytesIO()
        plain = {n: pa.array([_cell(row.get(n)).encode("utf-8", "replace").decode() for row in rows]) for n in names}
        pq.write_table(pa.table({n or "_": c for n, c in plain.items()}), held, compression=codec)
    return held.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value).decode("utf-8", "replace")


def _shatter(draw: Callable[..., Any], text: bytes) -> bytes:
    at = draw(st.integers(0, max(0, min(len(text), 20_000))))
    return text[:at] + draw(st.sampled_from(SPLINTERS)) + text[at + draw(st.sampled_from((0, 0, 1, 7))) :]


def _packed(kind: str, text: bytes) -> bytes:
    if kind.endswith(".gz"):
        return gzip.compress(text, 1)
    return pa.compress(text, "zstd", asbytes=True) if kind.endswith(".zst") else text
