"""What holds of all rated requests: order, batches and threads change nothing, parts add up, time splits exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.landing.contract import BUCKETS, METERS
from pipelines.pricing.tables import ALIASES, RATES, TERMS
from tests.rating.case import Case, event, filled
from tests.rating.models import build
from tests.rating.strategies import CHANGES, START, alias_rows, books, examples, instant, term_rows, worlds

if TYPE_CHECKING:
    import duckdb

    from pipelines.pricing.tables import PriceTable

Row = dict[str, Any]
TABLES = ("rated_usage", "spend_daily", "monthly_bands", "spread_days")


def digest(case: Case) -> dict[str, tuple[Any, ...]]:
    """Row count and order-free digest of each table."""
    return {t: case.ask(f"select count(*), sum(hash({t})::hugeint) from {t}")[0] for t in TABLES}


def amounts(case: Case) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Both sides of every request."""
    rows = case.ask("""
        select source, event_id, revenue_amount, cost_amount, foreign_cost_amount, billing_currency, unpriced_reason,
            uncosted_reason
        from rated_usage""")
    return {row[:2]: row[2:] for row in rows}


# Order, threads and batches.


@given(case=worlds(), data=st.data())
@examples(15)
def test_neither_order_nor_threads_change_anything(
    case: Case, data: st.DataObject, con: duckdb.DuckDBPyConnection
) -> None:
    case.con = con
    expected = digest(case.rate(*TABLES))
    shuffled = replace(case, events=data.draw(st.permutations(case.events)), threads=data.draw(st.sampled_from((2, 4))))
    assert digest(shuffled.rate(*TABLES)) == expected


def test_threads_change_nothing_where_there_is_work_for_all_of_them(con: duckdb.DuckDBPyConnection) -> None:
    # More rows than one thread takes at a time, in three orders.
    case = Case(
        rates=[
            {"unit": "input", "price": "0.37"}, {"unit": "output", "price": "1.50"},
            {"card": "cost", "unit": "gpu_hour", "per": "1", "price": "2.5"},
        ],
        terms=[
            {"kind": "allowance", "unit": "input", "quantity": "1000000"},
            {"kind": "graduated", "unit": "output", "quantity": "0", "percent": "0"},
            {"kind": "graduated", "unit": "output", "quantity": "7000001", "percent": "12.5"},
            {"kind": "volume", "unit": "input", "quantity": "0", "percent": "3", "organization_id": "beta"},
        ],
        serving_hours=[{"usage_date": f"2023-06-{day:02}", "gpu_hours": "7.333333"} for day in (14, 15, 16)],
        events=[
            event(event_id="a", input_tokens=7, output_tokens=41),
            event(event_id="b", input_tokens=11, organization_id="beta", at="2023-06-15T23:59:59.999999"),
        ],
        cost_card="cost",
        con=con,
    )  # fmt: skip
    found = []
    for threads, order in ((1, "copy"), (2, "hash(copy)"), (4, "hash(copy + 1)")):
        case.threads = threads
        case.rate("usage_keys")
        con.execute(f"""
            create or replace table stg_usage_events as
            select e.* replace (
                e.event_id || copy as event_id,
                e.occurred_at + to_seconds(copy % 8640) as occurred_at,
                (e.occurred_at + to_seconds(copy % 8640))::date as usage_date)
            from stg_usage_events as e cross join range(80000) as copies (copy)
            order by {order}""")
        con.execute("insert into run.touched_days values ('2023-06-16')")
        build(con, TABLES)
        found.append(digest(case))
    assert found[0]["rated_usage"][0] == 160_000
    assert found[0] == found[1] == found[2]


