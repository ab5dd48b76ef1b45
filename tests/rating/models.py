"""Renders the dbt models of rating without dbt and runs them in DuckDB: milliseconds instead of seconds.

The macros are the project's own files; only what dbt itself provides (ref, source, config, return,
adapter.dispatch) stands here. That dbt builds the same is shown by the tests that run the whole job.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2

from pipelines.build import DBT_PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from pathlib import Path

    import duckdb

_REF = re.compile(r"ref\('(\w+)'\)")
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\s*\(.*?endmacro\s*-?%\}", re.DOTALL)
# What stands for the events of the touched days, and the seeds: tables that the tests fill.
GIVEN = frozenset({"stg_usage_events", "price_book", "model_aliases", "exchange_rates"})


class _Returned(Exception):  # noqa: N818 - not an error: how a macro hands back a list
    def __init__(self, value: Any) -> None:
        self.value = value


class _Adapter:
    def __init__(self, macros: dict[str, Any]) -> None:
        self.macros = macros

    def dispatch(self, name: str, _project: str) -> Any:
        return self.macros[f"default__{name}"]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined)  # noqa: S701
    macros: dict[str, Any] = environment.globals

    def give_back(value: Any) -> None:
        raise _Returned(value)

    macros |= {
        "return": give_back,
        "adapter": _Adapter(macros),
        "config": lambda **_: "",
        "is_incremental": lambda: False,
        "ref": lambda name: name,
        "source": lambda schema, name: f"{schema}.{name}",
    }
    for path in sorted((DBT_PROJECT / "macros").rglob("*.sql")):
        if path.parent.name == "tests":
            continue
        text = path.read_text(encoding="utf-8")
        # Each macro is a template of its own, so that macros find each other as dbt lets them: by name.
        for macro in _MACRO.finditer(text):
            macros[macro[1]] = _macro(environment, macro[0], macro[1])
    return environment


def _macro(environment: jinja2.Environment, text: str, name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(environment.from_string(text).module, name)(*args, **kwargs)
        except _Returned as returned:
            return returned.value

    return call


@cache
def _model_files() -> dict[str, Path]:
    return {path.stem: path for path in (DBT_PROJECT / "models").rglob("*.sql")}


@cache
def sql_of(model: str, *, onto: bool = False) -> str:
    """The model's SQL as DuckDB runs it, with refs as plain names; `onto` what earlier runs have built."""
    template = _environment().from_string(_model_files()[model].read_text(encoding="utf-8"))
    return template.render(is_incremental=lambda: onto, this=model)


def macro(name: str, *arguments: Any) -> Any:
    """What a macro of the project returns."""
    return _environment().globals[name](*arguments)


@cache
def _order(target: str) -> tuple[str, ...]:
    """The models that `target` is made from, in the order in which they are built, itself last."""
    before = [m for name in _REF.findall(_model_files()[target].read_text(encoding="utf-8")) if name not in GIVEN
              for m in _order(name)]  # fmt: skip
    return tuple(dict.fromkeys([*before, target]))


def is_view(text: str) -> bool:
    """Whether a model is not kept as a table."""
    return "materialized='ephemeral'" in text or "materialized='view'" in text


def build(
    con: duckdb.DuckDBPyConnection, targets: Iterable[str], *, onto: bool = False, kept: Container[str] = ()
) -> None:
    """Build the models and everything they are made from, all rows anew; ephemeral ones as views too.

    With `onto`, incremental models keep their rows, but for those of the days or months that the run touches. `kept`
    are models that stay as they are.
    """
    for model in dict.fromkeys(m for target in targets for m in _order(target) if m not in kept):
        text = _model_files()[model].read_text(encoding="utf-8")
        if onto and "materialized='incremental'" in text:
            day = re.search(r"unique_key='(\w+)'", text)
            con.execute(f"create or replace temp table fresh_rows as {sql_of(model, onto=True)}")
            if day:
                con.execute(
                    f"delete from {model} where {day[1]} in (select {day[1]} from {macro('days_table', day[1])})"
                )
            con.execute(f"insert into {model} by name select * from fresh_rows")
            continue
        kind = "view" if is_view(text) else "table"
        con.execute(f"drop {kind} if exists {model}")
        con.execute(f"create {kind} {model} as {sql_of(model)}")
