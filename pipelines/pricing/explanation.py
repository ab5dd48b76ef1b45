"""What there is to say about the two amounts of one request: plain facts, exact, as `explain.py` finds them.

How they are laid out for people belongs in `explain_text.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.money import exact, total
from pipelines.pricing.figures import plain

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A row of the price book. `place` is its file and line as they are now."""

    price: Decimal
    per: int
    currency: str
    context_from: int
    valid_from: datetime
    valid_to: datetime | None
    known_from: datetime
    source: str
    checked_on: date | None
    origin: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Term:
    """A row of the operator's terms that counted."""

    kind: str
    side: str
    organization_id: str
    scope: str
    unit: str
    quantity: Decimal
    percent: Decimal | None
    price: Decimal | None
    per: int | None
    card: str | None
    valid_from: datetime
    valid_to: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a quantity that an allowance or a band of a tariff prices. `before` is what the month had used.

    `month` is what the whole month has used: it decides the band of a volume tariff, and is None for other kinds.
    """

    term: Term
    before: Decimal
    quantity: Decimal
    price: Decimal | None
    amount: Decimal | None
    problem: str | None
    month: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One unit of the request: quantity x price of one x factor, or by parts. None where it has no price.

    `priced_as` is the unit whose price it is.
    """

    unit: str
    priced_as: str
    quantity: Decimal
    unit_price: Decimal | None
    factor: Decimal
    row: PriceRow | None
    in_share: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def regular_quantity(self) -> Decimal:
        """What no part has taken."""
        with exact():
            return self.quantity - sum(part.quantity for part in self.parts)

    @property
    def amount(self) -> Decimal | None:
        """The exact amount of this unit."""
        amounts = [part.amount for part in self.parts]
        with exact():
            if self.regular_quantity:
                regular = None if self.unit_price is None else self.regular_quantity * self.unit_price * self.factor
                amounts.append(regular)
            known = [amount for amount in amounts if amount is not None]
            return total(known) if len(known) == len(amounts) else None


@dataclass(frozen=True, slots=True)
class GpuShare:
    """The request's share of the hours of GPUs of its UTC day, by running tokens, cut to twelve places."""

    day: date
    gpu_hours: Decimal
    price: Decimal
    day_amount: Decimal
    requests: int
    day_tokens: int
    tokens_before: int
    tokens: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RateSet:
    """The rate set that was found, and for which stretch of time and of request length it holds."""

    card: str
    provider: str
    model: str
    priced_as: str
    model_tier: str
    service_tier: str
    region: str
    currency: str
    valid_from: datetime
    valid_to: datetime | None
    context_from: int
    context_to: int | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a request. `stored` is the amount in the warehouse, None with `reason`.

    `stands_for` is the model that an id without rates is an alias of. `spread` where its tokens cost a `share` of the
    hours of GPUs, which the factor does not touch. `used_up` are allowances of which the month had left nothing.
    """

    name: str
    currency: str | None
    stored: Decimal | None
    reason: str | None
    way_out: str | None
    general_card: str
    rate: RateSet | None
    factor: Decimal | None
    terms: tuple[Term, ...] = ()
    charges: tuple[Charge, ...] = ()
    spread: bool = False
    share: GpuShare | None = None
    stands_for: str | None = None
    used_up: tuple[Term, ...] = ()

    @property
    def found(self) -> Decimal | None:
        """The amount put together anew from its parts; None where a part has no price."""
        if self.rate is None:
            return None
        amounts = [charge.amount for charge in self.charges if not charge.in_share]
        if self.share is not None:
            amounts.append(self.share.amount)
        known = [amount for amount in amounts if amount is not None]
        return total(known) if len(known) == len(amounts) else None

    @property
    def agrees(self) -> bool:
        """Whether the parts add up to what is stored, to the last digit. What has no amount has nothing to check."""
        if self.stored is None:
            return True
        return self.stored == (self.found if self.rate is not None else 0)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One request with both sides. `event` holds who, when, what and how much."""

    event: dict[str, Any]
    quantities: dict[str, Decimal]
    sides: tuple[Side, ...]
    price_book: str
    price_book_now: str | None
    notes: tuple[str, ...] = field(default=())

    @property
    def agrees(self) -> bool:
        """Whether both sides do."""
        return all(side.agrees for side in self.sides)

    def as_json(self) -> dict[str, Any]:
        """Everything, with exact decimals as text."""
        sides = [
            {
                **asdict(side),
                "sum": side.found,
                "agrees": side.agrees,
                "charges": [{**asdict(charge), "amount": charge.amount} for charge in side.charges],
            }
            for side in self.sides
        ]
        return {
            "event": plain(self.event),
            "quantities": plain(self.quantities),
            "sides": plain(sides),
            "price_book": self.price_book,
            "price_book_now": self.price_book_now,
            "notes": list(self.notes),
            "agrees": self.agrees,
        }
