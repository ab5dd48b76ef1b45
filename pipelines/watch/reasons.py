"""Why a case is shown, in numbers, and what speaks against it.

A reason has code, text, value, unit, own_baseline (the usual value to compare with, or null) and
peer_percentile (share of comparable organisation-days that are lower, or null). What lies in the
peers' highest tenth supports the case; what lies in their lower half speaks against it. These two
marks only sort evidence for the reader: whether there is a case was decided before, by rank.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipelines.watch.wording import HIGH_MEASURES, LOW_MEASURES

if TYPE_CHECKING:
    from pipelines.watch.groups import Group
    from pipelines.watch.sql import Row

Reason = dict[str, Any]

HIGH, LOW = 90.0, 50.0
KNOWN_DAYS = 14  # own days that count as a history: two weekly rhythms


def single_reasons(row: Row) -> tuple[list[Reason], list[Reason]]:
    """Reasons and counter-evidence of one organisation on its most surprising day.

    `row` is the result of own_usual.sql: a measure, own_<measure> and <measure>_percentile.
    """
    reasons: list[Reason] = [_unexplained(row)]
    against: list[Reason] = []
    for measure, words in HIGH_MEASURES.items():
        value, own, percentile = row[measure], row[f"own_{measure}"], row[f"{measure}_percentile"]
        if value is None:
            continue
        if percentile >= HIGH and value > 0:
            reasons.append(_reason(*words, value, own, percentile))
        elif percentile <= LOW and measure in LOW_MEASURES:
            against.append(_reason(*LOW_MEASURES[measure], value, own, percentile))
    age, days = row["age_days"], row["own_days"]
    if days == 0 and not row["age_is_censored"]:
        text = "Too new for a usual level of its own; compared with peers only"
        reasons.append(_reason("new_account", text, "days since first seen", age))
    elif days >= KNOWN_DAYS:
        text = "Has a history of its own in the weeks before"
        against.append(_reason("known_account", text, "active days", days))
    if row["end_users"] > 1 and row["end_users_percentile"] >= LOW:
        text = "Serves end users of its own"
        own, percentile = row["own_end_users"], row["end_users_percentile"]
        against.append(_reason("many_end_users", text, "end users", row["end_users"], own, percentile))
    if not row["has_digests"]:
        text = "The log has no prompt or template digests: variety is not known"
        against.append(_reason("digests_missing", text, "", None))
    return reasons, against


def _unexplained(row: Row) -> Reason:
    """The span on which the unexplained amount is rarest; ties go to the shorter."""
    spans = [d for d in (1, 7, 28) if row[f"tail_tokens_{d}"] is not None]
    days = min((d for d in spans if row[f"unexplained_{d}"]), key=lambda d: (row[f"tail_tokens_{d}"], d))
    last = row["usage_date"]
    when, span = f"on {last}", "that day"
    if days > 1:
        when, span = f"from {last - timedelta(days=days - 1)} to {last}", f"those {days} days"
    text = (
        f"Output {when} that neither usual volume nor usual lengths of answers explain:"
        f" {100 * row[f'share_{days}']:.0f} % of all its output {'' if days == 1 else 'in '}{span}"
        f" (own_baseline: usual output {'of an active day' if days == 1 else f'of {days} active days'})"
    )
    return _reason(
        "unexplained_output",
        text,
        f"output tokens {'on' if days == 1 else 'in'} {span}",
        row[f"unexplained_{days}"],
        days * row["usual_output"],
        100 * (1 - row[f"tail_tokens_{days}"]),
    )


def group_reasons(group: Group, facts: Row) -> tuple[list[Reason], list[Reason]]:
    """Reasons and counter-evidence of a group; `facts` is the row of group_facts.sql."""
    size = len(group.members)
    reasons = _ties(group)
    against: list[Reason] = []
    spread, usual_spread = facts["length_spread"], facts["usual_length_spread"]
    if spread is not None and usual_spread is not None:
        alike = spread < usual_spread
        code = "alike_answers" if alike else "unlike_answers"
        text = f"Answer lengths of the members are {'more' if alike else 'no more'} alike than usual"
        unit = "spread in decades (own_baseline: all accounts)"
        (reasons if alike else against).append(_reason(code, text, unit, spread, usual_spread))
    if facts["new_members"]:
        text = f"New accounts among the {size}"
        reasons.append(_reason("new_accounts", text, "accounts", facts["new_members"]))
    if facts["settled_members"]:
        text = f"Accounts with a longer history among the {size}"
        against.append(_reason("known_accounts", text, "accounts", facts["settled_members"]))
    mean, peers = facts["mean_answer_length"], facts["peer_answer_length"]
    if mean is not None and peers is not None:
        code = "long_answers" if mean > peers else "short_answers"
        text = "Mean answer of the members (own_baseline: the middle account of all)"
        (reasons if mean > peers else against).append(_reason(code, text, "output tokens an answer", mean, peers))
    return reasons, against


def _ties(group: Group) -> list[Reason]:
    """What links the members."""
    reasons = []
    if group.synchronous:
        text = (
            f"{len(group.synchronous)} accounts speed up and pause together, in ten-minute steps:"
            " agreement of the middle linked pair (own_baseline: what the same traffic reaches by"
            " chance, shifted by whole days)"
        )
        middle = sorted(group.agreements)[len(group.agreements) // 2]
        reasons.append(_reason("shared_rhythm", text, "agreement", middle, group.chance_agreement))
    for attribute, accounts in sorted(set(group.shared)):
        text = f"Accounts that share one rare {attribute.replace('_', ' ')}"
        reasons.append(_reason(f"shared_{attribute}", text, "accounts", accounts))
    return reasons


def _reason(
    code: str,
    text: str,
    unit: str,
    value: float | None,
    own_baseline: float | None = None,
    peer_percentile: float | None = None,
) -> Reason:
    return {
        "code": code,
        "text": text,
        "value": _short(value),
        "unit": unit,
        "own_baseline": _short(own_baseline),
        "peer_percentile": None if peer_percentile is None else round(peer_percentile, 1),
    }


def _short(value: float | None) -> float | int | None:
    """Whole numbers as they are, the rest to four places."""
    if value is None:
        return None
    number = round(float(value), 4)
    return int(number) if number == int(number) else number
