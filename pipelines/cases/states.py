"""The states of a case and which of them may follow which. What a decision is made of belongs in `entry.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal[
    "new",
    "watching",
    "contacted",
    "suspended",
    "confirmed_extraction",
    "confirmed_evaluation",
    "stolen_key",
    "reseller",
    "benign_batch",
    "benign_launch",
    "benign_other",
    "remediated",
    "closed",
    "reinstated",
]
STATES: tuple[str, ...] = get_args(State)
BENIGN = frozenset({"benign_batch", "benign_launch", "benign_other"})
# Nobody has to do anything any more, unless the case comes back or its date passes.
DONE = BENIGN | {"remediated", "closed", "reinstated"}
# What was found out; `remediated` needs one of them.
FINDINGS = frozenset({"confirmed_extraction", "confirmed_evaluation", "stolen_key", "reseller"})
# What the detectors are there to find: the cases that recall is about.
SOUGHT = frozenset({"confirmed_extraction", "stolen_key"})
# After one of these nothing is allowed to the organisation that was allowed before.
WITHDRAWS = frozenset({"suspended", "confirmed_extraction", "confirmed_evaluation", "stolen_key"})
# Drawn at random, not flagged: nothing can be allowed there.
AUDIT = "audit_sample"


def is_suspended(history: Sequence[str]) -> bool:
    """Whether the account was suspended and not reinstated since; `history` is the states decided, oldest first."""
    held = False
    for state in history:
        held = (held or state == "suspended") and state != "reinstated"
    return held


def objection(history: Sequence[str], state: str) -> str | None:
    """Why `state` makes no sense after the states in `history`, with what to do instead; None where it does."""
    now = history[-1] if history else "new"
    if state == now and state in {"new", "closed", "remediated"}:
        return f"the case is {state} already: there is nothing to decide"
    suspended = is_suspended(history)
    if suspended and state == "suspended":
        return "the account is suspended already"
    if suspended and (state == "new" or state in BENIGN):
        return f"the account is suspended: decide reinstated first, then {state}"
    if state == "reinstated" and not suspended:
        return "nothing was suspended, so nothing can be reinstated: decide suspended first, or another state"
    if state == "remediated" and FINDINGS.isdisjoint(_since_new(history)):
        return (
            f"nothing was confirmed that could be remediated: decide first what it was ({', '.join(sorted(FINDINGS))})"
        )
    if state == "closed" and now == "new":
        return "nobody has looked into the case yet: decide what it was (benign_other if nothing was found)"
    return None


def _since_new(history: Sequence[str]) -> Sequence[str]:
    """States since the case was last put back to new."""
    places = [i for i, state in enumerate(history) if state == "new"]
    return history[places[-1] + 1 :] if places else history
