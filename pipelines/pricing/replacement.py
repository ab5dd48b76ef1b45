"""One model's usage at another model's rates: which rates that is, and the change to the table of rates.

`gpt-4o=gpt-4o-mini` rates usage of the one by rows of the other; `ft:` before an id means the tuned models of that
base. A provider and a slash may stand in front of either. Only rates change: the model keeps its name, and what it is
an alias of, so the same terms count. How rates and terms rate requests belongs in the dbt models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.pricing.rules import bounded
from pipelines.pricing.tables import ALIASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

# The dbt model that has the prices of every model, those of aliases too, before requests are looked up in it.
RATES_MODEL = "price_rate_units"
_KEY = ("card", "provider", "model", "model_tier", "service_tier", "region", "currency")
_FIRST, _OPEN = "timestamp '0001-01-01 00:00:00'", "timestamp '9999-12-31 00:00:00'"
# Aliases as they were known at the book's date.
_ALIASES = """(
    select
        '' as file, 0 as line, provider, alias, model, valid_from, valid_to,
        coalesce(known_from, valid_from) as known_from
    from (select * from rating.model_aliases union all by name select * from run.home_aliases) as listed
    where coalesce(known_from, valid_from) <= (select known_at from run.settings)
)"""


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


def replace_rates(
    con: duckdb.DuckDBPyConnection, replacements: Sequence[Replacement], table: str = f"marts.{RATES_MODEL}"
) -> None:
    """Change `table` as the dbt model has built it, all replacements at once, from the rates as they were.

    A model that is an alias is still priced as what it stands for while it does (`priced_as`), so that terms of both
    count. Aliases of a replaced model have no rates but its own, so theirs change with it.
    """
    if not replacements:
        return
    twice = {r.used for r in replacements if sum(r.used == other.used for other in replacements) > 1}
    if twice:
        names = ", ".join(sorted(str(model) for model in twice))
        raise MeterhouseError(f"--model names {names} twice.", way_out="Give each model one other.")
    con.execute(f"""
        create temp table rates_before as select * from {table};
        create temp table stood_before as {_STOOD}""")
    for one in replacements:
        con.execute(
            f"""
            delete from {table}
            where provider = $1 and model_tier = $3 and $2 in (model, priced_as)""",
            _values(one.used),
        )
    for one in replacements:
        # An alias that is replaced itself does not follow the model it stands for.
        own = [r.used.model for r in replacements if _values(r.used)[::2] == _values(one.used)[::2]]
        con.execute(_insert(table), [*_values(one.used), *_values(one.priced_as), own])
    con.execute("drop table rates_before; drop table stood_before")


# When an alias stands for a model on each card: until its first rate of its own there.
_STOOD = f"""
    with stood as ({bounded(ALIASES.key, _ALIASES)}),
    own as (
        select card, provider, model, min(valid_from) as valid_from from rates_before
        where priced_as = model group by card, provider, model
    )
    select
        cards.card, stood.provider, stood.alias, stood.model, stood.valid_from,
        least(coalesce(stood.ends_at, {_OPEN}), coalesce(own.valid_from, {_OPEN})) as valid_to
    from stood
    cross join (select distinct card from rates_before) as cards
    left join own on cards.card = own.card and stood.provider = own.provider and stood.alias = own.model
    where stood.valid_from < least(coalesce(stood.ends_at, {_OPEN}), coalesce(own.valid_from, {_OPEN}))"""


def _insert(table: str) -> str:
    """Rates of the model $4, $5, $6 for $1, $2, $3 and its aliases but those in $7, by what they are priced as."""
    key = ", ".join(_KEY)
    return f"""
        insert into {table} by name
        with bounds as (
            select card, {_FIRST} as instant from rates_before
            union
            select card, unnest([valid_from, valid_to]) from stood_before where provider = $1 and alias = $2
        ),
        stretches as (
            select
                card, instant as valid_from,
                coalesce(lead(instant) over (partition by card order by instant), {_OPEN}) as valid_to
            from bounds
        ),
        names as (
            select
                stretches.card, $2 as model, coalesce(stood.model, $2) as priced_as, stretches.valid_from,
                stretches.valid_to
            from stretches
            left join stood_before as stood
                on stretches.card = stood.card and stood.provider = $1 and stood.alias = $2
                    and stretches.valid_from >= stood.valid_from and stretches.valid_to <= stood.valid_to
            union all
            select card, alias, model, valid_from, valid_to from stood_before
            where provider = $1 and model = $2 and not list_contains($7, alias)
        ),
        priced as (
            select rates.* replace (
                $1 as provider, names.model as model, $3 as model_tier, names.priced_as as priced_as,
                greatest(rates.valid_from, names.valid_from) as valid_from,
                least(rates.valid_to, names.valid_to) as valid_to
            )
            from rates_before as rates
            inner join names
                on rates.card = names.card and rates.valid_from < names.valid_to and rates.valid_to > names.valid_from
            where rates.provider = $4 and rates.model = $5 and rates.model_tier = $6
        )
        select * replace (
            md5(concat_ws('|', {key}, valid_from::varchar, context_from::varchar)) as rate_id
        )
        from priced"""


def _values(model: Model) -> list[str]:
    return [model.provider, model.model, model.model_tier]


def priced_models(con: duckdb.DuckDBPyConnection, rates: str) -> list[Model]:
    """Every model that a relation of rates has rows of."""
    found = con.execute(f"select distinct provider, model, model_tier from {rates}").fetchall()
    return [Model(*row) for row in found]
