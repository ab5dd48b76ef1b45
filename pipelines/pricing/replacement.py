"""One model's usage at another model's rates: which rows that is, and the change to the tables of rates.

`gpt-4o=gpt-4o-mini` rates usage of the one by rows of the other; `ft:` before an id means the tuned models of that
base. A provider and a slash may stand in front of either. How such rows rate requests belongs in the dbt models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.pricing.tables import RATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

_BOTH = "(select * from rating.price_book union all select * from run.home_prices)"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as rates name it."""

    provider: str
    model: str
    model_tier: str

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"{self.provider}/{'ft:' if self.model_tier == 'fine_tuned' else ''}{self.model}"


@dataclass(frozen=True, slots=True)
class Replacement:
    """Usage of `used` is rated by the rows of `priced_as`."""

    used: Model
    priced_as: Model


def parse_replacement(text: str, used: Iterable[Model], priced: Iterable[Model]) -> Replacement:
    """`A=B` among the models that are used and those that have rates. Raises MeterhouseError where it is not clear."""
    one, sign, other = text.partition("=")
    if not (sign and one.strip() and other.strip()):
        raise MeterhouseError(f"--model {text} is not A=B.", way_out="Write it as in --model gpt-4o=gpt-4o-mini.")
    own = find_model(one.strip(), used, "is used by no request of these days")
    return Replacement(own, find_model(other.strip(), priced, "has no rates", provider=own.provider))


def find_model(text: str, known: Iterable[Model], otherwise: str, *, provider: str | None = None) -> Model:
    """The known model that the text names; of several providers `provider`'s. MeterhouseError where there is none."""
    models = sorted(set(known), key=str)
    found = [model for model in models if text in {str(model), str(model).partition("/")[2]}]
    if len(found) > 1:
        found = [model for model in found if model.provider == provider] or found
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(model) for model in found)
        raise MeterhouseError(f"{text} is a model of several providers: {names}.", way_out="Name one of these.")
    raise MeterhouseError(f"{text} {otherwise}.", way_out=_near(text, models))


def _near(text: str, models: Sequence[Model]) -> str:
    if text.count(":") > 1:
        return "Tuned models are named by their base, as in ft:gpt-4o-2024-08-06: their rates are the same."
    bare = text.rpartition("/")[2].removeprefix("ft:")
    near = [str(model) for model in models if model.model.startswith(bare) or bare.startswith(model.model)][:8]
    if near:
        return f"There is {', '.join(near)}."
    return "Copy the id from `meterhouse prices list`; of an alias, name the model that it stands for."


def replace_rates(con: duckdb.DuckDBPyConnection, replacements: Sequence[Replacement]) -> None:
    """Change `rating.price_book` and `run.home_prices`, all replacements at once, from the rows as they were."""
    if not replacements:
        return
    twice = {r.used for r in replacements if sum(r.used == other.used for other in replacements) > 1}
    if twice:
        names = ", ".join(sorted(str(model) for model in twice))
        raise MeterhouseError(f"--model names {names} twice.", way_out="Give each model one other.")
    columns = {name: name for name in RATES.columns}
    con.execute(f"create temp table rates_before as select {', '.join(columns)} from {_BOTH}")
    for table in ("rating.price_book", "run.home_prices"):
        for one in replacements:
            con.execute(f"delete from {table} where provider = ? and model = ? and model_tier = ?", _values(one.used))
    for one in replacements:
        # An alias that usage goes by has rows of its own from now on.
        for table in ("rating.model_aliases", "run.home_aliases") if one.used.model_tier == "base" else ():
            con.execute(f"delete from {table} where provider = ? and alias = ?", _values(one.used)[:2])
        picked = columns | {"provider": "$1", "model": "$2", "model_tier": "$3"}
        con.execute(
            f"""
            insert into rating.price_book ({", ".join(columns)})
            select {", ".join(picked.values())} from rates_before
            where provider = $4 and model = $5 and model_tier = $6""",
            [*_values(one.used), *_values(one.priced_as)],
        )
    con.execute("drop table rates_before")


def _values(model: Model) -> list[str]:
    return [model.provider, model.model, model.model_tier]


def priced_models(con: duckdb.DuckDBPyConnection, rates: str) -> list[Model]:
    """Every model that a relation of rates has rows of."""
    found = con.execute(f"select distinct provider, model, model_tier from {rates}").fetchall()
    return [Model(*row) for row in found]
