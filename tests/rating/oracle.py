"""Rates events one by one in Python Decimal: slow, obvious, and written from docs/prices.md, not from the SQL.

What the SQL of rating has to agree with, to the last decimal and in which amounts there are none. It
shares nothing with the dbt project but the list of units. A rate set is here what a request finds:
the price of each unit at its instant and length, looked up row by row.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_FLOOR, Decimal, localcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipelines.pricing.tables import ALIASES, RATES, SERVING_HOURS, TERMS
from pipelines.pricing.units import ALL
from tests.rating.case import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.rating.case import Case

Row = dict[str, Any]
ONE = Decimal(1)
_TOKENS = tuple(u.quantity for u in ALL if u.dimension == "tokens" and u.name != "embedding")
_FILTERS = ("provider", "model", "region")
_SET = ("organization_id", "kind", "side", *_FILTERS, "unit")


@dataclass
class RateSet:
    """What a card charges a request: its currency and the price of one of each unit, and whose rows these are."""

    model: str
    currency: str
    prices: dict[str, Decimal]


@dataclass
class Side:
    """What was found for one request on one side. `factor` is None where it would not be exact."""

    rates: RateSet | None
    factor: Decimal | None
    marked_up: bool = False

    @property
    def found(self) -> bool:
        """Whether prices can be multiplied."""
        return self.rates is not None and self.factor is not None

    @property
    def spread(self) -> bool:
        """Whether hours of GPUs are spread over the tokens."""
        return self.rates is not None and "gpu_hour" in self.rates.prices


@dataclass
class Rated:
    """The two amounts of a request; `foreign_cost` is a cost in another currency than the revenue."""

    revenue: Decimal | None
    cost: Decimal | None
    foreign_cost: Decimal | None
    currency: str | None


@dataclass
class Request:
    """An event with all that is found out about it on the way."""

    event: Row
    at: datetime
    month: tuple[int, int]
    revenue: Side
    cost: Side
    allowed: dict[str, Decimal] = field(default_factory=dict)
    share: Decimal | None = None
    # Per unit: the bands of its tariff, and how much the month had before and has with this request.
    tariffs: dict[str, tuple[Any, list[Row], Decimal, Decimal]] = field(default_factory=dict)


def rate(case: Case) -> dict[tuple[str, str], Rated]:
    """Every event's amounts by (source, event_id)."""
    with localcontext() as context:
        context.prec = 100
        return _Oracle(case).rated()


