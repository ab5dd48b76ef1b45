"""Lays out for people whether tuned models have paid for themselves.

What they came to and how that compares is found in `break_even.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipelines.money import exact, shown
from pipelines.pricing.break_even import per_million, verdict
from pipelines.pricing.figures import count, digits, money, quantity
from pipelines.pricing.page import heading, lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from rich.console import Console

    from pipelines.pricing.break_even import Compared, Tuned
    from pipelines.pricing.page import Line

_PLACES = 6


def show(console: Console, found: Sequence[Tuned]) -> None:
    """Print each tuned model with its comparisons."""
    if not found:
        heading(console, "No tuned model has been used, trained or hosted.")
    for number, tuned in enumerate(found):
        part = f", in {tuned.currency}" if tuned.incomparable else ""
        heading(console, f"{tuned.organization_id}: {tuned.provider} {tuned.model}{part}", above=min(number, 1))
        lines(console, _facts(tuned))
        for place, compared in enumerate(tuned.comparisons):
            lines(console, _comparison(tuned, compared, is_base=place == 0))


def _facts(tuned: Tuned) -> Iterator[Line]:
    used = f"{count(tuned.usage_requests, 'request')} with {count(tuned.usage_tokens, 'token')}"
    yield "used", f"{used} in {count(tuned.use_days, 'day')}: {_amount(tuned.usage_amount, tuned)}"
    jobs = f"{count(tuned.training_jobs, 'job')}: {_amount(tuned.training_amount, tuned)}"
    yield "training", jobs if tuned.training_jobs else "none known"
    hours = f"{quantity(tuned.hosting_hours, 'hour')}: {_amount(tuned.hosting_amount, tuned)}"
    yield "hosting", hours if tuned.hosting_hours else "none known"
    if tuned.unpriced_requests:
        yield "unpriced", f"{tuned.unpriced_requests:,} of them have no amount; see `meterhouse unpriced`"
    if tuned.converted_from:
        converted = " and ".join(tuned.converted_from)
        verb = "is" if len(tuned.converted_from) == 1 else "are"
        yield (
            "currency",
            f"{converted} {verb} converted to {tuned.currency} at the rate of exchange of each billing day",
        )


def _comparison(tuned: Tuned, compared: Compared, *, is_base: bool) -> Iterator[Line]:
    name = f"its base, {compared.name}" if is_base else compared.name
    saving = compared.saving
    if saving is None or not compared.tokens:
        yield "against", name
    else:
        yield "against", f"{name}:"
        tokens = f"{count(compared.requests, 'request')} with {count(compared.tokens, 'token')}"
        yield (
            "",
            (
                f"{tokens} came to {_amount(compared.tuned_amount, tuned)} tuned, and would come to "
                f"{_amount(compared.other_amount, tuned)} there"
            ),
        )
        level = "saves" if saving > 0 else "is dearer by"
        each = _rounded(abs(per_million(saving, compared.tokens)))
        yield "", f"tuning {level} {tuned.currency} {each} per 1,000,000 tokens" if saving else "both cost the same"
        if compared.reason:
            left_out = tuned.usage_requests - compared.requests
            yield "", f"{count(left_out, 'request')} left out: {compared.reason}"
    found = verdict(tuned, compared)
    text = found.text
    if found.requests is not None and found.tokens is not None and found.days is not None:
        use = f"{count(found.requests, 'request')} with {count(found.tokens, 'token')}"
        when = "it took" if found.is_paid else "it will be after"
        text += f": {when} {use}, at the present rate {count(found.days, 'day')} from the first use on"
    yield "paid back?", text
    if tuned.incomparable or compared.incomparable:
        yield "", "Add that rate under prices/exchange_rates/ of the home and run again."


def _amount(amount: Decimal | None, tuned: Tuned) -> str:
    return "no amount" if amount is None else money(amount, tuned.currency)


def _rounded(value: Fraction) -> str:
    with exact():
        decimal = Decimal(value.numerator) / Decimal(value.denominator)
    return digits(shown(decimal, _PLACES))
