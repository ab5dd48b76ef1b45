"""Terms of an organisation that no event is of."""

from __future__ import annotations

import pytest

from pipelines.home import Home
from pipelines.pricing.check_organizations import unseen_organizations
from tests.pricing.built import build_home
from tests.pricing.price_books import term_row, write_home
from tests.rating.case import Case, event


@pytest.fixture
def used(tmp_path):
    """A home with events of acme, beta and two more."""
    names = ("acme", "beta", "Globex-Paris", "globex-rome")
    events = [event(event_id=name, organization_id=name, input_tokens=1) for name in names]
    return build_home(tmp_path / "used", Case(rates=[{}], events=events))


def test_an_organisation_that_no_event_is_of_is_told_with_those_most_alike(used):
    rows = [term_row("discount", organization_id=one) for one in ("acme", "*", "acmee", "globex-pari")]
    path = write_home(used, terms=rows)["terms"]
    first, second = unseen_organizations(used)
    assert (first.severity, first.file, first.line, first.field) == ("warning", str(path), 4, "organization_id")
    assert first.cause == (
        "no event of this home is of the organisation 'acmee', so the term matches nothing; most alike: acme"
    )
    assert second.cause.endswith("most alike: Globex-Paris, globex-rome")


def test_an_organisation_is_told_once(used):
    write_home(used, terms=[term_row(kind, organization_id="zzz") for kind in ("card", "discount", "uplift")])
    (one,) = unseen_organizations(used)
    assert one.line == 2
    assert one.cause.endswith("'zzz', so its 3 rows match nothing")


def test_a_home_without_events_or_terms_has_nothing_to_tell(home, used):
    write_home(home, terms=[term_row("discount")])
    assert unseen_organizations(home) == []
    write_home(used, terms=[])
    assert unseen_organizations(used) == []
    assert unseen_organizations(Home(home.root / "none")) == []
