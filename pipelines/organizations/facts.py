"""The facts of a home, checked and typed: read once a run, loaded as `watch.organizations` before the watch.

A faulty row is told and does not count; a file that cannot be read as a whole is told and none of it counts.
Neither stops a run. What a row may say belongs in `check.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.errors import MeterhouseError
from pipelines.landing.staging import define_macros
from pipelines.organizations.check import sound_rows
from pipelines.organizations.columns import COLUMNS, EMPTY_TABLE
from pipelines.organizations.place import facts_file
from pipelines.organizations.read_csv import read_csv
from pipelines.organizations.read_yaml import read_yaml
from pipelines.organizations.rows import SEPARATOR, table_of
from pipelines.sql import literal, read_sql

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from pipelines.home import Home
    from pipelines.organizations.columns import Fact

TABLE = "watch.organizations"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a home says about its organisations. `rows` has the columns of `COLUMNS` and `line`; None = no file."""

    file: Path | None = None
    rows: pa.Table | None = None
    faults: tuple[MeterhouseError, ...] = ()


def read_facts(home: Home) -> Facts:
    """Read and check the file, if there is one. Never raises for what it says."""
    faults: list[MeterhouseError] = []
    path = None
    try:
        path = facts_file(home)
        if path is None:
            return Facts()
        text = _text_of(path)
        reader = read_csv if path.suffix == ".csv" else read_yaml
        given = table_of(path, reader(path, text, faults))
    except MeterhouseError as error:
        return Facts(path, None, (error,))
    with warehouse.connect(home, in_memory=True) as con:
        con.register("given_facts", given)
        define_macros(con, home)
        faults += sound_rows(con, "given_facts", "sound_facts")
        con.execute(read_sql(Path(__file__).with_name("hidden.sql")))
        rows = con.sql(f"select line, {', '.join(map(_typed, COLUMNS))} from sound_facts order by line")
        return Facts(path, rows.to_arrow_table(), tuple(sorted(faults, key=lambda fault: fault.line or 0)))


def load_organizations(home: Home, connection: DuckDBPyConnection) -> Facts:
    """Replace the table watch.organizations by the home's facts, empty where there are none."""
    facts = read_facts(home)
    connection.execute("create schema if not exists watch")
    connection.execute(EMPTY_TABLE.format(TABLE))
    if facts.rows is not None:
        connection.register("read_facts", facts.rows)
        connection.execute(f"insert into {TABLE} select * exclude (line) from read_facts order by organization_id")
        connection.unregister("read_facts")
    return facts


def _text_of(path: Path) -> str:
    """The text of the file, without the mark that some programs begin UTF-8 with."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MeterhouseError(
            f"the file cannot be read: {error.strerror}.", file=path, way_out="Make it a readable file."
        ) from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MeterhouseError("the file is UTF-16, not UTF-8.", file=path, way_out="Save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MeterhouseError(
            f"not UTF-8 text: {error.reason}.",
            file=path,
            line=data[: error.start].count(b"\n") + 1,
            way_out="Save the file as UTF-8.",
        ) from error
    if not text.strip():
        raise MeterhouseError("the file is empty.", file=path, way_out="Give it a row an organisation, or remove it.")
    if "\0" in text:
        raise MeterhouseError(
            "the file is no text.",
            file=path,
            line=text[: text.index("\0")].count("\n") + 1,
            way_out="Save it as CSV or YAML in UTF-8.",
        )
    return text


def _typed(column: Fact) -> str:
    name = column.name
    if column.kind == "list":
        items = f"list_transform(string_split({name}, {literal(SEPARATOR)}), lambda item: trim(item))"
        return f"case when {name} <> '' then list_sort(list_distinct({items})) end::varchar[] as {name}"
    if column.type == "timestamp":
        return f"(cast(nullif({name}, '') as timestamptz) at time zone 'UTC')::timestamp as {name}"
    made = {"payment_group": "payment_name({})", "signup_network": "signup_name({})"}.get(name, "{}")
    return made.format(f"nullif({name}, '')") + f" as {name}"
