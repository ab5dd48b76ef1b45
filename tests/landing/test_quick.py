"""What a record becomes does not depend on whether its file is read as columns or line by line."""

from __future__ import annotations

import gzip
import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from pipelines.landing import quick
from pipelines.landing.columns import plain_lines
from pipelines.landing.formats import load_formats
from tests.landing.golden import samples
from tests.landing.homes import CANONICAL, Row, drop, entries, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

BY_RECORD = sorted(name for name, fmt in load_formats().items() if fmt.by_record)
ODD = (
    "", "   ", "{}", "[]", "5", "null", "not json", '{"cut": "', "[1, 2]", '"text"', '{"a":1}{"b":2}',
    '{"event_id":"a","event_id":"b"}', '{"EVENT_ID":"upper"}', " {}",
)  # fmt: skip
VALUES = (
    None,
    0,
    -1,
    1.5,
    12.0,
    1e3,
    "12",
    "1e3",
    "",
    " ",
    "x",
    True,
    [],
    {},
    [1],
    {"a": 1},
    10**25,
    "\u0000",
    "é\ud83d",
)


def by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every file line by line."""
    monkeypatch.setattr(quick, "can_be_columns", lambda *_: False)


def outcome(root: Path, files: dict[str, bytes], settings: str) -> tuple[list[Row], list[Row], list[Row]]:
    """Events, refused records and counts of a home with these files."""
    home = make_home(root, settings)
    home.salt_file.write_text("same", encoding="ascii")
    for name, content in files.items():
        drop(home, name, content)
    land(home)
    told = [{k: v for k, v in row.items() if k != "received_at"} for row in events(home)]
    return told, quarantined(home), entries(home)


def spoilt(line: str, random: Random) -> str:
    """A record in which one field, somewhere, has another value; another line as it is."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict) or not record:
        return line
    at, key = record, random.choice(list(record))
    while isinstance(at[key], dict) and at[key] and random.random() < 0.7:
        at = at[key]
        key = random.choice(list(at))
    at[key] = random.choice((*VALUES, json.dumps(at[key])))
    return json.dumps(record)


def mutated(log_format: str, seed: int) -> bytes:
    """Records of the format's samples, some of them spoilt, among lines that are none."""
    random = Random(seed)  # noqa: S311 - the same files each time
    lines: list[str] = []
    for sample in samples(log_format):
        if sample.suffix != ".jsonl":
            continue
        for line in sample.read_text(encoding="utf-8").splitlines():
            lines.append(spoilt(line, random) if random.random() < 0.6 else line)
            if random.random() < 0.05:
                lines.append(random.choice(ODD[2:] if seed % 3 else ODD))
    return "\n".join(lines).encode("utf-8", "surrogatepass") + b"\n" * (seed % 2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("log_format", BY_RECORD)
def test_both_ways_make_the_same_of_every_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_format: str, seed: int
) -> None:
    files = {f"g/{n}.jsonl": mutated(log_format, 10 * seed + n) for n in range(3)}
    files["g/3.jsonl.gz"] = gzip.compress(mutated(log_format, 10 * seed + 3))
    settings = f'[[sources]]\nname = "g"\nformat = "{log_format}"\n'
    quickly = outcome(tmp_path / "quick", files, settings)
    by_lines(monkeypatch)
    assert quickly == outcome(tmp_path / "lines", files, settings)
    assert quickly[0]


@pytest.mark.parametrize("log_format", BY_RECORD)
def test_samples_are_read_as_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_format: str) -> None:
    left: list[int] = []
    real = quick._lines_left

    def lines_left(*args: object) -> list[int]:
        left.extend(found := real(*args))  # type: ignore[arg-type]
        return found

    monkeypatch.setattr(quick, "_lines_left", lines_left)
    sample = next(s for s in samples(log_format) if s.suffix == ".jsonl")
    text = "".join(f"{line}\n" for line in sample.read_text(encoding="utf-8").splitlines() if line.strip()).encode()
    settings = f'[[sources]]\nname = "g"\nformat = "{log_format}"\n'
    found, refused, (entry,) = outcome(tmp_path / "home", {"g/a.jsonl": text}, settings)
    assert len(found) > 0
    # What is refused is looked at line by line, and nothing else but objects written as text.
    assert len(refused) <= len(left) < entry["records_read"]