class _Oracle:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.zone = ZoneInfo(case.billing_time_zone)
        known_at = _instant(case.known_at)

        def known(table: Any, rows: Sequence[Row]) -> list[Row]:
            typed = [_typed(filled(table, row)) for row in rows]
            return [row for row in typed if row["known_from"] <= known_at]

        self.rates = known(RATES, case.rates)
        self.aliases = known(ALIASES, case.aliases)
        self.terms = known(TERMS, case.terms)
        self.hours = [filled(SERVING_HOURS, row) for row in case.serving_hours]
        self.requests = sorted(
            (self._request(event) for event in case.events),
            key=lambda r: (r.at, r.event["source"], r.event["event_id"]),
        )

    def rated(self) -> dict[tuple[str, str], Rated]:
        totals = self._count_months()
        self._spread_hours()
        return {(r.event["source"], r.event["event_id"]): self._amounts(r, totals) for r in self.requests}

    # Prices: which row of the book counts.

    def _request(self, event: Row) -> Request:
        at = _instant(event["occurred_at"])
        day = at.astimezone(self.zone).date()
        cost = self._own_side(event, at, "cost")
        markup = self._percent(event, at, "markup", "revenue", cost.rates)
        if markup is None:
            revenue = self._own_side(event, at, "revenue")
        else:
            factor = None if cost.factor is None else _exact(cost.factor * (ONE + markup))
            revenue = Side(cost.rates, factor, marked_up=True)
        return Request(event, at, (day.year, day.month), revenue, cost)

    def _own_side(self, event: Row, at: datetime, side: str) -> Side:
        rates = self._rates_of(event, at, side)
        return Side(rates, self._factor(event, at, side, rates))

    def _rates_of(self, event: Row, at: datetime, side: str) -> RateSet | None:
        """Cards of the terms, the most specific first, then the general one; a region's own rows first."""
        asked = _priced_model(event)
        cards = [
            (rows[0]["card"], rows[0]["model"])
            for rows in self._matching(event, at, "card", side, self._stands_for(event, at))
        ]
        cards.append((getattr(self.case, f"{side}_card"), ""))
        for card, model in cards:
            for region in dict.fromkeys([event["region"] or "", ""]):
                found = self._rate_set(
                    (card, event["provider"], asked, event["model_tier"], event["service_tier"], region),
                    at,
                    event["raw_input_tokens"] or 0,
                )
                # A card for a model that an alias stands for does not price the alias by rows of its own.
                if found and (model in ("", asked) or found.model == model):
                    return found
        return None

    def _stands_for(self, event: Row, at: datetime) -> str:
        """The model that the request's one is an alias of at that instant; itself where it is none."""
        key = (event["provider"], _priced_model(event))
        stood = _in_force([r for r in self.aliases if (r["provider"], r["alias"]) == key], at)
        return stood["model"] if stood else _priced_model(event)

    def _rate_set(self, key: tuple[str, ...], at: datetime, length: int) -> RateSet | None:
        card, provider, model, *tiers = key
        names = ("card", "provider", "model", "model_tier", "service_tier", "region")
        own = [r for r in self.rates if (r["card"], r["provider"], r["model"]) == (card, provider, model)]
        # From its first own row on, an id is priced by those alone.
        if not any(r["valid_from"] <= at for r in own):
            stood = _in_force([r for r in self.aliases if (r["provider"], r["alias"]) == (provider, model)], at)
            if stood is None:
                return None
            model = stood["model"]
        wanted = (card, provider, model, *tiers)
        rows = [r for r in self.rates if tuple(r[n] for n in names) == wanted and r["context_from"] <= length]
        prices: dict[str, Decimal] = {}
        currencies = set()
        for unit in {r["unit"] for r in rows}:
            in_force = [
                row
                for series in _grouped((r for r in rows if r["unit"] == unit), "currency", "context_from").values()
                if (row := _in_force(series, at))
            ]
            if in_force:
                longest = max(in_force, key=lambda r: r["context_from"])
                prices[unit] = longest["price"] / longest["per"]
                currencies |= {r["currency"] for r in in_force}
        assert len(currencies) <= 1, f"{wanted} has two currencies at {at}"
        if "input" in prices:
            # Images without a price of their own are text.
            prices.setdefault("image_input", prices["input"])
        if not prices:
            return None
        if card != self.case.cost_card:
            # Hours of GPUs belong to everybody: only the general cost card prices them.
            prices.pop("gpu_hour", None)
        return RateSet(model, currencies.pop(), prices)

    # Terms: who pays what.

    def _matching(
        self, event: Row, at: datetime, kind: str, side: str, priced_as: str, unit: str = ""
    ) -> list[list[Row]]:
        """Sets of terms in force for a request, the most specific first. A set is its bands, or one row.

        `priced_as` is the model whose rows price it: terms for that one count, behind those for the one asked for.
        """
        asked = _priced_model(event)
        fitting = [
            t
            for t in self.terms
            if (t["kind"], t["side"], t["unit"]) == (kind, side, unit)
            and t["organization_id"] in ("*", event["organization_id"])
            and t["provider"] in ("", event["provider"])
            and t["model"] in ("", asked, priced_as)
            and t["region"] in ("", event["region"] or "")
        ]
        sets = []
        for rows in _grouped(fitting, *_SET).values():
            last = _in_force(rows, at)
            if last is not None:
                same = [
                    r for r in rows if (r["valid_from"], r["known_from"]) == (last["valid_from"], last["known_from"])
                ]
                sets.append(sorted(same, key=lambda r: r["quantity"]))
        return sorted(sets, key=lambda rows: _specificity(rows[0], asked), reverse=True)

    def _percent(self, event: Row, at: datetime, kind: str, side: str, rates: RateSet | None) -> Decimal | None:
        found = self._matching(event, at, kind, side, rates.model if rates else self._stands_for(event, at))
        percent = found[0][0]["percent"] if found else None
        # A mark-up without one takes its model out of the others.
        return None if percent is None else percent / 100

    def _factor(self, event: Row, at: datetime, side: str, rates: RateSet | None) -> Decimal | None:
        uplift = self._percent(event, at, "uplift", side, rates) or Decimal(0)
        discount = self._percent(event, at, "discount", side, rates) or Decimal(0)
        return _exact((ONE + uplift) * (ONE - discount))

    # Quantities that count over a month or a day.

    def _count_months(self) -> dict[Any, Decimal]:
        """Run through the requests in order; returns what each tariff has charged by the end of each month."""
        used: dict[Any, Decimal] = defaultdict(Decimal)
        charged: dict[Any, Decimal] = defaultdict(Decimal)
        for r in self.requests:
            if not r.revenue.found:
                continue
            asked, model = _priced_model(r.event), r.revenue.rates.model
            for unit, quantity in _quantities(r.event, r.revenue.rates):
                if quantity == 0:
                    continue
                allowances = self._matching(r.event, r.at, "allowance", "revenue", model, unit)
                free = Decimal(0)
                if allowances:
                    allowance = allowances[0][0]
                    counter = self._counter(r, allowance)
                    free = max(Decimal(0), min(quantity, allowance["quantity"] - used[counter]))
                    used[counter] += quantity
                r.allowed[unit] = free
                tariffs = sorted(
                    self._matching(r.event, r.at, "graduated", "revenue", model, unit)
                    + self._matching(r.event, r.at, "volume", "revenue", model, unit),
                    key=lambda rows, asked=asked: _specificity(rows[0], asked),
                )
                if tariffs:
                    bands = tariffs[-1]
                    counter = self._counter(r, bands[0])
                    before = charged[counter]
                    charged[counter] += quantity - free
                    r.tariffs[unit] = (counter, bands, before, charged[counter])
        return charged

    @staticmethod
    def _counter(r: Request, term: Row) -> Any:
        return (r.event["organization_id"], r.month, *(term[n] for n in _SET), term["valid_from"])

    def _spread_hours(self) -> None:
        """Cut each day's cost at the running share of its tokens, down to twelve decimals."""
        costs: dict[tuple[date, str, str, str], Decimal] = defaultdict(Decimal)
        for h in self.hours:
            began = _instant(h["usage_date"])
            key = (self.case.cost_card, h["provider"], h["model"], h["model_tier"], "standard", "")
            rates = self._rate_set(key, began, 0)
            if rates and "gpu_hour" in rates.prices:
                day = (began.date(), h["provider"], rates.model, h["model_tier"])
                costs[day] += Decimal(h["gpu_hours"]) * rates.prices["gpu_hour"]
        days: dict[tuple[date, str, str, str], list[Request]] = defaultdict(list)
        for r in self.requests:
            # Also where its own cost is not known: the others did not use its share.
            if r.cost.spread:
                days[r.at.date(), r.event["provider"], r.cost.rates.model, r.event["model_tier"]].append(r)
        for day, requests in days.items():
            tokens = sum(_tokens(r.event) for r in requests)
            if day not in costs or not tokens:
                continue
            whole = costs[day]
            cuts = [Decimal(0)]
            running = 0
            for r in requests:
                running += _tokens(r.event)
                cuts.append((whole * running / tokens).quantize(Decimal("1e-12"), ROUND_FLOOR))
            for r, (before, after) in zip(requests, pairwise(cuts), strict=True):
                r.share = after - before

    # Amounts.

    def _amounts(self, r: Request, totals: dict[Any, Decimal]) -> Rated:
        has_tokens = _tokens(r.event) > 0
        revenue = _sum(r.event, r.revenue, lambda unit, quantity, price: self._charge(r, totals, unit, quantity, price))
        if r.revenue.marked_up and r.cost.spread and has_tokens:
            revenue = None
        cost = _sum(r.event, r.cost, lambda _unit, quantity, price: quantity * price, shared=r.cost.spread)
        if r.cost.spread and r.cost.found and has_tokens:
            cost = None if cost is None or r.share is None else cost + r.share
        currencies = [side.rates.currency for side in (r.revenue, r.cost) if side.rates]
        currency = currencies[0] if currencies else self.case.reporting_currency if _used_nothing(r.event) else None
        foreign = r.cost.rates is not None and r.cost.rates.currency != currency
        return Rated(revenue, None if foreign else cost, cost if foreign else None, currency)

    def _charge(
        self, r: Request, totals: dict[Any, Decimal], unit: str, quantity: Decimal, price: Decimal
    ) -> Decimal | None:
        """What the allowance left of a quantity, part by part at the price of its band."""
        left = quantity - r.allowed.get(unit, Decimal(0))
        if unit not in r.tariffs:
            return left * price
        counter, bands, before, after = r.tariffs[unit]
        starts = [band["quantity"] for band in bands]
        ends = [*starts[1:], Decimal("Infinity")]
        amount = Decimal(0)
        for band, start, end in zip(bands, starts, ends, strict=True):
            if band["kind"] == "volume":
                part = left if start < totals[counter] <= end else Decimal(0)
            else:
                part = max(Decimal(0), min(after, end) - max(before, start))
            if part == 0:
                continue
            left -= part
            if band["price"] is not None:
                if band["currency"] != r.revenue.rates.currency:
                    return None
                amount += part * band["price"] / band["per"]
            else:
                factor = _exact(r.revenue.factor * (ONE - band["percent"] / 100))
                if factor is None:
                    return None
                amount += part * r.revenue.rates.prices[unit] * factor
        assert left == 0, "the first band begins at nothing"
        return amount


