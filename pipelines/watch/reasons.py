"""Why a case is shown, in numbers, and what speaks against it.

A reason has code, text, value, unit, own_baseline (the organisation's own usual value, or null) and
peer_percentile (share of comparable organisation-days that are lower, or null). What lies in the peers'
highest tenth supports the case; what lies in their lower half speaks against it. These two marks only sort
evidence for the reader; whether there is a case was decided before, by rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.watch.groups import Group

Row = dict[str, Any]
Reason = dict[str, Any]

HIGH, LOW = 90.0, 50.0
WORDING = "unusual harvesting-like usage: review"

# measure -> code, text when high, unit
MEASURES = {
    "answer_length": ("long_answers", "Answers are longer than those of comparable organisations", "output tokens an answer"),
    "output_ratio": ("output_over_input", "More output for each input token than comparable organisations", "output tokens per input token"),
    "hour_entropy": ("flat_day", "Requests spread evenly over the hours of the day", "bits (4.58 = all hours alike)"),
    "top_template_share": ("one_template", "One prompt template makes up an unusual share of the requests", "share of requests"),
    "new_prompt_share": ("new_prompts", "Nearly every prompt is a new one", "distinct prompts per request"),
    "length_share": ("length_limit", "Answers run into the length limit unusually often", "share of answers"),
    "probing_share": ("probing_parameters", "Several answers or token probabilities asked for unusually often", "share of requests"),
    "rate_limited_share": ("rate_limited", "Often at the rate limit", "share of requests"),
}  # fmt: skip

# measure -> code and text when in the lower half
AGAINST = {
    "answer_length": (
        "short_answers",
        "Answers are no longer than usual among comparable organisations",
    ),
    "output_ratio": (
        "input_heavy",
        "Output per input token is not unusual among comparable organisations",
    ),
    "hour_entropy": (
        "own_hours",
        "Keeps to some hours of the day, as products with human users do",
    ),
    "top_template_share": ("many_templates", "Many prompt templates, none of them dominant"),
    "new_prompt_share": ("repeated_prompts", "Prompts repeat, so little new is learned from each"),
}


def single_reasons(row: Row) -> tuple[list[Reason], list[Reason]]:
    """Reasons and counter-evidence of one organisation on its most surprising day.

    `row` is the result of own_usual.sql: one column a measure, own_<measure> and <measure>_percentile.
    """
    reasons = [_unexplained(row)]
    against: list[Reason] = []
    for measure, (code, text, unit) in MEASURES.items():
        value, percentile = row[measure], row[f"{measure}_percentile"]
        if value is None or percentile is None:
            continue
        if percentile >= HIGH and value > 0:
            reasons.append(_reason(code, text, value, unit, row[f"own_{measure}"], percentile))
        elif percentile <= LOW and measure in AGAINST:
            code, text = AGAINST[measure]
            against.append(_reason(code, text, value, unit, row[f"own_{measure}"], percentile))
    if row["own_days"] == 0 and not row["age_is_censored"]:
        reasons.append(
            _reason(
                "new_account",
                "First day of this organisation; only peers to compare with",
                row["age_days"],
                "days old",
            )
        )
    elif row["own_days"] >= 14:  # noqa: PLR2004 - two weekly rhythms
        against.append(
            _reason(
                "known_account",
                "Has a history of its own in the weeks before",
                row["own_days"],
                "active days",
            )
        )
    users = row["end_users"] or 0
    if users > 1 and (row["end_users_percentile"] or 0) >= LOW:
        against.append(_reason("many_end_users", "Serves end users of its own", users, "end users", row["own_end_users"], row["end_users_percentile"]))  # fmt: skip
    if not row["has_digests"]:
        against.append(_reason("digests_missing", "The log has no prompt or template digests: variety is not known", None, ""))  # fmt: skip
    return reasons, against


def _unexplained(row: Row) -> Reason:
    """The span on which unexplained output is rarest among peers; ties go to the shorter."""
    spans = [
        d for d in (1, 7, 28) if row[f"tail_tokens_{d}"] is not None and row[f"unexplained_{d}"]
    ]
    days = min(spans, key=lambda d: (row[f"tail_tokens_{d}"], d))
    over = "on one day" if days == 1 else f"in {days} days"
    share = 100 * row[f"share_{days}"]
    text = (
        f"Output {over} that neither usual volume nor its requests and input at usual lengths explain: "
        f"{share:.0f} % of all output"
    )
    return _reason(
        "unexplained_output",
        text,
        row[f"unexplained_{days}"],
        "output tokens",
        days * row["usual_output"],
        100 * (1 - row[f"tail_tokens_{days}"]),
    )


def group_reasons(group: Group, facts: Row) -> tuple[list[Reason], list[Reason]]:
    """Reasons and counter-evidence of a group of accounts.

    `facts`: new_members, settled_members, mean_answer_length, peer_answer_length, surprise_percentile,
    length_spread and usual_length_spread (standard deviation of log10 answer length among members, among all).
    """
    size = len(group.members)
    reasons: list[Reason] = []
    against: list[Reason] = []
    if group.synchronous:
        middle = sorted(group.agreements)[len(group.agreements) // 2]
        reasons.append(
            _reason(
                "shared_rhythm",
                f"{len(group.synchronous)} accounts speed up and pause together, in ten-minute steps; agreement of a "
                "linked pair (own_baseline: what traffic shifted by whole days reaches by chance)",
                middle,
                "agreement",
                group.chance_agreement,
            )
        )
    for attribute, accounts in sorted(set(group.shared)):
        name = "client network" if attribute == "client_network" else "prompt template"
        reasons.append(
            _reason(
                f"shared_{attribute}", f"Accounts that share one rare {name}", accounts, "accounts"
            )
        )
    if facts["length_spread"] is not None and facts["usual_length_spread"]:
        alike = facts["length_spread"] < facts["usual_length_spread"]
        (reasons if alike else against).append(
            _reason(
                "alike_answers" if alike else "unlike_answers",
                "Answer lengths of the members are alike"
                if alike
                else "Answer lengths differ as much as between any accounts",
                facts["length_spread"],
                "spread in decades (own_baseline: all accounts)",
                facts["usual_length_spread"],
            )
        )
    if facts["new_members"]:
        reasons.append(
            _reason(
                "new_accounts", f"New accounts among the {size}", facts["new_members"], "accounts"
            )
        )
    if facts["settled_members"]:
        against.append(
            _reason("known_accounts", f"Accounts among the {size} with a longer history", facts["settled_members"], "accounts")
        )  # fmt: skip
    length = _reason(
        "member_answer_length",
        "Mean answer of the members (own_baseline: all accounts)",
        facts["mean_answer_length"],
        "output tokens an answer",
        facts["peer_answer_length"],
    )
    longer = (facts["mean_answer_length"] or 0) > (facts["peer_answer_length"] or 0)
    (reasons if longer else against).append(length)
    return reasons, against


def _reason(
    code: str,
    text: str,
    value: float | None,
    unit: str,
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