def test_a_conflict_is_told_by_its_line_in_its_own_file(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event(f"a{n}") for n in range(5)])
    drop(home, "g/b.jsonl", [event("b0"), "no json", event("a3", output_tokens=99), event("b3", input_tokens=-1)])
    drop(home, "g/c.jsonl", [event(f"c{n}") for n in range(3)])
    land(home)
    found = {(q["file"], q["line"]): q["reason"] for q in quarantined(home)}
    assert sorted(line for file, line in found if file.endswith("b.jsonl")) in ([2, 4], [2, 3, 4])
    assert len(found) == 3
    assert len(events(home)) == 9


def test_where_much_is_wrong_every_line_is_read_the_slow_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "_MOST_LEFT", 2)
    files = {"g/a.jsonl": b"".join(b"no json\n" for _ in range(3)) + json.dumps(event("1")).encode()}
    found, refused, (entry,) = outcome(tmp_path / "home", files, CANONICAL)
    assert (len(found), len(refused), entry["records_read"]) == (1, 3, 4)


def test_where_what_is_wrong_is_long_every_line_is_read_the_slow_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps(event(str(n), occurred_at="nonsense", pad="x" * 1000)).encode() for n in range(5)]
    content = b"\n".join([*lines, json.dumps(event("good")).encode()])
    read = []
    real = quick.define_records
    monkeypatch.setattr(quick, "define_records", lambda *args: read.append(args) or real(*args))
    monkeypatch.setattr(quick, "HEAVY_PART", 10_000)
    few = outcome(tmp_path / "few", {"g/a.jsonl": content}, CANONICAL)
    assert len(read) == 1
    monkeypatch.setattr(quick, "HEAVY_PART", 4000)
    assert outcome(tmp_path / "many", {"g/a.jsonl": content}, CANONICAL) == few
    assert len(read) == 1
    assert (len(few[0]), len(few[1])) == (1, 5)


def test_files_without_entry_of_their_own_columns_keep_their_sources(tmp_path: Path) -> None:
    settings = CANONICAL + '[[sources]]\nname = "h"\nformat = "canonical"\nconstants = {product_id = "given"}\n'
    record = json.dumps({k: v for k, v in event("1").items() if k != "product_id"}).encode()
    found, _, _ = outcome(tmp_path / "home", {"g/a.jsonl": record, "h/a.jsonl": record}, settings)
    assert {(e["source"], e["product_id"]) for e in found} == {("g", None), ("h", "given")}


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", 0), (b"{}", 1), (b"{}\n", 1), (b"{}\n{}", 2), (b"{}\r\n{}\r\n", 2), (b"\n{}", None), (b"{}\n\n{}", None),
        (b"{}\n\n", None), (b"{}\n \n", None), (b" {}\n", None), (b"\xef\xbb\xbf{}\n", None), (b'[{"a":1}]', None),
    ],
)  # fmt: skip
def test_lines_are_counted_only_where_each_is_a_record(tmp_path: Path, content: bytes, lines: int | None) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    assert plain_lines(tmp_path / "a.jsonl") == lines


def test_lines_are_counted_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    for content in (b'{"a":1}\n{"b":2}\n{"c":3}', b'{"a":1}\n\n{"b":2}', b'{"a":1}\n {"b":2}\n'):
        path.write_bytes(content)
        monkeypatch.setattr("pipelines.landing.lines._CHUNK", 8 << 20)
        whole = plain_lines(path)
        for chunk in (1, 2, 3, 5, 8, 9):
            monkeypatch.setattr("pipelines.landing.lines._CHUNK", chunk)
            assert plain_lines(path) == whole, (content, chunk)