def _sum(
    event: Row, side: Side, charge: Callable[[str, Decimal, Decimal], Decimal | None], *, shared: bool = False
) -> Decimal | None:
    if not side.found:
        return Decimal(0) if _used_nothing(event) else None
    prices = side.rates.prices
    if _counts_nothing(event) and not _failed_or_cached(event) and "request" not in prices:
        return None
    total = Decimal(0)
    for unit, quantity in _quantities(event, side.rates):
        if quantity == 0 or (unit == "request" and unit not in prices):
            continue
        price = prices.get(unit)
        if price is None and shared and unit in _BY_TOKEN:
            price = Decimal(0)
        amount = None if price is None else charge(unit, quantity, price * side.factor)
        if amount is None:
            return None
        total += amount
    return total


_BY_TOKEN = frozenset(u.name for u in ALL if u.dimension == "tokens")


def _quantities(event: Row, rates: RateSet) -> list[tuple[str, Decimal]]:
    """What an event used, by the unit that prices it."""
    used = []
    for unit in ALL:
        if unit.name in ("embedding", "gpu_hour"):
            continue
        name = unit.name
        quantity = (0 if _failed_or_cached(event) else 1) if name == "request" else event[unit.quantity]
        if name == "input" and event["operation"] == "embedding" and "embedding" in rates.prices:
            name = "embedding"
        used.append((name, Decimal(quantity)))
    return used


