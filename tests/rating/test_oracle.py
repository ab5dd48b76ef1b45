"""SQL and oracle agree on every amount of random worlds, to the last decimal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given

from tests.rating import oracle
from tests.rating.strategies import examples, reduced, worlds

if TYPE_CHECKING:
    import duckdb

    from tests.rating.case import Case


def disagreements(case: Case) -> list[str]:
    """What SQL and oracle say differently, and amounts that are missing without a reason or have one."""
    expected = oracle.rate(case)
    case.rate("rated_usage")
    found = case.ask("""
        select
            source, event_id, revenue_amount, cost_amount, foreign_cost_amount, billing_currency,
            unpriced_reason, uncosted_reason
        from rated_usage
        order by all""")
    told = [] if len(found) == len(case.events) else [f"{len(case.events)} events became {len(found)}"]
    for source, event_id, revenue, cost, foreign, currency, unpriced, uncosted in found:
        amounts = oracle.Rated(revenue, cost, foreign, currency)
        if amounts != expected[source, event_id]:
            reasons = f"{unpriced}; {uncosted}"
            told.append(f"{source} {event_id}: SQL {amounts} ({reasons}), oracle {expected[source, event_id]}")
        if (unpriced is None) != (revenue is not None) or (uncosted is None) != (cost is not None):
            told.append(f"{source} {event_id}: reasons {unpriced}, {uncosted} for {amounts}")
    return told


@given(case=worlds())
@examples(150)
def test_sql_agrees_with_the_oracle(case: Case, con: duckdb.DuckDBPyConnection) -> None:
    case.con = con
    if disagreements(case):
        smallest = reduced(case, lambda c: bool(disagreements(c)))
        raise AssertionError("\n".join([*disagreements(smallest), repr(smallest)]))
