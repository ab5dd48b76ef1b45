"""A decision made of what a reviewer says of a case: what is left out is taken from the case and the rules.

Writing it down belongs in `store.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pipelines.cases.entry import MOST_DAYS, Allow, Entry
from pipelines.cases.listing import days_of
from pipelines.cases.states import AUDIT, BENIGN
from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pipelines.cases.listing import Listed
    from pipelines.home import Home

USUAL_DAYS = 90  # for which a benign decision allows something


def make_decision(
    home: Home, case: Listed, *, state: str, reviewer: str, why: str, until: date | None, cap: int | None
) -> Entry:
    """The entry, not sealed yet. A benign one allows each organisation its highest day of the case, for USUAL_DAYS."""
    now = datetime.now(UTC).replace(microsecond=0)
    allow: list[Allow] = []
    if state in BENIGN and case.detector != AUDIT:
        until = until or now.date() + timedelta(days=USUAL_DAYS)
        allow = _notes(home, case, cap)
    elif cap is not None:
        raise MeterhouseError(
            "there is nothing to allow: --cap is for a benign decision on a case that was flagged.",
            way_out="Leave --cap out.",
        )
    if until is not None and until < now.date():
        raise MeterhouseError(
            f"{until} has passed already.", field="--until", way_out="Name a day that is to come, as in 2027-01-31."
        )
    if state in BENIGN and until is not None and until > now.date() + timedelta(days=MOST_DAYS):
        raise MeterhouseError(
            f"a benign decision holds for {MOST_DAYS} days at most.",
            field="--until",
            way_out=f"Name a day up to {now.date() + timedelta(days=MOST_DAYS)}, and decide again when it has passed.",
        )
    return _entry(
        case_id=case.case_id,
        organization_ids=list(case.organization_ids),
        detector=case.detector,
        state=state,
        reviewer=" ".join(reviewer.split()),
        time=now,
        why=" ".join(why.split()),
        until=until,
        allow=allow,
        snapshot=case.snapshot,
    )


def _entry(**fields: Any) -> Entry:
    try:
        return Entry(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MeterhouseError(
            first["msg"].removeprefix("Value error, ") + ".",
            field=".".join(str(part) for part in first["loc"]) or None,
            way_out="Nothing was decided. Correct it and decide again.",
        ) from error


def _notes(home: Home, case: Listed, cap: int | None) -> list[Allow]:
    highest = highest_days(home, case)
    unknown = [name for name in case.organization_ids if not highest.get(name)]
    if cap is None and unknown:
        raise MeterhouseError(
            f"how much {unknown[0]} used on the days of the case is not known.",
            field="--cap",
            way_out="Say with --cap how many output tokens a day are benign.",
        )
    return [
        Allow(organization_id=name, detector=case.detector, cap_output_tokens_per_day=cap or highest[name])
        for name in case.organization_ids
    ]


def highest_days(home: Home, case: Listed) -> dict[str, int]:
    """Output tokens of each organisation on its highest day of the case."""
    highest: dict[str, int] = {}
    for _, name, _, output in days_of(home, case):
        highest[name] = max(output, highest.get(name, 0))
    return highest


def snapshots(cases: Sequence[Listed]) -> Callable[[Entry], Entry]:
    """Gives an entry that was written by hand without a snapshot the case as it is now, where it is in the queue."""
    by_id = {case.case_id: case for case in cases}

    def complete(entry: Entry) -> Entry:
        case = by_id.get(entry.case_id)
        if entry.snapshot is not None or case is None:
            return entry
        return entry.model_copy(update={"snapshot": case.snapshot})

    return complete
