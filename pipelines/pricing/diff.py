"""Which rates differ between two books, or two states of knowledge of one, and at which instants.

Prices are compared as they are in force, not row by row: a row that changes nothing is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb

from pipelines.pricing.rules import FOREVER, bounded, typed
from pipelines.pricing.tables import RATES
from pipelines.pricing.units import ALL, BLOCKS, BY_NAME
from pipelines.sql import literal

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

_KEY = ", ".join(RATES.key)
# The largest block that a unit is sold in, of which every other is a part.
_BLOCK = " ".join(f"when {literal(unit.name)} then {max(BLOCKS[unit.dimension])}" for unit in ALL)
_PRICE = f"(price * (case unit {_BLOCK} end // per))::decimal(28, 6)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One stretch of time in which one unit has another price. Prices are for `per` of it; None where there is none."""

    card: str
    provider: str
    model: str
    model_tier: str
    service_tier: str
    region: str
    unit: str
    currency: str
    context_from: int
    starts_at: datetime
    ends_at: datetime | None
    old: Decimal | None
    new: Decimal | None

    @property
    def per(self) -> int:
        """How many tokens, hours or calls the prices are for: a million, one, a thousand."""
        return max(BLOCKS[BY_NAME[self.unit].dimension])

    @property
    def change(self) -> str:
        """added, ended, dearer or cheaper."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "ended"
        return "dearer" if self.new > self.old else "cheaper"

    @property
    def percent(self) -> Decimal | None:
        """By how much of the old price, to a hundredth of a percent, for people; None where there is no such figure."""
        if self.old is None or self.new is None or not self.old:
            return None
        return ((self.new - self.old) * 100 / self.old).quantize(Decimal("0.01"))


def diff_prices(
    old: pa.Table,
    new: pa.Table,
    *,
    old_known_at: datetime | None = None,
    new_known_at: datetime | None = None,
    card: str | None = None,
    provider: str | None = None,
    model: str | None = None,
) -> list[Difference]:
    """Differences between checked books, in the order of their keys and of time. `model` is a part of an id."""
    with duckdb.connect() as con:
        for side, rows, known_at in (("old", old, old_known_at), ("new", new, new_known_at)):
            con.register(f"{side}_rows", rows)
            con.execute(f"create temp table {side}_typed as {typed(RATES, f'{side}_rows', known_at)}")
            con.execute(f"""
                create temp table {side}_book as
                select {_KEY}, valid_from, coalesce(ends_at, {FOREVER}) as ends_at, {_PRICE} as price
                from ({bounded(RATES.key, f"{side}_typed")}) as book
                where ($model is null or contains(model, $model))
                    and ($provider is null or provider = $provider)
                    and ($card is null or card = $card)
                """, {"model": model, "provider": provider, "card": card})  # fmt: skip
        return [Difference(*row) for row in con.execute(_DIFFERENCES).fetchall()]


_DIFFERENCES = f"""
    with keys as (
        select distinct {_KEY} from (
            (from old_book except from new_book) union all (from new_book except from old_book)
        )
    ),
    instants as (
        select {_KEY}, valid_from as instant from old_book semi join keys using ({_KEY})
        union
        select {_KEY}, ends_at from old_book semi join keys using ({_KEY})
        union
        select {_KEY}, valid_from from new_book semi join keys using ({_KEY})
        union
        select {_KEY}, ends_at from new_book semi join keys using ({_KEY})
    ),
    periods as (
        select *, lead(instant) over (partition by {_KEY} order by instant) as until from instants
    ),
    compared as (
        select
            {", ".join(f"periods.{name}" for name in RATES.key)}, periods.instant, periods.until,
            old_book.price as old, new_book.price as new
        from periods
        left join old_book
            on {" and ".join(f"periods.{name} = old_book.{name}" for name in RATES.key)}
                and periods.instant >= old_book.valid_from and periods.instant < old_book.ends_at
        left join new_book
            on {" and ".join(f"periods.{name} = new_book.{name}" for name in RATES.key)}
                and periods.instant >= new_book.valid_from and periods.instant < new_book.ends_at
        where periods.until is not null
    ),
    marked as (
        select
            *,
            (
                old is distinct from lag(old) over following or new is distinct from lag(new) over following
                or instant is distinct from lag(until) over following
            )::integer as begins
        from compared
        where old is distinct from new
        window following as (partition by {_KEY} order by instant)
    ),
    numbered as (
        select *, sum(begins) over (partition by {_KEY} order by instant) as stretch from marked
    )
    select
        {", ".join(name for name in RATES.key)},
        min(instant) as starts_at,
        nullif(max(until), {FOREVER}) as ends_at,
        any_value(old) as old,
        any_value(new) as new
    from numbered
    group by {_KEY}, stretch
    order by {_KEY}, starts_at
"""
