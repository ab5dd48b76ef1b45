"""What the same tokens would have come to under other prices, other cards or another model, against what is booked.

Rating them once more belongs in `rerate.py`; here the two results are set side by side, to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.explain import built_warehouse
from pipelines.pricing.replacement import Model, Replacement, parse_replacement, priced_models
from pipelines.pricing.rerate import Change, Days, built_days, rated_again
from pipelines.pricing.what_if_hours import IdleHours, idle_hours
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    import duckdb

    from pipelines.home import Home

# Level → the columns that name a row of it.
LEVELS: dict[str, tuple[str, ...]] = {
    "organisation": ("organization_id",),
    "product": ("organization_id", "product_id"),
    "model": ("provider", "model"),
    "total": (),
}
# Of requests that lose their amount; what is beyond is added up.
_MOST_REASONS = 4
_GRAIN = ("organization_id", "product_id", "provider", "model", "side", "currency")


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of a level: what is booked and what it would be, in one currency. None where nothing has an amount."""

    level: str
    names: tuple[str, ...]
    side: str
    currency: str
    old: Decimal | None
    new: Decimal | None
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Moved:
    """Requests of one side that would gain or lose their amount, and the reasons of those that lose it.

    Of many reasons the last is what the others come to together, so they make up the whole.

    `unpriced` counts those that have none in either rating.
    """

    side: str
    newly_priced: int
    newly_unpriced: int
    reasons: tuple[tuple[str, int], ...]
    unpriced: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The comparison over some billing days. `differences` holds what differs, and every total."""

    days: Days
    requests: int
    differences: tuple[Difference, ...]
    moved: tuple[Moved, ...]
    replacements: tuple[Replacement, ...]
    idle: tuple[IdleHours, ...] = ()

    def level(self, name: str) -> list[Difference]:
        """Rows of one level, the greatest differences first."""
        return [one for one in self.differences if one.level == name]

    @property
    def is_same(self) -> bool:
        """Whether no amount of any request differs."""
        return not any(one.difference for one in self.differences) and not any(
            one.newly_priced or one.newly_unpriced for one in self.moved
        )


def what_if(
    home: Home,
    change: Change,
    *,
    models: Sequence[str] = (),
    first: date | None = None,
    last: date | None = None,
    organization: str | None = None,
    csv: Path | None = None,
) -> WhatIf:
    """Compare what is booked with the same usage under `change` and `models` (each `A=B`).

    Billing days from `first` to `last`, by default all there are. `csv` is written with every row that differs.
    """
    with built_warehouse(home) as con:
        days = chosen_days(con, first, last)
        where = _where(days, organization)
        _require_usage(con, where, organization)
        used = used_models(con, where)
    priced = models_with_rates(home, change)
    replacements = tuple(parse_replacement(text, used, priced) for text in models)
    with rated_again(home, replace(change, replacements=replacements), days) as con:
        con.execute(f"create temp table compared as {_compared(where)}")
        if csv is not None:
            con.execute(f"""
                copy (select * from compared where difference != 0 or (old_amount is null) != (new_amount is null)
                      order by all)
                to {literal(csv)} (format csv, header)""")
        found = tuple(one for level in LEVELS for one in _level(con, level))
        requests, moved = _moved(con, _where(days, organization, "old."))
        idle = idle_hours(con, days)
    return WhatIf(days, requests, found, moved, replacements, idle)


def chosen_days(con: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> Days:
    """The billing days asked for, cut to those of the warehouse."""
    there = built_days(con)
    if there is None:
        raise MeterhouseError("no request has been rated here yet.", way_out="Land logs and run `meterhouse run`.")
    days = Days(max(first or there.first, there.first), min(last or there.last, there.last))
    if days.first > days.last:
        raise MeterhouseError(
            f"there is no usage from {first or there.first} to {last or there.last}.",
            way_out=f"This home has billing days from {there.first} to {there.last}.",
        )
    return days


def used_models(con: duckdb.DuckDBPyConnection, where: str) -> list[Model]:
    """Models that requests use, as rates name them, and those that they are aliases of."""
    used = f"""
        select distinct provider, coalesce(base_model, model) as model, model_tier
        from marts.spend_daily where {where}"""
    return priced_models(
        con,
        f"""(
            {used}
            union all
            select provider, rates.priced_as as model, model_tier
            from marts.price_rates as rates semi join ({used}) as used using (provider, model, model_tier)
        )""",
    )


def models_with_rates(home: Home, change: Change) -> list[Model]:
    """Models that the price book of the change has rows of."""
    import duckdb

    with duckdb.connect() as con:
        con.register("book", load_book(home, seed=change.book or SEED))
        return priced_models(con, "book")


def _where(days: Days, organization: str | None, of: str = "") -> str:
    """The usage asked for; `of` is the alias of the table with its dot, where there are two."""
    chosen = f"{of}charge_date between date {literal(days.first)} and date {literal(days.last)}"
    return chosen if organization is None else f"{chosen} and {of}organization_id = {literal(organization)}"


def _require_usage(con: duckdb.DuckDBPyConnection, where: str, organization: str | None) -> None:
    (requests,) = con.execute(f"select count(*) from marts.spend_daily where {where}").fetchone() or (0,)
    if not requests:
        raise MeterhouseError(
            f"there is no usage{f' of the organisation {organization!r}' if organization else ''} in these days.",
            way_out="Correct --organization, --from or --to.",
        )


def _compared(where: str) -> str:
    """Both ratings by organisation, product, model, side and currency."""
    sides = [
        f"""
        select
            {", ".join(_GRAIN[:4])}, '{side}' as side, {currency} as currency, '{when}' as rating,
            sum({amount}) as amount
        from {catalog}marts.spend_daily
        where {where} and {amount} is not null
        group by all"""
        for when, catalog in (("old", ""), ("new", "scratch."))
        for side, currency, amount in (
            ("revenue", "billing_currency", "revenue_amount"),
            ("cost", "coalesce(cost_currency, billing_currency)", "coalesce(cost_amount, foreign_cost_amount)"),
        )
    ]
    old, new = (f"sum(amount) filter (where rating = '{when}')::decimal(38, 18)" for when in ("old", "new"))
    return f"""
        select
            {", ".join(_GRAIN)},
            {old} as old_amount,
            {new} as new_amount,
            (coalesce(new_amount, 0) - coalesce(old_amount, 0))::decimal(38, 18) as difference
        from ({" union all ".join(sides)})
        group by {", ".join(_GRAIN)}"""


def _level(con: duckdb.DuckDBPyConnection, level: str) -> list[Difference]:
    names = LEVELS[level]
    listed = "".join(f"{name}, " for name in names)
    found = con.execute(f"""
        select
            {listed} side, currency,
            sum(old_amount) as old_amount, sum(new_amount) as new_amount, sum(difference) as difference
        from compared
        group by all
        having
            {"true" if level == "total" else "sum(difference) != 0"}
            -- What gets a price of 0 for the first time, or loses it, differs too.
            or (sum(old_amount) is null) != (sum(new_amount) is null)
        order by side desc, currency, abs(sum(difference)) desc, {listed} old_amount""").fetchall()
    width = len(names)
    return [Difference(level, tuple(row[:width]), *row[width:]) for row in found]


def _moved(con: duckdb.DuckDBPyConnection, where: str) -> tuple[int, tuple[Moved, ...]]:
    """Requests in all, and those of each side that gain or lose their amount, told request by request.

    `where` names columns of `old`.
    """
    cost = "coalesce({0}.cost_amount, {0}.foreign_cost_amount)"
    con.execute(f"""
        create temp table moves as
        select
            count(*) as requests,
            old.revenue_amount is null as revenue_old, new.revenue_amount is null as revenue_new,
            {cost.format("old")} is null as cost_old, {cost.format("new")} is null as cost_new,
            case when revenue_new and not revenue_old then new.unpriced_reason end as revenue_reason,
            case when cost_new and not cost_old then new.uncosted_reason end as cost_reason
        from marts.rated_usage as old
        inner join scratch.marts.rated_usage as new
            on old.usage_date = new.usage_date and old.source = new.source and old.event_id = new.event_id
        where {where}
        group by all""")
    (requests,) = con.execute("select coalesce(sum(requests), 0)::bigint from moves").fetchone() or (0,)
    moved = []
    for side in ("revenue", "cost"):
        gained, lost, without = con.execute(f"""
            select
                coalesce(sum(requests) filter (where {side}_old and not {side}_new), 0)::bigint,
                coalesce(sum(requests) filter (where {side}_new and not {side}_old), 0)::bigint,
                coalesce(sum(requests) filter (where {side}_old and {side}_new), 0)::bigint
            from moves""").fetchone() or (0, 0, 0)
        reasons = con.execute(f"""
            select {side}_reason, sum(requests)::bigint as requests from moves
            where {side}_reason is not null group by all order by requests desc, 1""").fetchall()
        if len(reasons) > _MOST_REASONS:
            others = reasons[_MOST_REASONS - 1 :]
            reasons[_MOST_REASONS - 1 :] = [(f"{len(others)} other reasons", sum(requests for _, requests in others))]
        moved.append(Moved(side, gained, lost, tuple(reasons), without))
    return int(requests), tuple(moved)
