"""Tuned models with amounts in several currencies: compared in the currency of reports, or not comparable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pipelines.money import total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from pipelines.pricing.break_even import Compared, Tuned


@dataclass(frozen=True, slots=True)
class InCurrencies:
    """What a tuned model came to in one currency, the same in that of reports, and why that is unknown if it is."""

    own: Tuned
    reported: Tuned
    unconverted: str | None


def in_one_currency(rows: Iterable[InCurrencies]) -> Iterator[Tuned]:
    """Each tuned model of an organisation once; once a currency where these cannot be converted. Rows in that order."""
    for _, found in groupby(rows, key=lambda row: (row.own.organization_id, row.own.provider, row.own.model)):
        parts = list(found)
        reasons = [part.unconverted for part in parts if part.unconverted]
        if len(parts) == 1:
            yield parts[0].own
        elif reasons:
            text = f"{_purposes([part.own for part in parts])}: {reasons[0]}"
            yield from (replace(part.own, incomparable=text) for part in parts)
        else:
            yield _together(parts)


def _purposes(parts: Sequence[Tuned]) -> str:
    """`training in USD, use in EUR`."""
    purposes = {
        "training": [part.currency for part in parts if part.training_jobs],
        "use": [part.currency for part in parts if part.usage_requests],
        "hosting": [part.currency for part in parts if part.hosting_hours],
    }
    return ", ".join(
        f"{name} in {' and '.join(str(currency) for currency in currencies)}"
        for name, currencies in purposes.items()
        if currencies
    )


def _together(rows: Sequence[InCurrencies]) -> Tuned:
    parts = [row.reported for row in rows]
    first = parts[0]
    return replace(
        first,
        first_at=min((part.first_at for part in parts if part.first_at), default=None),
        last_at=max((part.last_at for part in parts if part.last_at), default=None),
        usage_requests=sum(part.usage_requests for part in parts),
        usage_tokens=sum(part.usage_tokens for part in parts),
        usage_amount=_sum(part.usage_amount for part in parts),
        training_jobs=sum(part.training_jobs for part in parts),
        training_amount=_sum(part.training_amount for part in parts),
        hosting_hours=total(part.hosting_hours for part in parts),
        hosting_amount=_sum(part.hosting_amount for part in parts),
        unpriced_requests=sum(part.unpriced_requests for part in parts),
        comparisons=tuple(map(_added, zip(*(part.comparisons for part in parts), strict=True))),
        converted_from=tuple(str(row.own.currency) for row in rows if row.own.currency != first.currency),
    )


def _added(parts: Sequence[Compared]) -> Compared:
    return replace(
        parts[0],
        requests=sum(part.requests for part in parts),
        tokens=sum(part.tokens for part in parts),
        tuned_amount=_sum(part.tuned_amount for part in parts),
        other_amount=_sum(part.other_amount for part in parts),
        reason=next((part.reason for part in parts if part.reason), None),
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known, None where nothing is: what is not known is counted elsewhere."""
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known else None
