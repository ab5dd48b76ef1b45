"""The five tables that decide amounts: rates, aliases, terms, exchange rates, hours of serving.

Each is CSV with a header of its own: rows that come with Meterhouse (a dbt seed), rows of a home
(one folder a table under `prices/`), or both. This module reads them as text with file and line, and
puts a home's rows, typed, into the warehouse. What a row may say belongs in `check*.py`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import duckdb

    from pipelines.home import Home

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
_ALWAYS = ("valid_from", "valid_to", "known_from", "source", "checked_on")
_TIMES = """
    cast(valid_from as timestamp) as valid_from,
    cast(nullif(valid_to, '') as timestamp) as valid_to,
    cast(coalesce(nullif(known_from, ''), valid_from) as timestamp) as known_from,
    source,
    cast(nullif(checked_on, '') as date) as checked_on"""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """One table: its header, its place in a home, in the seeds and in the warehouse.

    `typed` is the select list that turns rows of text into the types of the seed, `key` the columns
    that say what a row is about: what it says of them is append-only.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    typed: str
    warehouse: str
    folder: str
    seed: Path | None = None
    # A column that a header may leave out: it is empty then.
    optional: str = ""

    @property
    def one(self) -> str:
        """What one row is called; `name` is for many."""
        return "alias" if self.name == "aliases" else self.name if self.name == "serving hours" else self.name[:-1]

    def home_files(self, home: Home | None) -> list[Path]:
        """The operator's own files of this table, in name order; none is fine."""
        return sorted((home.prices / self.folder).glob("*.csv")) if home else []

    def files(self, home: Home | None = None) -> list[Path]:
        """The seed, if there is one, and the home's files."""
        return [*([self.seed] if self.seed else []), *self.home_files(home)]


RATES = PriceTable(
    name="rates",
    columns=(
        "card", "provider", "model", "model_tier", "service_tier", "region", "unit", "price", "per", "currency",
        "context_from", *_ALWAYS,
    ),
    key=("card", "provider", "model", "model_tier", "service_tier", "region", "unit", "currency", "context_from"),
    typed=f"""
    card, provider, model, model_tier, service_tier, region, unit,
    cast(price as decimal(18, 6)) as price,
    cast(per as bigint) as per,
    currency,
    cast(context_from as bigint) as context_from,{_TIMES}""",
    warehouse="run.home_prices",
    folder=".",
    seed=SEEDS / "price_book.csv",
    optional="region",
)  # fmt: skip

ALIASES = PriceTable(
    name="aliases",
    columns=("provider", "alias", "model", *_ALWAYS),
    key=("provider", "alias"),
    typed=f"provider, alias, model,{_TIMES}",
    warehouse="run.home_aliases",
    folder="aliases",
    seed=SEEDS / "model_aliases.csv",
)

TERMS = PriceTable(
    name="terms",
    columns=(
        "organization_id", "kind", "side", "provider", "model", "region", "unit", "quantity", "percent", "price",
        "per", "currency", "card", *_ALWAYS,
    ),
    key=("organization_id", "kind", "side", "provider", "model", "region", "unit", "quantity"),
    typed=f"""
    md5(concat_ws('|', organization_id, kind, side, provider, model, region, unit, quantity, valid_from, known_from))
        as term_id,
    organization_id, kind, side, provider, model, region, unit,
    cast(coalesce(nullif(quantity, ''), '0') as decimal(24, 6)) as quantity,
    cast(nullif(percent, '') as decimal(9, 4)) as percent,
    cast(nullif(price, '') as decimal(18, 6)) as price,
    cast(nullif(per, '') as bigint) as per,
    nullif(currency, '') as currency,
    nullif(card, '') as card,{_TIMES}""",
    warehouse="run.terms",
    folder="terms",
)  # fmt: skip

EXCHANGE_RATES = PriceTable(
    name="exchange rates",
    columns=("from_currency", "to_currency", "rate", *_ALWAYS),
    key=("from_currency", "to_currency"),
    typed=f"from_currency, to_currency, cast(rate as decimal(18, 6)) as rate,{_TIMES}",
    warehouse="run.home_exchange_rates",
    folder="exchange_rates",
    seed=SEEDS / "exchange_rates.csv",
)

