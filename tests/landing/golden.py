"""Golden samples: logs as sources write them, and the canonical rows they must become.

Each folder of tests/golden is a format; each sample in it has its rows in that folder's
expected.json: events without what is null, zero or false, the records that are refused, and how
many are parts or copies of another one. To write the expected rows anew after a change of meaning,
run

    python -m tests.landing.golden

and read the difference: every changed row must be right by the sample, not by the code.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import tomllib
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.landing.contract import BUCKETS, METERS
from pipelines.landing.csv_rows import csv_header
from pipelines.landing.ingest import ingest
from pipelines.landing.manifest import read_manifest
from pipelines.settings import Settings, Source
from tests.landing.homes import Row, events, make_home, quarantined, stored

if TYPE_CHECKING:
    from pipelines.home import Home

FOLDER = Path(__file__).parents[1] / "golden"
FORMATS = tuple(sorted(p.name for p in FOLDER.iterdir() if p.is_dir()))
SALT = "golden"
PARQUET = ("events.jsonl", "meters.jsonl", "spend_logs.jsonl", "calls.csv")
_COUNTS = {*BUCKETS, *METERS, "reasoning_tokens", "raw_input_tokens", "raw_output_tokens", "revision"}


def samples(log_format: str) -> list[Path]:
    """The samples of a format."""
    return sorted(p for p in (FOLDER / log_format).iterdir() if p.suffix in {".jsonl", ".csv"})


def expected(log_format: str) -> dict[str, dict[str, Any]]:
    """Sample name → its expected `events` and `quarantined` records, and numbers of `duplicates` and `superseded`."""
    return dict(json.loads((FOLDER / log_format / "expected.json").read_text(encoding="utf-8")))


def run_samples(home: Home, log_format: str) -> dict[str, list[Row]]:
    """Land every sample of a format as it is, packed, and some as Parquet.

    Each is a source of its own, named for the sample and the variant (`calls-packed`). Samples
    take turns in .gz and .zst, so that each kind of file meets both. Returns the compact events
    and the quarantined records of each source.
    """
    home.salt_file.write_text(SALT, encoding="ascii")
    sources = []
    for turn, sample in enumerate(samples(log_format), FORMATS.index(log_format)):
        data = sample.read_bytes()
        packed = gzip.compress(data) if turn % 2 else pa.compress(data, "zstd", asbytes=True)
        variants = {"plain": data, "packed": packed}
        if sample.name in PARQUET:
            variants["parquet"] = b""
        for variant, content in variants.items():
            source = source_of(log_format, f"{sample.stem}-{variant}", sample.stem)
            suffix = {"plain": "", "parquet": ".parquet", "packed": (".zst", ".gz")[turn % 2]}[variant]
            path = home.landing / source.name / f"{sample.name}{suffix}"
            path.parent.mkdir(parents=True)
            if variant == "parquet":
                _write_parquet(sample, path)
            else:
                path.write_bytes(content)
            sources.append(source)
    ingest(home, Settings(sources=tuple(sources)))
    found: dict[str, list[Row]] = {}
    for event in events(home):
        found.setdefault(f"{event['source']} events", []).append(compact(event))
    for record in quarantined(home):
        found.setdefault(f"{record['source']} quarantined", []).append(
            {k: record[k] for k in ("line", "field", "reason") if record[k] is not None}
        )
    for file in read_manifest(home)[-1].files:
        if file.duplicates:
            found[f"{file.source} duplicates"] = [{"count": file.duplicates}]
    for source, amended in (
        Counter(e["source"] for e in stored(home)) - Counter(e["source"] for e in events(home))
    ).items():
        found[f"{source} superseded"] = [{"count": amended}]
    return found


def compact(event: Row) -> Row:
    """An event as JSON: no source, receipt or digest, and nothing that is null, zero or false."""
    left_out = {"source", "received_at", "body_digest"}
    return {
        name: _plain(value)
        for name, value in event.items()
        if name not in left_out and value is not None and not (value == 0 and name in _COUNTS) and value is not False
    }


def rows_of(sample: Path) -> list[tuple[int, Row]]:
    """Line and fields of every record of a sample that is a table row or a JSON object."""
    text = sample.read_text(encoding="utf-8")
    if sample.suffix == ".csv":
        names, delimiter = csv_header(sample)
        lines = [(n, line.split(delimiter)) for n, line in enumerate(text.splitlines(), 1)][1:]
        return [
            (n, {k: v.strip('"') or None for k, v in zip(names, cells, strict=True)})
            for n, cells in lines
            if len(cells) == len(names)
        ]
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            rows.append((number, record))
    return rows


def source_of(log_format: str, name: str, sample: str) -> Source:
    entries = []
    file = FOLDER / log_format / "meterhouse.toml"
    if file.exists():
        entries = tomllib.loads(file.read_text(encoding="utf-8"))["sources"]
    given: dict[str, Any] = next((e for e in entries if e["name"] == sample), {})
    return Source.model_validate({"format": log_format, **given, "name": name})


def _write_parquet(sample: Path, path: Path) -> None:
    """The rows of a sample as Parquet: whole numbers where a column has only those, else text."""
    rows = [row for _, row in rows_of(sample)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    pq.write_table(pa.table(columns), path)


def _column(values: list[Any]) -> pa.Array:
    if all(v is None or (isinstance(v, int) and not isinstance(v, bool)) for v in values):
        return pa.array(values, pa.int64())
    return pa.array([v if v is None or isinstance(v, str) else json.dumps(v) for v in values], pa.string())


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _write_expected() -> None:
    for log_format in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            found = run_samples(make_home(Path(folder) / "home"), log_format)
        parts = []
        for sample in samples(log_format):
            kinds = []
            for kind in ("events", "quarantined"):
                rows = found.get(f"{sample.stem}-plain {kind}", [])
                lines = ",\n".join(f"      {json.dumps(r, ensure_ascii=False)}" for r in rows)
                kinds.append(f'    "{kind}": [\n{lines}\n    ]' if rows else f'    "{kind}": []')
            kinds += [
                f'    "{kind}": {counted[0]["count"]}'
                for kind in ("duplicates", "superseded")
                if (counted := found.get(f"{sample.stem}-plain {kind}"))
            ]
            parts.append(f'  "{sample.name}": {{\n' + ",\n".join(kinds) + "\n  }")
        text = "{\n" + ",\n".join(parts) + "\n}\n"
        (FOLDER / log_format / "expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write_expected()
