"""What would give a request its amount: the way out of each reason, and rows of price tables ready to be filled in.

What is not known stands as `?` in such a row: nothing is invented, and the check of the price tables refuses it until
somebody has put the figure there. Which requests lack a rate belongs in `unpriced.py`.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.pricing.figures import instant
from pipelines.pricing.tables import ALIASES, RATES, SERVING_HOURS, TERMS, PriceTable
from pipelines.pricing.units import ALL, BLOCKS, BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

MARKED_UP_HOURS = "a mark-up cannot be taken over hours of GPUs"
FOREIGN_COST = "cost rate is in another currency"
_QUANTITY = re.compile(r"no rate for (\w+_(?:tokens|hours|calls)|requests)$")
_REGION = re.compile(r"no rate for region (.+)$")
# The beginning of a reason → what to do about it, where no row of rates would help.
_OTHER_WAYS_OUT = {
    "the call succeeded but nothing was counted": "Let the feed report what it used, or add a `request` rate.",
    "no hours of GPUs are known": "Add the day's hours to prices/serving_hours/.",
    "the percentages of the terms": "Correct the percentages in prices/terms/: together at most six places.",
    "the price of a quantity band": "Give the band in prices/terms/ in the currency of the model's rate.",
    MARKED_UP_HOURS: "Take the model out of the mark-up by a term of the kind markup that names it and has no percent, "
    "and give it prices on a card that the cost side does not use, if it has none there: the cost stays as it is.",
    FOREIGN_COST: "The cost is known in its own currency; spend_reported converts it.",
}


def way_out_over_hours() -> str:
    """What to do where the card that would price the revenue is that of hours of GPUs too."""
    return (
        "Give the model prices on a card that the cost side does not use, and a term that names it: on the card of its "
        "hours of GPUs they would be added to the cost."
    )


def way_out_by_term(card: str) -> str:
    """What to do about a mark-up over hours of GPUs where the card that would be asked instead has the prices."""
    return (
        "Take the model out of the mark-up by a term of the kind markup that names it and has no percent. That is all: "
        f"card {card} has its prices already."
    )


def lacks_rate(reason: str) -> bool:
    """Whether a row of rates would give an amount."""
    return reason.startswith(("model is not in the price book", "no rate"))


def way_out(reason: str) -> str:
    """What to do about a reason, in a sentence or two."""
    for beginning, way in _OTHER_WAYS_OUT.items():
        if reason.startswith(beginning):
            return way
    if reason == "no rate in force at this instant":
        return "Add rows that are valid at that instant; a row that already stands is never changed."
    if reason == "no rate for requests of this length":
        return "Add rows with a smaller context_from, as 0: those there are begin at longer requests."
    if unit := lacking_unit(reason):
        return f"Add a row of the unit {unit}."
    if reason == "model is not in the price book":
        return "Add its rows, or an alias of a model that has them."
    return "Add the rows that are missing; nothing falls back to another tier or region."


def lacking_unit(reason: str) -> str | None:
    """The unit that a reason names as having no price, if it names one."""
    found = _QUANTITY.search(reason)
    return next((unit.name for unit in ALL if found and unit.quantity == found[1]), None)


def lacking_region(reason: str) -> str:
    """The region that a reason names, else nothing: rates without a region hold for every one."""
    found = _REGION.search(reason)
    return found[1] if found else ""


def rate_line(
    *,
    card: str,
    provider: str,
    model: str,
    model_tier: str,
    service_tier: str,
    region: str,
    unit: str,
    currency: str | None,
    context_from: int,
    valid_from: datetime,
    valid_to: datetime | None,
) -> str:
    """A CSV line of a rate. The currency is known where the row stands beside others."""
    known = {
        "card": card,
        "provider": provider,
        "model": model,
        "model_tier": model_tier,
        "service_tier": service_tier,
        "region": region,
        "unit": unit,
        "per": str(BLOCKS[BY_NAME[unit].dimension][0]),
        "context_from": str(context_from),
        "valid_from": instant(valid_from),
        "valid_to": "" if valid_to is None else instant(valid_to),
        # What is learnt today was not known before: what stood then stays as it stood.
        "known_from": _today(),
    }
    return _line(RATES, known if currency is None else known | {"currency": currency})


def alias_line(provider: str, alias: str, model: str, needed_from: datetime) -> str:
    """A CSV line that says that `alias` stood for `model`."""
    begin = instant(needed_from.replace(hour=0, minute=0, second=0, microsecond=0))
    row = {"provider": provider, "alias": alias, "model": model, "valid_from": begin, "valid_to": "",
           "known_from": _today()}  # fmt: skip
    return _line(ALIASES, row)


def term_line(*, valid_from: datetime, **known: str) -> str:
    """A CSV line of a term, empty where nothing is said."""
    row = dict.fromkeys(TERMS.columns, "") | known | {"valid_from": instant(valid_from), "known_from": _today()}
    return _line(TERMS, row | {"source": "?", "checked_on": "?"})


def _today() -> str:
    return instant(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None))


def hours_line(day: date, provider: str, model: str, model_tier: str) -> str:
    """A CSV line for the hours of GPUs of a day."""
    row = {"usage_date": day.isoformat(), "provider": provider, "model": model, "model_tier": model_tier}
    return _line(SERVING_HOURS, row)


def _line(table: PriceTable, known: Mapping[str, str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(known.get(column, "?") for column in table.columns)
    return text.getvalue()
