"""The price book: read the committed rows and a home's own cards, put them into the warehouse.

The book is `dbt_project/seeds/price_book.csv` (list prices) and every `prices/*.csv` of a home
(the operator's own cards), all with the header `COLUMNS`. This module reads them as text with
file and line, and gives them types once `check.py` has found no error. What a row may say belongs
in `check.py`; how rows become rate intervals belongs in the dbt model `price_rates`.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb

    from pipelines.home import Home

SEED = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "price_book.csv"

COLUMNS: tuple[str, ...] = (
    "card", "provider", "model", "model_tier", "service_tier", "unit", "price", "per", "currency",
    "context_from", "valid_from", "valid_to", "known_from", "source", "checked_on",
)  # fmt: skip

UNITS: tuple[str, ...] = (
    "input", "cached_input", "cache_write_5m", "cache_write_1h",
    "audio_input", "output", "audio_output", "training",
)  # fmt: skip

# Select list that turns the text rows (table `rows`) into the types of the seed.
TYPED = """
    card, provider, model, model_tier, service_tier, unit,
    cast(price as decimal(18, 6)) as price,
    cast(per as bigint) as per,
    currency,
    cast(context_from as bigint) as context_from,
    cast(valid_from as timestamp) as valid_from,
    cast(nullif(valid_to, '') as timestamp) as valid_to,
    cast(coalesce(nullif(known_from, ''), valid_from) as timestamp) as known_from,
    source,
    cast(nullif(checked_on, '') as date) as checked_on
"""


def home_cards(home: Home) -> list[Path]:
    """The operator's own price files, in name order; none is fine."""
    return sorted(home.prices.glob("*.csv"))


def read_rows(files: Iterable[Path]) -> pa.Table:
    """Every row of `files` as text, with `file` and `line` (1 = the header) in front.

    Raises MeterhouseError when a file is not UTF-8, has another header or a row of another width.
    """
    columns: list[list[str]] = [[] for _ in range(len(COLUMNS) + 1)]
    lines: list[int] = []
    for path in files:
        for line, fields in _records(path):
            lines.append(line)
            for values, value in zip(columns, (str(path), *fields), strict=True):
                values.append(value)
    text = {name: pa.array(values, pa.string()) for name, values in zip(("file", *COLUMNS), columns, strict=True)}
    return pa.table({"file": text.pop("file"), "line": pa.array(lines, pa.int64()), **text})


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if tuple(header) != COLUMNS:
                raise MeterhouseError(
                    f"the header is not that of a price book: {_difference(header)}.",
                    file=path,
                    line=1,
                    way_out=f"Use exactly: {','.join(COLUMNS)}",
                )
            start = reader.line_num + 1
            for fields in reader:
                line, start = start, reader.line_num + 1
                if not fields:
                    continue
                if len(fields) != len(COLUMNS):
                    raise MeterhouseError(
                        f"the row has {len(fields)} fields, the header {len(COLUMNS)}.",
                        file=path,
                        line=line,
                        way_out="Quote a field that has a comma in it; leave no field out.",
                    )
                yield line, fields
    except UnicodeDecodeError as error:
        raise MeterhouseError(
            f"not UTF-8 text: {error.reason}.", file=path, way_out="Save the file as UTF-8."
        ) from error
    except csv.Error as error:
        raise MeterhouseError(
            f"not valid CSV: {error}.",
            file=path,
            line=reader.line_num,
            way_out="Mend the quotes on that line.",
        ) from error


def _difference(header: list[str]) -> str:
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    parts = [f"missing {', '.join(missing)}"] if missing else []
    parts += [f"unknown {', '.join(unknown)}"] if unknown else []
    return "; ".join(parts) or "columns in another order or named twice"


def load_book(home: Home | None = None, *, seed: Path = SEED) -> pa.Table:
    """Text rows of the seed and, with a home, of its cards (columns: file, line, `COLUMNS`)."""
    return read_rows([seed, *(home_cards(home) if home else [])])


def write_home_prices(connection: duckdb.DuckDBPyConnection, home: Home, *, seed: Path = SEED) -> int:
    """Put the home's own price rows, typed like the seed, into the table `run.home_prices`.

    The table is replaced, and empty where the home has no cards. Seed and cards are checked
    together first. Returns the number of rows; raises MeterhouseError on the first faulty row.
    """
    from pipelines.pricing.check import require_valid

    require_valid(load_book(home, seed=seed))
    rows = read_rows(home_cards(home))
    connection.execute("create schema if not exists run")
    connection.register("home_price_rows", rows)
    try:
        connection.execute(f"create or replace table run.home_prices as select {TYPED} from home_price_rows")
    finally:
        connection.unregister("home_price_rows")
    return int(rows.num_rows)
