"""Which files are read, as which source and format, and which are refused or left alone."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from pipelines.landing import discover
from pipelines.landing.discover import landed_files, reading_digest
from pipelines.settings import Settings, Source, load_settings
from tests.landing.golden import FOLDER
from tests.landing.homes import (
    CANONICAL,
    commits,
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


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without settings."""
    return make_home(tmp_path / "home")


def formats(home: Home) -> dict[str, str]:
    """Source → format, as found."""
    return {f.source.name: f.source.format for f in landed_files(home, Settings()).files}


def test_folders_are_recognised_by_their_first_record(home: Home) -> None:
    for log_format in ("canonical", "litellm", "openai"):
        for sample in (FOLDER / log_format).glob("*.*l"):
            drop(home, f"{log_format}-{sample.stem}/{sample.name}.gz", gzip.compress(sample.read_bytes()))
    drop_parquet(home, "canonical-typed/a.parquet", {k: [v] for k, v in event("1").items()})
    drop(home, "canonical-broken-first/a.jsonl", ['{"cut', "", event("1")])
    drop(home, "canonical-later-file/a.jsonl", "")
    drop(home, "canonical-later-file/deep/er/b.jsonl", [event("1")])
    found = formats(home)
    assert found == {name: name.split("-")[0] for name in found}
    assert len(found) == len(list(home.landing.iterdir())) > 8


def test_an_unknown_folder_is_left_and_named_and_the_others_are_read(home: Home) -> None:
    drop(home, "helicone/a.jsonl", [{"request_id": 1, "delay_ms": 3}])
    drop(home, "known/a.jsonl", [event("1")])
    summary = land(home)
    [message] = summary.unclear
    assert "landing/helicone/ is not recognised" in message
    assert "request_id" in message
    assert "delay_ms" in message
    assert 'name = "helicone"' in message
    assert [e["file"] for e in entries(home)] == ["a.jsonl"]
    assert (summary.accepted, land(home).unclear) == (1, (message,))


def test_a_file_directly_under_landing_is_left_and_named(home: Home) -> None:
    drop(home, "stray.jsonl", [event("1")])
    drop(home, "known/a.jsonl", [event("1")])
    summary = land(home)
    assert summary.accepted == 1
    assert "stray.jsonl: a file lies directly under landing/" in summary.unclear[0]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \n"])
def test_a_folder_without_a_record_is_no_source_yet(home: Home, content: bytes) -> None:
    drop(home, "b/today.jsonl", content)
    drop(home, "known/a.jsonl", [event("1")])
    summary = land(home)
    assert (summary.files, summary.accepted, summary.unclear) == (1, 1, ())
    drop(home, "b/today.jsonl", [event("2")])
    assert land(home).accepted == 1


def test_of_a_folder_whose_only_file_is_damaged_the_damage_is_told(home: Home) -> None:
    drop(home, "b/cut.jsonl.gz", gzip.compress(json.dumps(event("1")).encode() * 900)[:-20])
    drop(home, "known/a.jsonl", [event("1")])
    summary = land(home)
    assert summary.accepted == 1
    [message] = summary.unclear
    assert "cut.jsonl.gz cannot be read: " in message
    assert "it is cut off or damaged" in message


def test_hidden_and_unfinished_files_are_left_alone(home: Home) -> None:
    drop(home, "g/a.jsonl", [event("1")])
    for name in (
        ".gitkeep", "g/.hidden.jsonl", "g/.tmp/b.jsonl", ".old/c.jsonl", "g/d.jsonl.part", "g/e.jsonl.tmp",
        "g/f.jsonl.gz.partial", "g/g.jsonl.crdownload", "only-part/h.jsonl.part", "empty/.keep",
    ):  # fmt: skip
        drop(home, name, "not to be read")
    summary = land(home)
    assert (summary.files, summary.records_read, summary.unasked_files) == (1, 1, ())
    (home.landing / "g/d.jsonl.part").write_text(json.dumps(event("2")))
    (home.landing / "g/d.jsonl.part").rename(home.landing / "g/d.jsonl")
    assert land(home).accepted == 1


