"""Money of another currency than that of the amounts: how it is named where it is left out, never added up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.publish import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
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
