"""Organisations with facts that never had usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipelines.organizations.unseen import unseen_organizations

if TYPE_CHECKING:
    from tests.organizations.conftest import Place

USED = "(select unnest(['acme', 'beta', 'Globex-Paris', 'globex-rome']) as organization_id)"


def test_they_are_told_with_those_most_alike(place: Place) -> None:
    facts = place.csv("organization_id\nacme\nacmee\nglobex-pari\nzzz\n")
    with duckdb.connect() as con:
        first, second, third = unseen_organizations(facts, con, USED)
    assert first == f"{facts.file}, line 3: 'acmee' never had usage; most alike: acme"
    assert second.endswith("most alike: Globex-Paris, globex-rome")
    assert third.endswith("line 5: 'zzz' never had usage")


def test_many_are_counted(place: Place) -> None:
    facts = place.csv("organization_id\n" + "".join(f"unknown-{n}\n" for n in range(1_015)))
    with duckdb.connect() as con:
        told = unseen_organizations(facts, con, USED)
    assert len(told) == 11
    assert told[-1].endswith(": 1,005 more organisations without usage")


def test_without_usage_or_facts_there_is_nothing_to_tell(place: Place) -> None:
    with duckdb.connect() as con:
        assert unseen_organizations(place.csv("organization_id\na\n"), con, f"(from {USED} where false)") == ()
        assert unseen_organizations(place.csv(""), con, USED) == ()
