"""Tuned models with amounts in several currencies: compared in the currency of reports, or not comparable.

The amounts may be the tuned model's own, or those of a model that it is compared with.
"""

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
        if len(parts) > 1 and reasons:
            text = f"{_purposes([part.own for part in parts])}: {reasons[0]}"
            yield from (replace(part.own, incomparable=text) for part in parts)
        elif len(parts) > 1 or (_foreign(parts[0]) and not reasons and not _missing(parts[0])):
            yield _together(parts)
        else:
            yield _in_its_own(parts[0])


def _foreign(part: InCurrencies) -> list[Compared]:
    """The models that it is compared with which are listed in another currency, if for a part of the time."""
    return [one for one in part.own.comparisons if set(one.currencies) - {part.own.currency}]


def _missing(part: InCurrencies) -> str | None:
    """Why amounts at the rates of a model that it is compared with could not be converted."""
    return next((one.incomparable for one in part.reported.comparisons if one.incomparable), None)


def _in_its_own(part: InCurrencies) -> Tuned:
    """In its own currency; what is listed in another and cannot be converted is not comparable."""
    foreign = _foreign(part)
    why = part.unconverted or ""
    return replace(
        part.own,
        comparisons=tuple(
            replace(
                one,
                incomparable=_missing(part) or in_currencies(part.own.currency, one.name, one.currencies, why),
            )
            if one in foreign
            else one
            for one in part.own.comparisons
        ),
    )


def in_currencies(own: str | None, name: str, currencies: Iterable[str], why: str) -> str:
    """`use in USD, gpt-4o in EUR: no exchange rate ...`."""
    return f"use in {own}, {name} in {_listed(currencies)}: {why}"


def _listed(currencies: Iterable[str | None]) -> str:
    return " and ".join(str(currency) for currency in currencies)


def _purposes(parts: Sequence[Tuned]) -> str:
    """`training in USD, use in EUR`."""
    purposes = {
        "training": [part.currency for part in parts if part.training_jobs],
        "use": [part.currency for part in parts if part.usage_requests],
        "hosting": [part.currency for part in parts if part.hosting_hours],
    }
    return ", ".join(f"{name} in {_listed(currencies)}" for name, currencies in purposes.items() if currencies)


def _together(rows: Sequence[InCurrencies]) -> Tuned:
    parts = [row.reported for row in rows]
    first = parts[0]
    currencies = {str(row.own.currency) for row in rows}
    currencies |= {currency for part in parts for one in part.comparisons for currency in one.currencies}
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
        converted_from=tuple(sorted(currencies - {first.currency})),
    )


def _added(parts: Sequence[Compared]) -> Compared:
    return replace(
        parts[0],
        requests=sum(part.requests for part in parts),
        tokens=sum(part.tokens for part in parts),
        tuned_amount=_sum(part.tuned_amount for part in parts),
        other_amount=_sum(part.other_amount for part in parts),
        reason=next((part.reason for part in parts if part.reason), None),
        incomparable=next((part.incomparable for part in parts if part.incomparable), None),
        currencies=tuple(sorted({currency for part in parts for currency in part.currencies})),
    )


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known, None where nothing is: what is not known is counted elsewhere."""
    known = [amount for amount in amounts if amount is not None]
    return total(known) if known else None