def _tokens(event: Row) -> int:
    return sum(int(event[name]) for name in _TOKENS)


def _counts_nothing(event: Row) -> bool:
    used = (u.quantity for u in ALL if u.name not in ("embedding", "gpu_hour", "request"))
    return all(Decimal(event[name]) == 0 for name in used)


def _failed_or_cached(event: Row) -> bool:
    return (event["status"] or 0) >= 400 or bool(event["gateway_cache_hit"])


def _used_nothing(event: Row) -> bool:
    return _failed_or_cached(event) and _counts_nothing(event)


def _priced_model(event: Row) -> str:
    return event["base_model"] or event["model"]


def _specificity(term: Row, asked: str) -> tuple[bool, ...]:
    names = (term["model"] == asked, term["model"] != "")
    return (term["organization_id"] != "*", *names, term["provider"] != "", term["region"] != "")


def _exact(factor: Decimal) -> Decimal | None:
    return factor if factor == factor.quantize(Decimal("0.000001")) else None


def _in_force(rows: list[Row], at: datetime) -> Row | None:
    """Of rows about one thing the one that holds: begun last, known last, not yet ended."""
    begun = [r for r in rows if r["valid_from"] <= at]
    if not begun:
        return None
    start = max(r["valid_from"] for r in begun)
    last = max((r for r in begun if r["valid_from"] == start), key=lambda r: r["known_from"])
    return last if last["valid_to"] is None or at < last["valid_to"] else None


def _grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "")).replace(tzinfo=UTC)


def _typed(row: dict[str, str]) -> Row:
    typed: Row = dict(row)
    typed["valid_from"] = _instant(row["valid_from"])
    typed["valid_to"] = _instant(row["valid_to"]) if row["valid_to"] else None
    typed["known_from"] = _instant(row["known_from"]) if row["known_from"] else typed["valid_from"]
    for name in ("price", "per", "percent"):
        if name in row:
            typed[name] = Decimal(row[name]) if row[name] else None
    if "quantity" in row:
        typed["quantity"] = Decimal(row["quantity"] or 0)
    if "context_from" in row:
        typed["context_from"] = int(row["context_from"])
    return typed