@given(case=worlds(), data=st.data())
@examples(20)
def test_runs_one_after_the_other_build_what_one_run_builds(
    case: Case, data: st.DataObject, con: duckdb.DuckDBPyConnection
) -> None:
    case.con = con
    expected = digest(case.rate(*TABLES))
    # Day by day, as requests come, in some worlds with late ones.
    days = sorted({e["occurred_at"][:10] for e in case.events})
    lateness = data.draw(st.sampled_from(((0,), (0, 0, 0, 1, 2))))
    late = [data.draw(st.sampled_from(lateness)) for _ in case.events]
    runs: list[list[Row]] = [[], [], []]
    for e, n in zip(case.events, late, strict=True):
        runs[min(2, days.index(e["occurred_at"][:10]) * 3 // len(days) + n)].append(e)
    case.rate_in_runs([run for run in runs if run], *TABLES, "ratings")
    assert digest(case) == expected
    assert case.ask("select 1 from rated_usage anti join ratings using (rating_id)") == []


# Parts and wholes.


@given(case=worlds())
@examples(15)
def test_the_parts_of_a_day_are_its_whole(case: Case, con: duckdb.DuckDBPyConnection) -> None:
    case.con = con
    case.rate("rated_usage", "spend_daily")
    quantities = ", ".join(f"sum({name})" for name in (*BUCKETS, *METERS))
    key = "charge_date, organization_id, model, billing_currency"
    parts = case.ask(f"""
        select
            {key}, count(*), {quantities},
            sum(revenue_amount), sum(cost_amount), sum(foreign_cost_amount),
            sum(revenue_amount) filter (cost_amount is null), sum(cost_amount) filter (revenue_amount is null),
            sum(revenue_amount - cost_amount),
            count(*) filter (revenue_amount is null)
        from rated_usage group by {key} order by all""")
    whole = case.ask(f"""
        select
            {key}, sum(requests), {quantities},
            sum(revenue_amount), sum(cost_amount), sum(foreign_cost_amount),
            sum(revenue_only_amount), sum(cost_only_amount),
            sum(margin_amount),
            sum(unpriced_requests)
        from spend_daily group by {key} order by all""")
    assert parts == whole
    margins = case.ask("""
        select count(*) from spend_daily
        where margin_amount is distinct from margin_revenue_amount - (cost_amount - coalesce(cost_only_amount, 0))""")
    assert margins == [(0,)]


@given(
    hours=st.lists(st.decimals(0, 5_000, places=6), min_size=20, max_size=20),
    price=st.decimals(0, 100, places=6),
    tokens=st.lists(st.integers(0, 10**9), min_size=1, max_size=300),
    groups=st.integers(1, 20),
)
@examples(20)
def test_shares_of_hours_of_gpus_add_up_to_their_cost(
    hours: list[Decimal], price: Decimal, tokens: list[int], groups: int, con: duckdb.DuckDBPyConnection
) -> None:
    models = [f"m{n}" for n in range(groups)]
    case = Case(
        rates=[{"card": "cost", "model": m, "unit": "gpu_hour", "per": "1", "price": str(price)} for m in models],
        serving_hours=[
            {"model": m, "usage_date": "2023-06-15", "gpu_hours": str(h)} for m, h in zip(models, hours, strict=False)
        ],
        events=[
            event(event_id=f"e{n}", model=models[n % groups], input_tokens=count // 3, output_tokens=count - count // 3)
            for n, count in enumerate(tokens)
        ],
        cost_card="cost",
        con=con,
    ).rate("rated_usage", "spread_days")
    used: dict[str, int] = {}
    for n, count in enumerate(tokens):
        used[models[n % groups]] = used.get(models[n % groups], 0) + count
    expected = {m: h * price for m, h in zip(models, hours, strict=False) if used.get(m)}
    shares = case.ask("select model, sum(cost_amount), min(cost_amount) >= 0 from rated_usage group by model")
    assert {m: whole for m, whole, _ in shares if used[m]} == expected
    assert all(positive for m, _, positive in shares if used[m])
    assert dict(case.ask("select model, allocated_amount from spread_days")) == expected


@given(case=worlds(), data=st.data())
@examples(15)
def test_splitting_a_request_never_changes_an_untiered_price(
    case: Case, data: st.DataObject, con: duckdb.DuckDBPyConnection
) -> None:
    case = replace(
        case,
        con=con,
        rates=[r for r in case.rates if r["context_from"] == 0 and r["unit"] != "request"],
        events=[e for e in case.events if sum(e[b] for b in BUCKETS) > 1],
    )
    whole = amounts(case.rate("rated_usage"))
    halves = []
    for e in case.events:
        first = {b: data.draw(st.sampled_from(sorted({0, e[b], e[b] // 2}))) for b in BUCKETS}
        second = {b: e[b] - first[b] for b in BUCKETS}
        if not any(first.values()) or not any(second.values()):
            # Nothing may not be counted in a call that succeeded.
            bucket = max(BUCKETS, key=lambda b: e[b])
            first = {b: e[b] // 2 if b == bucket else 0 for b in BUCKETS}
            second = {b: e[b] - first[b] for b in BUCKETS}
        if not any(first.values()):
            continue
        # Hours and calls stay with the first; ids follow each other, so that no other request comes between.
        halves += [remade(e, "-1", first), remade(e, "-2", second | dict.fromkeys(METERS, 0))]
    split = amounts(replace(case, events=halves).rate("rated_usage"))
    for (source, event_id), (*sides, currency, _, _) in whole.items():
        parts = [split.get((source, f"{event_id}-{n}")) for n in (1, 2)]
        if None in parts:
            continue
        for n, amount in enumerate(sides):
            if amount is not None:
                assert sum(part[n] for part in parts) == amount, event_id
        assert {part[3] for part in parts} == {currency}


def remade(whole: Row, suffix: str, quantities: Row) -> Row:
    """A request with other quantities, its totals made anew."""
    kept = {k: v for k, v in whole.items() if not k.startswith("raw_") and k != "received_at"}
    return event(**kept | quantities | {"event_id": whole["event_id"] + suffix, "at": whole["occurred_at"]})


# Time.


@given(
    changes=st.lists(
        st.tuples(
            st.datetimes(datetime(2023, 1, 1, 0, 0, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - UTC, as in events
            st.integers(0, 10**9),
            st.integers(0, 10**9),
        ),
        min_size=1,
        max_size=40,
    )
)
@examples(15)
def test_a_price_changes_at_its_instant(
    changes: list[tuple[datetime, int, int]], con: duckdb.DuckDBPyConnection
) -> None:
    rates, asked, expected = [], [], {}
    for n, (when, old, new) in enumerate(changes):
        for start, price in ((START, old), (f"{when.isoformat()}Z", new)):
            rates.append(
                {"model": f"m{n}", "unit": "output", "price": f"{Decimal(price) / 10**6:f}", "valid_from": start}
            )
        for name, moment, price in (("before", when - timedelta(microseconds=1), old), ("at", when, new)):
            asked.append(event(event_id=f"{n} {name}", model=f"m{n}", output_tokens=10**6, at=moment.isoformat()))
            expected[f"{n} {name}"] = Decimal(price) / 10**6
    assert Case(rates=rates, events=asked, con=con).rate("rated_usage").amounts() == expected


@given(
    case=worlds(),
    since=st.sampled_from(CHANGES),
    rates=books(),
    aliases=alias_rows(),
    terms=term_rows(),
)
@examples(20)
def test_what_is_added_for_the_time_to_come_changes_no_past_amount(
    case: Case, since: str, rates: list[Row], aliases: list[Row], terms: list[Row], con: duckdb.DuckDBPyConnection
) -> None:
    # What a month's volume or a day's hours of GPUs come to is not known before these have ended.
    case = replace(
        case,
        con=con,
        rates=[r for r in in_dollars(case.rates) if r["unit"] != "gpu_hour"],
        terms=[t for t in in_dollars(case.terms) if t["kind"] != "volume"],
    )
    later = replace(
        case,
        rates=added(RATES, case.rates, [r for r in in_dollars(rates) if r["unit"] != "gpu_hour"], since),
        aliases=added(ALIASES, case.aliases, aliases, since),
        terms=added(TERMS, case.terms, [t for t in in_dollars(terms) if t["kind"] != "volume"], since),
    )
    past = {(e["source"], e["event_id"]) for e in case.events if instant(e["occurred_at"]) < instant(since)}
    before, after = amounts(case.rate("rated_usage")), amounts(later.rate("rated_usage"))
    for key in past:
        assert after[key][:4] == before[key][:4], key


def test_a_first_rate_of_an_alias_takes_nothing_from_its_past(con: duckdb.DuckDBPyConnection) -> None:
    case = Case(
        rates=[
            {"model": "m", "unit": "output", "price": "2"},
            {"model": "m-latest", "unit": "output", "price": "3", "valid_from": CHANGES[1]},
        ],
        aliases=[{"alias": "m-latest", "model": "m"}],
        events=[
            event(event_id="before", model="m-latest", output_tokens=10**6, at="2023-11-15T15:59:59.999999"),
            event(event_id="after", model="m-latest", output_tokens=10**6, at="2023-11-15T16:00:00"),
        ],
        con=con,
    )
    assert case.rate("rated_usage").amounts() == {"before": Decimal(2), "after": Decimal(3)}


@given(
    case=worlds(),
    known_at=st.sampled_from(CHANGES[:-1]),
    rates=books(),
    aliases=alias_rows(),
    terms=term_rows(),
)
@examples(15)
def test_what_was_known_later_changes_nothing(
    case: Case, known_at: str, rates: list[Row], aliases: list[Row], terms: list[Row], con: duckdb.DuckDBPyConnection
) -> None:
    case = replace(case, con=con, known_at=known_at)
    learned = CHANGES[CHANGES.index(known_at) + 1]
    later = replace(
        case,
        rates=[*case.rates, *({**r, "known_from": learned} for r in rates)],
        aliases=[*case.aliases, *({**r, "known_from": learned} for r in aliases)],
        terms=[*case.terms, *({**r, "known_from": learned} for r in terms)],
    )
    before = amounts(case.rate("rated_usage"))
    assert amounts(later.rate("rated_usage")) == before


def in_dollars(rows: list[Row]) -> list[Row]:
    """The rows in one currency, so that those of two books can stand together."""
    return [{**row, "currency": "USD"} if row.get("currency") else row for row in rows]


def added(table: PriceTable, rows: list[Row], more: list[Row], since: str) -> list[Row]:
    """`rows` and those of `more` that begin at `since` or later, but not what they say already."""

    def said(row: Row) -> tuple[str, ...]:
        whole = filled(table, row)
        names = [name for name in table.key if name not in {"quantity", "currency"}]
        return (*(whole[name] for name in names), whole["valid_from"], whole["known_from"] or whole["valid_from"])

    known = {said(row) for row in rows}
    return [*rows, *(r for r in more if instant(r["valid_from"]) >= instant(since) and said(r) not in known)]
