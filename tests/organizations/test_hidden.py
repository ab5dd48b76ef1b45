"""Cards, accounts, addresses and people in the facts are stored under names of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pipelines import warehouse
from pipelines.landing.staging import define_macros

if TYPE_CHECKING:
    from tests.organizations.conftest import Place

OURS = re.compile(r"h_[0-9a-f]{24}")
RAW = [
    "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432", "someone@example.com", "203.0.113.7", "203.0.113.0/24", "2001:db8::1",
    "sk-proj-abcdefghijkl", "pm_1MqLiJLkdIwHu7ixUEgbFdYF", "12345678", "Jane Doe, Main Street 1",
]  # fmt: skip
DIGESTS = ["h_" + "1f" * 12, "ab" * 32, "ab" * 20, "ab12" * 8, "group-7", "visa_shared_3"]


@pytest.mark.parametrize("field", ["payment_group", "signup_network"])
@pytest.mark.parametrize("value", RAW)
def test_what_may_be_a_card_an_address_or_a_person_is_replaced(place: Place, field: str, value: str) -> None:
    facts = place.csv(f'organization_id,{field}\na,"{value}"\nb,"{value}"\n')
    assert facts.faults == ()
    one, other = facts.rows[field].to_pylist()
    assert OURS.fullmatch(one)
    assert one == other


@pytest.mark.parametrize("field", ["payment_group", "signup_network"])
@pytest.mark.parametrize("value", DIGESTS)
def test_a_digest_stays_as_it_is(place: Place, field: str, value: str) -> None:
    facts = place.csv(f"organization_id,{field}\na,{value}\n")
    assert facts.rows[field].to_pylist() == [value]


def test_a_card_is_one_whatever_is_written_between_its_digits(place: Place) -> None:
    text = "organization_id,payment_group\n" + "".join(f"o{n},{value}\n" for n, value in enumerate(RAW[:3]))
    assert len(set(place.csv(text).rows["payment_group"].to_pylist())) == 1


def test_another_home_gives_another_name_and_a_network_has_the_name_the_logs_give_it(place: Place) -> None:
    facts = place.csv("organization_id,signup_network\na,203.0.113.7\n")
    with warehouse.connect(place.home, in_memory=True) as con:
        define_macros(con, place.home)
        assert con.execute("select network_id('203.0.113.7')").fetchall() == [
            (facts.rows["signup_network"].to_pylist()[0],)
        ]
    place.home.salt_file.unlink()
    assert (
        place.csv("organization_id,signup_network\na,203.0.113.7\n").rows["signup_network"]
        != facts.rows["signup_network"]
    )


@pytest.mark.parametrize("field", ["payment_group", "signup_network"])
def test_no_fault_quotes_what_is_hidden(place: Place, field: str) -> None:
    facts = place.csv(f"organization_id,{field}\na, 4111111111111111\nx@example.com,\nx@example.com,\n")
    told = " ".join(fault.paragraph() for fault in facts.faults)
    assert len(facts.faults) == 3
    assert "4111" not in told
    assert "example" not in told
