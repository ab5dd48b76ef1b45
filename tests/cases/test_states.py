"""Which decision may follow which: what makes no sense is refused, everything else is not."""

from __future__ import annotations

import pytest

from pipelines.cases.states import BENIGN, DONE, STATES, WITHDRAWS, is_suspended, objection


@pytest.mark.parametrize(
    ("history", "state", "said"),
    [
        ([], "new", "new already"),
        ([], "reinstated", "nothing was suspended"),
        (["suspended", "reinstated"], "reinstated", "nothing was suspended"),
        (["suspended"], "suspended", "suspended already"),
        (["suspended", "confirmed_extraction"], "suspended", "suspended already"),
        (["suspended", "watching"], "benign_other", "decide reinstated first, then benign_other"),
        (["suspended"], "new", "decide reinstated first"),
        ([], "remediated", "nothing was confirmed"),
        (["suspended"], "remediated", "nothing was confirmed"),
        (["stolen_key", "new", "watching"], "remediated", "nothing was confirmed"),
        (["stolen_key", "remediated"], "remediated", "remediated already"),
        ([], "closed", "nobody has looked"),
        (["watching", "new"], "closed", "nobody has looked"),
        (["watching", "closed"], "closed", "closed already"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(history: list[str], state: str, said: str) -> None:
    assert said in (objection(history, state) or "")


@pytest.mark.parametrize(
    ("history", "state"),
    [
        (["suspended"], "reinstated"),
        (["suspended", "confirmed_extraction"], "reinstated"),
        (["suspended", "reinstated"], "suspended"),
        (["suspended", "reinstated"], "benign_other"),
        (["confirmed_extraction"], "benign_other"),
        (["stolen_key"], "remediated"),
        (["reseller", "suspended"], "remediated"),
        (["watching"], "closed"),
        (["suspended"], "closed"),
        (["closed"], "new"),
        (["watching"], "watching"),
        (["benign_batch"], "benign_batch"),
        (["benign_batch"], "confirmed_extraction"),
    ],
)
def test_corrections_and_renewals_are_not(history: list[str], state: str) -> None:
    assert objection(history, state) is None


def test_first_decisions_are_all_but_those_that_need_another() -> None:
    assert {s for s in STATES if objection([], s)} == {"new", "reinstated", "remediated", "closed"}


def test_groups_of_states_are_states() -> None:
    assert len(STATES) == 14
    assert set(STATES) >= BENIGN | DONE | WITHDRAWS
    assert BENIGN.isdisjoint(WITHDRAWS)


def test_a_suspension_lasts_until_reinstated() -> None:
    assert is_suspended(["suspended", "confirmed_extraction", "closed"])
    assert not is_suspended(["suspended", "closed", "reinstated"])