def test_unasked_files_are_reported_and_not_read(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL + 'files = "*.jsonl"\n')
    drop(home, "g/a.jsonl", [event("1")])
    drop(home, "g/deep/b.jsonl", [event("2")])
    drop(home, "g/notes.txt", "hello")
    drop(home, "g/deep/c.jsonl.gz", gzip.compress(b"{}"))
    summary = land(home)
    assert (summary.files, summary.accepted) == (2, 2)
    assert summary.unasked_files == ("landing/g/deep/c.jsonl.gz", "landing/g/notes.txt")
    assert land(home).unasked_files == summary.unasked_files
    assert [e["file"] for e in entries(home)] == ["a.jsonl", "deep/b.jsonl"]


def test_format_that_does_not_read_a_kind_of_file(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", '[[sources]]\nname = "o"\nformat = "openai"\n')
    drop(home, "o/a.csv", "id,object\n1,2\n")
    drop(home, "z/a.jsonl", [event("1")])
    summary = land(home)
    assert (summary.accepted, summary.quarantined) == (1, 1)
    [record] = quarantined(home)
    assert (record["file"], record["line"], record["field"]) == ("a.csv", None, None)
    assert "format 'openai' does not read csv files (it reads jsonl); name another format" in record["reason"]
    home.config.write_text(home.config.read_text().replace("openai", "canonical"), encoding="utf-8")
    assert land(home).files == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_missing_mapped_column_is_named(tmp_path: Path, kind: str) -> None:
    home = make_home(
        tmp_path / "home",
        '[[sources]]\nname = "m"\nformat = "mapped"\n[sources.columns]\noccurred_at = "TIMESTAMP"\n'
        '[sources.constants]\nprovider = "p"\nmodel = "m"\norganization_id = "o"\n',
    )
    if kind == "csv":
        drop(home, "m/a.csv", "Time,Tokens\n2024-01-01,5\n")
    else:
        drop_parquet(home, "m/a.parquet", {"Time": ["2024-01-01"], "Tokens": [5]})
    drop(home, "m/b.csv", "TIMESTAMP,Tokens\n2024-01-01,5\n")
    assert (land(home).accepted, land(home).files) == (1, 0)
    [record] = quarantined(home)
    assert (record["line"], record["field"]) == (None, "occurred_at")
    assert "no column 'TIMESTAMP' (it has Time, Tokens)" in record["reason"]
    assert "correct [sources.columns] occurred_at of source 'm' in meterhouse.toml" in record["reason"]


@pytest.mark.parametrize("name", ["my logs", "-x", "caf\u00e9"])
def test_folder_that_can_be_no_source_is_refused_by_name(home: Home, name: str) -> None:
    drop(home, f"{name}/a.jsonl", [event("1")])
    [message] = land(home).unclear
    assert "Rename the folder" in message
    assert f"landing/{name}/ cannot be a source" in message
    assert "letters (A-Z, a-z), digits, '.', '_' and '-'" in message


def test_rules_of_reading_are_part_of_the_reading_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(name="g", format="canonical")
    before = reading_digest(source)
    for name in ("macros.sql", "normalise.py", "csv_rows.py", "parquet_parts.py"):
        monkeypatch.setattr(discover, "_RULES", tuple(r for r in discover._RULES if r != name))
        discover._rules.cache_clear()
        assert reading_digest(source) != before, name
        monkeypatch.undo()
        discover._rules.cache_clear()
    assert reading_digest(source) == before


def test_constants_fill_what_the_records_of_any_format_lack(tmp_path: Path) -> None:
    home = make_home(
        tmp_path / "home",
        '[[sources]]\nname = "o"\nformat = "openai"\n[sources.constants]\n'
        'organization_id = "acme"\nprovider = "vllm"\nregion = "eu"\nlogprobs = true\n',
    )
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    record = {"object": "chat.completion", "created": 1709294400, "model": "llama", "usage": usage}
    lines = [{**record, "id": "1", "region": ""}, {**record, "id": "2", "region": "us", "provider": "groq"}]
    drop(home, "o/a.jsonl", lines)
    assert land(home).accepted == 2
    assert load_settings(home).sources[0].constants["provider"] == "vllm"
    got = [(e["organization_id"], e["provider"], e["region"], e["logprobs"]) for e in events(home)]
    assert got == [("acme", "vllm", "eu", True), ("acme", "groq", "us", True)]


def test_empty_landing_is_no_work(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    home.landing.rmdir()
    assert land(home).files == 0
    assert commits(home) == []
