"""Tables of long rows are read in parts, and what becomes of a row does not depend on it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.landing import csv_rows, limits, lines, parquet_parts
from pipelines.landing.csv_rows import find_rows
from pipelines.landing.failures import UnreadableFileError
from pipelines.landing.lines import LineReader
from tests.landing.fuzz.measure import land_apart
from tests.landing.homes import CANONICAL, comparable, drop, entries, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pipelines.home import Home
    from tests.landing.homes import Row

GOLDEN = Path(__file__).parents[1] / "golden"
HEAD = ",".join([*event("1"), "prompt"])
MAPPED = '[[sources]]\nname = "g"\nformat = "mapped"\n[sources.columns]\n' + "".join(
    f'{name} = "{name}"\n' for name in event("1")
)


def row(event_id: str, prompt: str, **changes: object) -> str:
    """A row of CSV with a text that no mapping reads."""
    return ",".join(map(str, [*event(event_id, **changes).values(), f'"{prompt}"']))


def small(monkeypatch: pytest.MonkeyPatch, part: int = 9000) -> None:
    """Limits that short rows pass."""
    for module in (csv_rows, parquet_parts):
        monkeypatch.setattr(module, "HEAVY_ROW", 500)
        monkeypatch.setattr(module, "HEAVY_PART", part)


def outcome(home: Home) -> tuple[int, list[Row], list[tuple[int | None, str, str]]]:
    """Records read, events, and line, reason and text of those refused."""
    read = sum(e["records_read"] for e in entries(home))
    return read, comparable(events(home)), [(q["line"], q["reason"], q["raw"]) for q in quarantined(home)]


ROWS = [
    row("1", "x\n" * 400), row("2", "short"), "", row("3", "y" * 1000, input_tokens=-1),
    row("bad", "z" * 900) + ",more",
    *(row(f"many {n}", "w\n" * (n * 40)) for n in range(30)), row("1", "v" * 2000, model="another"), "too,few",
    row("alone", "u" * 9000), row("2", "t" * 600, output_tokens=9), row("end", "s"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["plain", "returns, unclosed", "blank before, packed, long header"])
def test_csv_rows_are_the_same_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    head = HEAD + ("h" * 600 if "long header" in kind else "")
    text = ("\n\n" if "blank before" in kind else "") + "\n".join([head, *ROWS]) + "\n"
    text += row("cut", "o" * 900)[:-1] if "unclosed" in kind else ""
    content = (text.replace("\n", "\r\n") if "returns" in kind else text).encode()
    name = "g/a.csv.gz" if "packed" in kind else "g/a.csv"
    found = []
    for parts in (False, True):
        home = make_home(tmp_path / str(parts), CANONICAL)
        home.salt_file.write_text("same", encoding="ascii")
        path = drop(home, name, gzip.compress(content, mtime=0) if "packed" in kind else content)
        if parts:
            small(monkeypatch)
            monkeypatch.setattr("pipelines.landing.lines._CHUNK", 700)
            assert len(find_rows(path).cuts) > 2
        land(home)
        found.append(outcome(home))
        assert not list(home.work.glob("parts/*"))
    assert found[0] == found[1]
    read, accepted, refused = found[1]
    assert (len(accepted), len(refused)) == (34, 5 + ("unclosed" in kind))
    assert read == len(ROWS) - 1 + ("unclosed" in kind)


def test_a_lone_carriage_return_is_named_by_its_line_in_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    home = make_home(tmp_path / "home", CANONICAL)
    rows = [*(row(f"m{n}", "w" * 1000) for n in range(60)), "x,a\rb", row("end", "s")]
    path = drop(home, "g/a.csv", "\n".join([HEAD, *rows]) + "\n")
    assert len(find_rows(path).cuts) > 2
    land(home)
    (told,) = quarantined(home)
    assert "line 62 has a carriage return" in told["reason"]


def test_parquet_rows_are_the_same_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [event(f"e{n}", input_tokens=n % 7 - 1) for n in range(40)] + [event("e3", model="another")]
    prompts = [[{"text": "x" * (n * 50), "n": n}] for n in range(len(records))]
    table = pa.Table.from_pylist([r | {"messages": p} for r, p in zip(records, prompts, strict=True)])
    found, steps = [], []
    real = parquet_parts.parquet_parts

    def parts_of(*args: object, **options: object) -> list[tuple[int, int]]:
        steps.append(real(*args, **options))  # type: ignore[arg-type]
        return steps[-1]

    monkeypatch.setattr("pipelines.landing.readers.parquet_parts", parts_of)
    for parts in (False, True):
        home = make_home(tmp_path / str(parts), CANONICAL)
        home.salt_file.write_text("same", encoding="ascii")
        pq.write_table(table, drop(home, "g/a.parquet", b""))
        if parts:
            small(monkeypatch)
        land(home)
        found.append(outcome(home))
    assert found[0] == found[1]
    assert (found[1][0], len(found[1][2])) == (41, 7)
    assert steps[0] == []
    assert len(steps[-1]) > 3
    assert [first for first, _ in steps[-1]] == [0, *(last + 1 for _, last in steps[-1][:-1])]


def test_a_parquet_row_that_is_too_long_is_refused_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    monkeypatch.setattr(parquet_parts, "LONGEST_RECORD", 5000)
    home = make_home(tmp_path / "home", CANONICAL)
    lengths = [10, 6000, 2000, 2000, 7000]
    table = [event(str(n)) | {"prompt": {"a": "x" * length, "b": {"k": ["y"]}}} for n, length in enumerate(lengths)]
    pq.write_table(pa.Table.from_pylist(table), drop(home, "g/a.parquet", b""))
    land(home)
    read, accepted, refused = outcome(home)
    assert (read, [e["event_id"] for e in accepted]) == (5, ["0", "2", "3"])
    assert [(line, raw) for line, _, raw in refused] == [(2, "6057 bytes"), (5, "7057 bytes")]
    assert refused[0][1] == "the row is longer than 64 MiB (6,057 bytes)"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_long_rows_that_must_be_read_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    small(monkeypatch, 3000)
    home = make_home(tmp_path / "home", MAPPED)
    records = [event(str(n)) | {"prompt": "x" * 2000} for n in range(4)]
    for folder, most in {"few": 9000, "many": 7000}.items():
        monkeypatch.setattr(limits, "MOST_AT_ONCE", most)
        path = drop(home, f"g/{folder}-{name}", "\n".join([HEAD, *(row(str(n), folder[0] * 2000) for n in range(4))]))
        if name == "a.parquet":
            pq.write_table(pa.Table.from_pylist([r | {"f": folder} for r in records]), path)
        land(home)
        drop(home, f"g/{folder}.jsonl", b"{}")
    assert [e["accepted"] for e in entries(home) if name in e["file"]] == [4, 0]
    (told,) = [q["reason"] for q in quarantined(home) if q["line"] is None]
    assert "and its format reads no more than" in told


def test_a_text_that_all_rows_share_counts_in_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE_BYTES", 1_000_000)
    home = make_home(tmp_path / "home", CANONICAL)
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["x" * 10_000]))
    columns = {k: [v] * 2000 for k, v in event("1").items()} | {"event_id": list(map(str, range(2000)))}
    pq.write_table(pa.table(columns | {"prompt": shared}), drop(home, "g/a.parquet", b""), compression="zstd")
    land(home)
    assert "bytes unpack to more than" in quarantined(home)[0]["reason"]


NUMBERS = pa.array([0] * 3000)


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS,
        pa.array([""] * 3000),
        pa.StructArray.from_arrays([NUMBERS], ["n"]),
        pa.array([[0] * 100] * 30),
        pa.FixedSizeListArray.from_arrays(NUMBERS, 100),
    ],
    ids=lambda values: str(values.type),
)
def test_a_list_takes_a_place_for_each_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: pa.Array) -> None:
    """A file says but once what all of them are."""
    small(monkeypatch)
    home = make_home(tmp_path / "home", CANONICAL)
    lists = pa.ListArray.from_arrays(pa.array([0, len(values), len(values)], pa.int32()), values)
    columns = {name: pa.array([value] * 2) for name, value in event("1").items()}
    columns |= {"event_id": pa.array(["long", "short"]), "ids": lists}
    path = drop(home, "g/a.parquet", b"")
    pq.write_table(pa.table(columns), path)
    monkeypatch.setattr(parquet_parts, "LONGEST_RECORD", 20_000)
    land(home)
    assert [e["event_id"] for e in events(home)] == ["short"]
    assert quarantined(home)[0]["reason"].startswith("the row is longer than 64 MiB")
    monkeypatch.setattr(limits, "FREE_ROWS", 0)
    monkeypatch.setattr(limits, "MOST_ROWS_A_BYTE", 0.5)
    path.rename(path.with_name("b.parquet"))
    with path.with_name("b.parquet").open("rb") as file:
        other = make_home(tmp_path / "other", CANONICAL)
        drop(other, "g/a.parquet", file.read())
    land(other)
    assert "hold lists of 2,99" in quarantined(other)[0]["reason"]


def test_a_column_of_one_page_that_unpacks_beyond_measure_is_refused() -> None:
    limits.check_column("prompt", limits.FREE_COLUMN, 1)
    limits.check_column("prompt", limits.FREE_COLUMN * 2, limits.FREE_COLUMN)
    with pytest.raises(UnreadableFileError, match="of its column 'prompt' 100 bytes unpack to 256 MiB"):
        limits.check_column("prompt", limits.FREE_COLUMN * 2, 100)


def test_a_packed_csv_file_asks_for_no_more_memory_than_it_needs(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.csv.gz", gzip.compress("\n".join([HEAD, row("1", "x")]).encode()))
    land_apart(home, memory_limit="512MiB")
    assert entries(home)[0]["accepted"] == 1


@pytest.mark.parametrize("name", ["bedrock", "langfuse"])
def test_long_lines_are_the_same_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Formats that are not read as columns, but of which a record needs no other."""
    sample = next((GOLDEN / name).glob("*.jsonl")).read_bytes()
    found, steps = [], []
    for parts in (False, True):
        home = make_home(tmp_path / str(parts), f'[[sources]]\nname = "g"\nformat = "{name}"\n')
        home.salt_file.write_text("same", encoding="ascii")
        drop(home, "g/a.jsonl", sample)
        if parts:
            for limit in ("HEAVY_ROW", "HEAVY_PART"):
                monkeypatch.setattr(lines, limit, 1)
            monkeypatch.setattr(lines, "_CHUNK", 700)
            real = LineReader.stream
            monkeypatch.setattr(LineReader, "stream", lambda *a, **k: steps.append(1) or real(*a, **k))  # noqa: B023
        land(home)
        found.append(outcome(home))
    assert found[0] == found[1]
    assert found[0][1]
    assert len(steps) > 3


