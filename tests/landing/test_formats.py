"""What holds for every format: its files are known by their first record, and none of their lines is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.landing.contract import MAPPED
from pipelines.landing.discover import record_keys
from pipelines.landing.formats import load_formats
from tests.landing.golden import FORMATS, samples
from tests.landing.homes import drop, entries, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

RECOGNISED = [f for f in load_formats().values() if f.recognise]
SAMPLES = [
    pytest.param(f.name, s, id=f"{f.name}/{s.name}") for f in RECOGNISED if f.name in FORMATS for s in samples(f.name)
]
TABLES = [f.name for f in load_formats().values() if "csv" in f.file_types and isinstance(f.shape, dict)]


def settings(log_format: str) -> str:
    """A source `s` of a format; a mapped one has a field for each column."""
    text = f'[[sources]]\nname = "s"\nformat = "{log_format}"\n'
    if log_format == "mapped":
        text += "[sources.columns]\n" + "".join(f'{c.name} = "{c.name}"\n' for c in MAPPED)
    return text


@pytest.mark.parametrize(("log_format", "sample"), SAMPLES)
def test_first_record_tells_the_format_and_no_other(log_format: str, sample: Path) -> None:
    keys = record_keys(sample)
    found = [f.name for f in RECOGNISED if any(set(alternative) <= keys for alternative in f.recognise)]
    assert found == [log_format]


@pytest.mark.parametrize("log_format", [f.name for f in RECOGNISED])
def test_no_keys_tell_two_formats(log_format: str) -> None:
    for keys in load_formats()[log_format].recognise:
        found = [f.name for f in RECOGNISED if any(set(other) <= set(keys) for other in f.recognise)]
        assert found == [log_format]


@pytest.mark.parametrize("log_format", [f.name for f in load_formats().values() if "jsonl" in f.file_types])
def test_lines_that_say_nothing_are_all_refused(tmp_path: Path, log_format: str) -> None:
    home = make_home(tmp_path / "home", settings(log_format))
    drop(home, "s/empty.jsonl", "")
    drop(home, "s/blank.jsonl", "\n \n\n")
    drop(home, "s/broken.jsonl", ['{"cut'])
    drop(home, "s/objects.jsonl", [{}, {}, {}])
    drop(home, "s/values.jsonl", ["7", "[]", "[1, 2]", '"text"', "null", "{}"])
    drop(home, "s/odd.jsonl", ['{"records": 7, "usage": [], "properties": "", "metadata": "x", "data": {}}', "{ }"])
    land(home)
    read = {e["file"].rpartition("/")[2]: e["records_read"] for e in entries(home)}
    lines = {"empty": 0, "blank": 0, "broken": 1, "objects": 3, "values": 6, "odd": 2}
    assert read == {f"{name}.jsonl": count for name, count in lines.items()}
    assert events(home) == []
    assert len(quarantined(home)) == sum(lines.values())
    assert all(q["reason"] for q in quarantined(home))


@pytest.mark.parametrize("log_format", TABLES)
def test_rows_that_say_nothing_are_all_refused(tmp_path: Path, log_format: str) -> None:
    home = make_home(tmp_path / "home", settings(log_format))
    drop(home, "s/empty.csv", "")
    shape = load_formats()[log_format].shape
    known = next(iter(shape)) if isinstance(shape, dict) else "model"
    drop(home, "s/header.csv", f"a,{known}\n")
    drop(home, "s/rows.csv", f'a,{known}\n1,\n3\n"4,5\n')
    land(home)
    assert sum(e["records_read"] for e in entries(home)) == 3
    assert events(home) == []
    assert len(quarantined(home)) == 3
