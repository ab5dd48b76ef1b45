"""A whole run on logs of every format with secrets planted in them: none is in anything that the home keeps.

What becomes of a single key, person or text is in `test_secrets.py`.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.landing.contract import HIDDEN
from pipelines.landing.fields import fields_of
from pipelines.landing.formats import load_formats
from pipelines.run import run_all
from pipelines.settings import Settings
from pipelines.sql import identifier, literal
from tests.landing.golden import FORMATS, rows_of, samples, source_of
from tests.landing.homes import drop, entries, make_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.settings import Source
    from tests.landing.homes import Row

# Where callers, gateways and models leave what no one should keep, whatever the format.
TALK = {
    "messages": [{"role": "user", "content": "@said"}], "prompt": "@said", "completion": "@said",
    "response_text": "@said",
    "choices": [{"message": {"content": "@said"}}], "notes": {"deep": [{"deeper": "@said"}]}, "x": "@said",
    "headers": {"Authorization": "Bearer @key", "X-Api-Key": "@key", "Cookie": "@key", "X-Forwarded-For": "@v4"},
    "remote": "@v6", "client": {"address": "@v4", "mail": "@mail"}, "account": "@person", "password": "@key",
    "url": "https://example.org/v1?key=@key&user=@mail",
}  # fmt: skip


# The part of each that nothing else has.
_SOUGHT = re.compile(r"[0-9a-f]{20}|203\.\d+\.\d+\.77|2001:db8:[0-9a-f:]+:3:4:5")

# A network's own name is no secret.
_NETWORK = re.compile("network|address|_ip|Ip", re.ASCII)


@dataclass
class Planter:
    """Makes secrets, each another, and remembers where it put them."""

    random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - the same each time
    # What is sought of a secret, and where it was put.
    planted: dict[str, str] = field(default_factory=dict)

    def secret(self, kind: str, place: str) -> str:
        """A secret of a kind that no other is."""
        digits = f"{self.random.getrandbits(80):020x}"
        n = len(self.planted)
        value = {
            "@key": f"sk-proj-Zq{digits}Xw",
            "@v4": f"203.{n // 250 % 250}.{n % 250}.77",
            "@v6": f"2001:db8:{n:x}:{digits[:4]}:{digits[4:8]}:3:4:5",
            "@mail": f"jo.{digits}@example.org",
            "@person": f"Jane Planted-{digits}",
            "@said": f"tell me of the merger {digits} of the two houses, and of what it will cost all of us",
        }[kind]
        self.planted[_SOUGHT.findall(value)[0]] = f"{kind} {place}"
        return value

    def filled(self, value: Any, place: str) -> Any:
        """A value in which every mark has become a secret."""
        if isinstance(value, dict):
            return {key: self.filled(below, f"{place}.{key}") for key, below in value.items()}
        if isinstance(value, list):
            return [self.filled(below, place) for below in value]
        for kind in ("@key", "@v4", "@v6", "@mail", "@person", "@said"):
            if isinstance(value, str) and kind in value:
                value = value.replace(kind, self.secret(kind, place))
        return value

    def hide(self, value: Any, hidden: frozenset[str], place: str) -> Any:
        """A record whose keys and persons are secrets: every other one of each kind."""
        if isinstance(value, list):
            return [self.hide(below, hidden, place) for below in value]
        if not isinstance(value, dict):
            return value
        filled = {}
        for key, below in value.items():
            kinds = (
                ("@key", "@mail", "@v4", "@v6") if _NETWORK.search(key) else ("@key", "@person", "@mail", "@v4", "@v6")
            )
            chosen = key in hidden and isinstance(below, str) and below
            kind = kinds[len(self.planted) % len(kinds)]
            filled[key] = self.secret(kind, f"{place}.{key}") if chosen else self.hide(below, hidden, place)
        return filled

    def spoil(self, value: Any, place: str) -> Any:
        """A record in which every text has a secret in its place, whatever it should be."""
        if isinstance(value, dict):
            return {key: self.spoil(below, f"{place}.{key}") for key, below in value.items()}
        if isinstance(value, list):
            return [self.spoil(below, place) for below in value]
        kinds = ("@key", "@mail", "@v4", "@v6")
        return self.secret(kinds[len(self.planted) % len(kinds)], place) if isinstance(value, str) else value


def _plant(home: Home, planter: Planter) -> list[Source]:
    """Land every sample as it is with secrets in it, spoilt, cut off, and as Python prints it."""
    sources = []
    for log_format in FORMATS:
        for sample in samples(log_format):
            rows = [row for _, row in rows_of(sample)]
            name = f"{log_format}-{sample.stem}"
            source = source_of(log_format, name, sample.stem)
            sources.append(source)
            # What Gemini's `status` says is hidden in quarantine, but is no key or person.
            hidden = fields_of(load_formats()[log_format], source, nested=True).hidden | set(HIDDEN)
            hidden -= {"status"}
            good = [planter.filled({**planter.hide(row, hidden, name), **_free(row)}, name) for row in rows]
            bad = [planter.filled({**planter.spoil(row, f"{name} spoilt"), **_free(row)}, name) for row in rows]
            lines = [*map(json.dumps, good), *map(json.dumps, bad)]
            lines += [json.dumps(row)[: -len(json.dumps(row)) // 4] for row in (*good, *bad)]
            drop(home, f"{name}/a.jsonl", [*lines, *map(str, bad)])
            drop(home, f"{name}/b.json", json.dumps(bad, indent=1))
            if sample.suffix == ".csv":
                drop(home, f"{name}/c.csv", _table(good) + _table(bad))
    return sources


def _free(row: Row) -> Row:
    """What callers and models say, under names that the record does not have."""
    return {key: value for key, value in TALK.items() if key not in row}


def _table(rows: list[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    return "".join(",".join(f'"{c}"' for c in line) + "\n" for line in (names, *cells))


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text.replace('"', '""')


def kept(home: Home) -> Iterator[tuple[Path, str]]:
    """Every file of the home but what landed, with its text: values of tables too, which are packed in the bytes."""
    for path in sorted(p for p in home.root.rglob("*") if p.is_file() and not p.is_symlink()):
        if path.is_relative_to(home.landing):
            continue
        with duckdb.connect() as con:
            if path.suffix == ".parquet":
                rows = con.execute(f"from read_parquet({literal(path)}, hive_partitioning = false)").fetchall()
                yield path, "\n".join(map(str, rows))
            elif path.suffix == ".duckdb":
                con.execute(f"attach {literal(path)} as kept (read_only)")
                tables = con.execute("select schema_name, table_name from duckdb_tables() where database_name = 'kept'")
                for schema, table in tables.fetchall():
                    found = con.execute(f"from kept.{identifier(schema)}.{identifier(table)}").fetchall()
                    yield path / schema / table, "\n".join(map(str, found))
        yield path, path.read_bytes().decode("utf-8", "replace")


@pytest.mark.slow
def test_no_planted_secret_is_kept(tmp_path: Path) -> None:
    planter = Planter()
    home = make_home(tmp_path / "home")
    run_all(home, Settings(sources=tuple(_plant(home, planter))))
    counts = entries(home)
    assert sum(e["accepted"] for e in counts) > 100
    assert sum(e["quarantined"] for e in counts) > 500
    assert any(planter.planted.keys() & set(_SOUGHT.findall(p.read_text())) for p in home.landing.rglob("*.jsonl"))
    leaked = {
        (str(path.relative_to(home.root)), planter.planted[secret])
        for path, text in kept(home)
        for secret in planter.planted.keys() & set(_SOUGHT.findall(text))
        # An accepted record has the model, the organisation and the id that it says it has.
        if "spoilt" not in planter.planted[secret] or "quarantine" in str(path.relative_to(home.root))
    }
    assert leaked == set()
