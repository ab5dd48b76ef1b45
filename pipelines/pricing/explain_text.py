"""Lays an explanation out for people: two columns of plain text that fit 80 characters, every digit shown.

What there is to say is found in `explain.py`; nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.figures import count, digits, instant, money, quantity, until
from pipelines.pricing.page import Line, heading, lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from rich.console import Console

    from pipelines.pricing.explanation import Charge, Explanation, GpuShare, Part, PriceRow, Side, Term


def show(console: Console, found: Explanation) -> None:
    """Print the whole explanation: the request, each side, and the rows of the price book that it names."""
    notes = _numbered(found)
    heading(console, f"Request {found.event['event_id']} from {found.event['source']}")
    lines(console, _event_lines(found))
    for side in found.sides:
        amount = "no amount" if side.stored is None else money(side.stored, side.currency)
        heading(console, f"{side.name.capitalize()}: {amount}", above=1)
        lines(console, _side_lines(side, notes))
    if notes:
        heading(console, "Price rows", above=1)
        lines(console, [(f"[{number}]", _row(row)) for row, number in notes.items()])
    heading(console, f"Price book {found.price_book}", above=1)
    lines(console, [("note", note) for note in found.notes])


def _numbered(found: Explanation) -> dict[PriceRow, int]:
    """The price rows of both sides, each once, with its number."""
    used = [charge.row for side in found.sides for charge in side.charges if charge.row is not None]
    return {row: number for number, row in enumerate(dict.fromkeys(used), 1)}


def _event_lines(found: Explanation) -> Iterator[Line]:
    event = found.event
    yield "when", instant(event["occurred_at"])
    product = f", product {event['product_id']}" if event["product_id"] else ""
    key = f", key {event['api_key_id']}" if event["api_key_id"] else ""
    yield "who", f"{event['organization_id']}{product}{key}"
    tuned = f", tuned from {event['base_model']}" if event["base_model"] else ""
    yield "model", f"{event['provider']} {event['model']}{tuned}"
    region = f", region {event['region']}" if event["region"] else ", region unknown"
    yield "served", f"model tier {event['model_tier']}, service tier {event['service_tier']}{region}"
    state = [event["operation"] or "call"]
    if event["status"] is not None:
        state.append(f"status {event['status']}")
    if event["gateway_cache_hit"]:
        state.append("answered from the gateway's own cache")
    yield "what", ", ".join(state)
    used = [f"{digits(quantity)} {unit}" for unit, quantity in found.quantities.items()]
    yield "used", ", ".join(used) or "nothing"


def _side_lines(side: Side, notes: dict[PriceRow, int]) -> Iterator[Line]:
    if side.reason:
        yield "why", f"{side.reason}."
    if side.stands_for:
        yield "looked for", f"{side.stands_for}, which this id is an alias of at that instant"
    if side.way_out:
        yield "what would help", side.way_out
    if side.rate is None:
        if side.stored is not None:
            yield "why", "Nothing was used and no rate was asked for: a failed call, or one that the gateway answered."
        return
    rate = side.rate
    alias = f" (alias of {rate.priced_as}, whose rows price it)" if rate.priced_as != rate.model else ""
    yield "rate set", f"{rate.provider} {rate.model}{alias}, {rate.model_tier}, {rate.service_tier}"
    yield "", f"in force {instant(rate.valid_from)} to {until(rate.valid_to)}"
    if rate.region:
        yield "", f"region {rate.region}"
    if rate.context_from or rate.context_to is not None:
        end = "and more" if rate.context_to is None else f"to {rate.context_to - 1:,}"
        yield "", f"requests of {rate.context_from:,} {end} input tokens"
    for number, step in enumerate(_steps(side), 1):
        yield ("order" if number == 1 else ""), f"{number}. {step}"
    if side.factor is not None:
        yield "factor", _factor(side, side.factor)
    for charge in side.charges:
        yield from _charge_lines(charge, rate.currency, notes)
    if side.share is not None:
        yield from _share_lines(side.share, rate.currency)
    yield from _sum_lines(side)


def _steps(side: Side) -> Iterator[str]:
    """The order of application, each step with what counted in it."""
    by_kind = {term.kind: term for term in side.terms}
    card = by_kind.get("card")
    name = side.rate.card if side.rate else ""
    markup = by_kind.get("markup")
    apart = ", but not of hours of GPUs" if side.spread else ""
    whose = "the cost side's card" if markup else "the general card of this side"
    yield f"card {name}: {_of(card) if card else whose}"
    yield f"uplift: {_percent(by_kind.get('uplift'), f'more{apart}')}"
    yield f"discount: {_percent(by_kind.get('discount'), f'off{apart}')}"
    if markup:
        yield f"mark-up over the cost side's prices: {_percent(markup, 'more')}"
    bands = [part.term.kind for charge in side.charges for part in charge.parts]
    yield f"allowance: {_allowance(side, is_in_parts='allowance' in bands)}"
    yield f"bands by quantity: {'see the parts below' if {'graduated', 'volume'} & set(bands) else 'none'}"


def _allowance(side: Side, *, is_in_parts: bool) -> str:
    told = ["see the parts below"] if is_in_parts else []
    for term in side.used_up:
        free = digits(term.quantity)
        told.append(f"nothing left for {term.unit}, {free} of {free} used before in the month ({_of(term)})")
    return "; ".join(told) or "none"


def _factor(side: Side, factor: Decimal) -> str:
    if side.spread and all(charge.in_share for charge in side.charges):
        return "none: percentages do not touch hours of GPUs"
    apart = ", but not hours of GPUs" if side.spread else ""
    if any(part.term.price is not None for charge in side.charges for part in charge.parts):
        apart += ", but not a band's price of its own"
    return f"{digits(factor)}, by which prices are multiplied{apart}{'' if side.terms else ' (no terms)'}"


def _percent(term: Term | None, way: str) -> str:
    if term is None or term.percent is None:
        return "none"
    return f"{digits(term.percent)} % {way}, {_of(term)}"


def _of(term: Term) -> str:
    whose = "everybody" if term.organization_id == "*" else term.organization_id
    return f"term of {whose} for {term.scope} from {instant(term.valid_from)} to {until(term.valid_to)}: {term.source}"


def _charge_lines(charge: Charge, currency: str, notes: dict[PriceRow, int]) -> Iterator[Line]:
    if charge.in_share:
        yield charge.unit, f"{digits(charge.quantity)}: no price a token; part of the share of hours below"
        return
    amount = "no price" if charge.amount is None else digits(charge.amount)
    alike = "" if charge.priced_as == charge.unit else f", priced as {charge.priced_as}"
    note = alike + ("" if charge.row is None else f"  [{notes[charge.row]}]")
    if not charge.parts:
        yield charge.unit, f"{_regular(charge, currency)} = {amount}{note}"
        return
    yield charge.unit, f"{digits(charge.quantity)} in parts = {amount}{note}"
    for part in charge.parts:
        yield "", _part(part)
    if charge.regular_quantity:
        yield "", f"{_regular(charge, currency)} (the rest)"


def _regular(charge: Charge, currency: str) -> str:
    used = digits(charge.regular_quantity)
    if charge.row is None:
        return f"{used} × ?"
    block = "" if charge.row.per == 1 else f" per {charge.row.per:,}"
    factor = "" if charge.factor == 1 else f" × {digits(charge.factor)}"
    return f"{used} × {money(charge.row.price, currency)}{block}{factor}"


def _part(part: Part) -> str:
    kind = part.term.kind
    if kind == "allowance":
        what = f"of the first {digits(part.term.quantity)} of the month"
    else:
        off = f"{digits(part.term.percent)} % off" if part.term.percent is not None else "a price of its own"
        what = f"band from {digits(part.term.quantity)} on, {off}"
    price = "?" if part.price is None else digits(part.price)
    amount = f"no price: {part.problem}" if part.amount is None else digits(part.amount)
    before = f"{digits(part.before)} used before in the month"
    if part.month is not None:
        before += f", {digits(part.month)} in the whole month, which decides the band"
    return f"{digits(part.quantity)} × {price} = {amount} ({kind}, {what}; {before}; {part.term.source})"


def _row(row: PriceRow) -> str:
    place = f"{row.place} ({row.origin})" if row.place else f"in {row.origin}"
    context = f", from {row.context_from:,} input tokens" if row.context_from else ""
    checked = f", checked on {row.checked_on}" if row.checked_on else ""
    return (
        f"{place}: valid {instant(row.valid_from)} to {until(row.valid_to)}{context}, "
        f"known from {instant(row.known_from)}{checked}: {row.source}"
    )


def _share_lines(share: GpuShare, currency: str) -> Iterator[Line]:
    hours = f"{quantity(share.gpu_hours, 'hour')} × {money(share.price, currency)} = {digits(share.day_amount)}"
    yield "hours of GPUs", f"share of {share.day}: {hours}"
    spread = f"over {share.day_tokens:,} tokens of {count(share.requests, 'request')}"
    last = share.tokens_before + share.tokens
    yield "", f"{spread}; tokens {share.tokens_before:,} to {last:,} of them = {digits(share.amount)}"


def _sum_lines(side: Side) -> Iterator[Line]:
    if side.stored is None:
        return
    amounts = [charge.amount for charge in side.charges if not charge.in_share]
    if side.share is not None:
        amounts.append(side.share.amount)
    parts = " + ".join("?" if amount is None else digits(amount) for amount in amounts) or "0"
    found = "unknown" if side.found is None else digits(side.found)
    yield "sum", parts if parts == found else f"{parts} = {found}"
    if side.agrees:
        yield "", "equal to the stored amount, to the last digit"
    else:
        yield "", f"NOT EQUAL to the stored amount, {digits(side.stored)}"
