"""A commit that does not account for every record read, once each, is refused: the reader's count is its own."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import pipelines.landing.quick as quick
import pipelines.landing.staging as staging
from pipelines.errors import MeterhouseError
from pipelines.landing.formats import Format, load_formats
from tests.landing.homes import CANONICAL, commits, drop, drop_parquet, entries, event, events, land, make_home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.home import Home

RECORDS = [event(f"e{n}", input_tokens=n) for n in range(3)]
HEAD = ",".join(RECORDS[0])


def _drop_lines(home: Home) -> Path:
    return drop(home, "g/a.jsonl", ["", *RECORDS, ""])


def _drop_packed(home: Home) -> Path:
    return drop(home, "g/a.jsonl.gz", gzip.compress("".join(json.dumps(r) + "\n" for r in RECORDS).encode()))


def _drop_array(home: Home) -> Path:
    return drop(home, "g/a.json", json.dumps(RECORDS, indent=2))


def _drop_csv(home: Home) -> Path:
    rows = [",".join(map(str, r.values())) for r in RECORDS]
    return drop(home, "g/a.csv", "\n".join(["", HEAD, rows[0], "", *rows[1:], ""]))


def _drop_parquet(home: Home) -> Path:
    return drop_parquet(home, "g/a.parquet", {name: [r[name] for r in RECORDS] for name in RECORDS[0]})


KINDS = [_drop_lines, _drop_packed, _drop_array, _drop_csv, _drop_parquet]


def mapped_by(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """Change the canonical format's mapping."""
    formats = load_formats()
    fmt = formats["canonical"]
    changed: dict[str, Format] = {**formats, "canonical": replace(fmt, body=change(fmt.body))}
    for module in (staging, quick):
        monkeypatch.setattr(module, "load_formats", lambda: changed)


WRONG = {
    "drops a row": lambda body: body + " where line % 2 = 0",
    "drops all": lambda body: body + " where false",
    "stops early": lambda body: body + " limit 1",
    "doubles a row": lambda body: body.replace(
        "from records",
        "from (from records cross join unnest(case when doc.event_id = 'e1' then [1, 2] else [1] end))",
    ),
}


@pytest.mark.parametrize("drop_in", KINDS)
@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_mapping_that_loses_or_doubles_records_commits_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str], drop_in: Callable[[Home], Path]
) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    path = drop_in(home)
    with monkeypatch.context() as patch:
        mapped_by(patch, change)
        with pytest.raises(MeterhouseError) as caught:
            land(home)
    assert str(path) in str(caught.value)
    assert "3 records were read from it" in caught.value.cause
    assert "canonical.sql" in caught.value.way_out
    assert commits(home) == []
    assert list(home.events.rglob("*.parquet")) == []
    assert land(home).accepted == 3


@pytest.mark.parametrize("drop_in", KINDS)
def test_records_are_counted_by_the_reader(tmp_path: Path, drop_in: Callable[[Home], Path]) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop_in(home)
    assert land(home).records_read == 3
    assert entries(home)[0]["records_read"] == 3


@pytest.mark.parametrize("how", ["shorter", "other text", "gone"])
def test_a_file_that_changes_before_its_conflicts_are_fetched_commits_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    path = drop(home, "g/a.jsonl", [event("1"), event("1", output_tokens=7), event("2")])
    whole = path.read_bytes()
    real = staging.open_records
    opened = []

    def changing(*args: object) -> object:
        opened.append(args)
        # The file itself is read as columns: it is opened line by line for its conflicts alone.
        if len(opened) == 1:
            if how == "gone":
                path.unlink()
            else:
                path.write_bytes(b"" if how == "shorter" else whole.replace(b"acme", b"ecma"))
                os.utime(path, (1, 1))
        return real(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(staging, "open_records", changing)
        with pytest.raises(MeterhouseError, match=r"a\.jsonl: it (changed while|could not be)"):
            land(home)
    assert commits(home) == []
    path.write_bytes(whole)
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (2, 1)
    assert len(events(home)) == 2


@pytest.mark.parametrize(
    "rows",
    [
        'a\r1,2024-03-01\n"b\r',
        "\r\n,,\xff\t\n\xff\n\n\n \r\n",
        "1,2024-03-01,acme\r,openai,m,1\n\n",
        '"q"x\r ""\n\n\n\n',
    ],
)
def test_a_csv_whose_rows_cannot_be_told_apart_is_one_record(tmp_path: Path, rows: str) -> None:
    """Bare carriage returns end a row for some readers only: the counts differ, so nothing is taken from it."""
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.csv", f"{HEAD}\n{rows}".encode("latin-1"))
    drop(home, "g/b.jsonl", [event("1")])
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (2, 1, 1)