SERVING_HOURS = PriceTable(
    name="serving hours",
    columns=("usage_date", "provider", "model", "model_tier", "gpu_hours", "source", "checked_on"),
    key=("usage_date", "provider", "model", "model_tier"),
    typed="""
    cast(usage_date as date) as usage_date, provider, model, model_tier,
    cast(gpu_hours as decimal(18, 6)) as gpu_hours,
    source,
    cast(nullif(checked_on, '') as date) as checked_on""",
    warehouse="run.serving_hours",
    folder="serving_hours",
)

TABLES: tuple[PriceTable, ...] = (RATES, ALIASES, TERMS, EXCHANGE_RATES, SERVING_HOURS)


def read_rows(table: PriceTable, files: Iterable[Path], problems: list[MeterhouseError] | None = None) -> pa.Table:
    """Every row of `files` as text, with `file` and `line` (1 = the header) in front.

    Raises MeterhouseError when a file is not UTF-8, has another header or a row of another width. With a list
    `problems` they are added there instead, and what else can be read is.
    """
    names = ("file", *table.columns)
    columns: list[list[str]] = [[] for _ in names]
    lines: list[int] = []
    for path in files:
        for line, fields in _records(table, path, problems):
            lines.append(line)
            for values, value in zip(columns, (str(path), *fields), strict=True):
                values.append(value)
    text = {name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=True)}
    return pa.table({"file": text.pop("file"), "line": pa.array(lines, pa.int64()), **text})


def load(table: PriceTable, home: Home | None = None, problems: list[MeterhouseError] | None = None) -> pa.Table:
    """Text rows of the seed and, with a home, of its files (columns: file, line, those of the table)."""
    return read_rows(table, table.files(home), problems)


def write_typed(con: duckdb.DuckDBPyConnection, table: PriceTable, rows: pa.Table, target: str) -> int:
    """Replace the table `target` by the typed rows, empty where there are none; returns their number."""
    con.register("price_text_rows", rows)
    try:
        con.execute(f"create or replace table {target} as select {table.typed} from price_text_rows as rows")
    finally:
        con.unregister("price_text_rows")
    return int(rows.num_rows)


def _records(table: PriceTable, path: Path, problems: list[MeterhouseError] | None) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of each row of a file; what cannot be read is raised, or added to `problems`."""
    try:
        for line, row in _rows_of(table, path):
            if isinstance(row, MeterhouseError):
                if problems is None:
                    raise row
                problems.append(row)
            else:
                yield line, row
    except MeterhouseError as error:
        # Of the rest of this file nothing is known.
        if problems is None:
            raise
        problems.append(error)


def _rows_of(table: PriceTable, path: Path) -> Iterator[tuple[int, list[str] | MeterhouseError]]:
    """As `_records`, with an error in place of a row of another width."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            missing = table.columns.index(table.optional) if table.optional and table.optional not in header else None
            named = tuple(name for name in table.columns if missing is None or name != table.optional)
            if tuple(header) != named:
                raise MeterhouseError(
                    f"the header is not that of a file of {table.name}: {_difference(table, header)}.",
                    file=path,
                    line=1,
                    way_out=_belongs(table, header) or f"Use exactly: {','.join(table.columns)}",
                )
            start = reader.line_num + 1
            for fields in reader:
                line, start = start, reader.line_num + 1
                if not fields:
                    continue
                if len(fields) != len(named):
                    yield (
                        line,
                        MeterhouseError(
                            f"the row has {len(fields)} fields, the header {len(named)}.",
                            file=path,
                            line=line,
                            way_out="Quote a field that has a comma in it; leave no field out.",
                        ),
                    )
                    continue
                if missing is not None:
                    fields.insert(missing, "")
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


def _belongs(asked: PriceTable, header: list[str]) -> str | None:
    """Where a file with the header of another table is to lie; None where the header is nobody's."""
    for table in TABLES:
        if table is not asked and set(header) | {table.optional} == {*table.columns, table.optional}:
            folder = "prices/" if table.folder == "." else f"prices/{table.folder}/"
            return f"This is a file of {table.name}: move it to {folder} of the home."
    return None


def _difference(table: PriceTable, header: list[str]) -> str:
    missing = [name for name in table.columns if name not in header]
    unknown = [name for name in header if name not in table.columns]
    parts = [f"missing {', '.join(missing)}"] if missing else []
    parts += [f"unknown {', '.join(unknown)}"] if unknown else []
    return "; ".join(parts) or "columns in another order or named twice"