@pytest.mark.slow
@pytest.mark.parametrize("column", ["prompt", "region"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_2048_long_rows_take_little_memory(tmp_path: Path, kind: str, column: str) -> None:
    """A text that no mapping reads, and one of the contract that is far too long for it."""
    home = make_home(tmp_path / "home", CANONICAL)
    number, text = 2048, "x" * (400 << 10)
    if kind == "csv":
        path = drop(home, "g/a.csv.gz", b"")
        with gzip.open(path, "wb", 1) as file:
            file.write(f"{HEAD.replace('prompt', column)}\n".encode())
            for n in range(number):
                file.write(f"{row(f'e{n}', text)}\n".encode())
    else:
        shared = pa.DictionaryArray.from_arrays(pa.array([0] * number, pa.int32()), pa.array([text]))
        columns = {k: [v] * number for k, v in event("1").items()} | {"event_id": [f"e{n}" for n in range(number)]}
        pq.write_table(pa.table(columns | {column: shared}), drop(home, "g/a.parquet", b""), compression="zstd")
    assert land_apart(home, memory_limit="1GiB").peak < 1200
    told = entries(home)[0]
    assert (told["accepted"], told["quarantined"]) == ((0, number) if column == "region" else (number, 0))


@pytest.mark.slow
def test_long_rows_that_are_read_together_take_little_memory(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", MAPPED)
    number, text = 16_000, "x" * (60 << 10)
    path = drop(home, "g/a.csv.gz", b"")
    with gzip.open(path, "wb", 1) as file:
        file.write(f"{HEAD}\n".encode())
        for n in range(number):
            file.write(f"{row(f'e{n}', text)}\n".encode())
    assert land_apart(home, memory_limit="1600MiB").peak < 1900
    assert entries(home)[0]["accepted"] == number
