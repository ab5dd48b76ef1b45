"""Money of another currency than that of the amounts: named where it is left out, added up only once converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.money import total
from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from pipelines.publish.series import Row


def no_amount(row: Row) -> str:
    """Why a row has no revenue: `billed in EUR`, else that nothing of it is priced."""
    return f"billed in {row['foreign_currencies']}" if row["foreign_requests"] else numbers.NOT_PRICED


def revenue(row: Row, currency: str) -> str:
    """The row's revenue in words."""
    known: Decimal | None = row["revenue"]
    return no_amount(row) if known is None else numbers.money(known, currency)


def amounts(rows: Sequence[Row]) -> str:
    """`€12.34 and £5.00`: what is billed in each other currency."""
    return " and ".join(numbers.money(r["amount"], r["currency"]) for r in rows)


def notice(rows: Sequence[Row]) -> str:
    """What the banner says of requests that are billed in other currencies."""
    n = sum(r["requests"] for r in rows)
    currencies = " and ".join(r["currency"] for r in rows)
    return f"{numbers.counted(n, 'request')} billed in {currencies} ({amounts(rows)}): counted here, in no amount"


def cost_notice(rows: Sequence[Row]) -> str:
    """The same of cost that is in no sum."""
    n = sum(r["requests"] for r in rows)
    return f"Cost of {numbers.counted(n, 'request')} ({amounts(rows)}) is in no cost or margin here"


def sum_of(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known else None


def in_all(rows: Sequence[Row], currency: str) -> str:
    """`$20.00`, or `$15.00 without €4.00 (no rate of exchange)`: one side, all currencies converted."""
    whole = sum_of(row["reported"] for row in rows)
    left = " and ".join(
        numbers.money(row["unconverted"], row["currency"]) for row in rows if row["unconverted"] is not None
    )
    known = "nothing" if whole is None else numbers.money(whole, currency)
    return f"{known} without {left} (no rate of exchange)" if left else known


def unconverted(row: Row, currency: str) -> str:
    """What is in no converted total, on which days, and why."""
    first, last, days = row["unconverted_first"], row["unconverted_last"], row["unconverted_days"]
    when = f"on {first}" if days == 1 else f"on {days:,} billing days from {first} to {last}"
    return (
        f"{numbers.money(row['unconverted'], row['currency'])} of {row['side']} {when} is not in the total in "
        f"{currency}: there is no rate of exchange from {row['currency']} to {currency}."
    )
