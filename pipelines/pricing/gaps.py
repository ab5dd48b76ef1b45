"""Which models in use lack a rate: what the last run left without an amount, and the nearest price row.

Read from the published tables, so it is as old as they are; what rows added since have closed is found in `closed.py`.
What is wrong with the rows of the price
tables themselves belongs in `check.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import warehouse
from pipelines.landing.contract import BUCKETS, INPUT_BUCKETS
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.closed import REQUEST, closed_since
from pipelines.pricing.digest import price_book_digest
from pipelines.pricing.findings import Finding
from pipelines.pricing.rules import bounded, typed
from pipelines.pricing.tables import RATES, TERMS, load, write_typed
from pipelines.pricing.units import ALL
from pipelines.settings import load_settings
from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.home import Home

# Condition that a row of rates would help, of a column {reason}.
LACKS_RATE = "({reason} = 'model is not in the price book' or starts_with({reason}, 'no rate '))"
# SQL text of a number of requests.
REQUESTS = "format('{{:,}}', {n}) || case {n} when 1 then ' request' else ' requests' end"
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"

# Of the rows of the same card and model: the same tiers first, then the nearest in time.
_GAPS = f"""
    with gaps as (
        select
            still.card, still.provider, still.model, still.model_tier, still.service_tier, region, reason,
            -- Rates that begin in between tell one time without rates from the next.
            case when starts_with(reason, 'no rate in force') then began_at end as after,
            min(occurred_at) as first_at, max(occurred_at) as last_at, count(*) as requests, sum(tokens) as tokens
        from (from unrated anti join closed using ({", ".join(REQUEST)})) as still
        asof left join (
            select distinct card, provider, model, model_tier, service_tier, valid_from as began_at from rates_bounded
        ) as starts
            on still.card = starts.card and still.provider = starts.provider and still.model = starts.model
                and still.model_tier = starts.model_tier and still.service_tier = starts.service_tier
                and still.occurred_at >= starts.began_at
        group by all
    ),
    nearest as (
        select
            gaps.*, rows.file, rows.line, rows.valid_from, rows.ends_at,
            rows.model_tier = gaps.model_tier and rows.service_tier = gaps.service_tier as is_tier
        from gaps
        left join rates_bounded as rows
            on gaps.card = rows.card and gaps.provider = rows.provider and gaps.model = rows.model
        qualify row_number() over (
            partition by
                gaps.card, gaps.provider, gaps.model, gaps.model_tier, gaps.service_tier, gaps.region, gaps.reason,
                gaps.after
            order by
                rows.model_tier = gaps.model_tier desc nulls last,
                rows.service_tier = gaps.service_tier desc nulls last,
                rows.region = gaps.region desc nulls last,
                -- What is in force then is the nearest.
                case
                    when rows.valid_from > gaps.first_at then epoch(rows.valid_from) - epoch(gaps.first_at)
                    else greatest(0, epoch(gaps.first_at) - coalesce(epoch(rows.ends_at), epoch(gaps.first_at)))
                end,
                rows.file, rows.line
        ) = 1
    )
    select
        file, line,
        case when line is null then 'model' when not is_tier then 'service_tier'
            when starts_with(reason, 'no rate for requests of this length') then 'context_from'
            when regexp_matches(reason, '^no rate for [a-z0-9_]+_(tokens|hours|calls)$') then 'unit'
            when valid_from > first_at then 'valid_from' else 'valid_to' end as field,
        'card ' || card || ' does not price ' || provider || ' ' || model || ' ' || model_tier || ' ' || service_tier
        || case when region = '' then '' else ' in ' || region end
        || ' (' || reason || '): ' || {REQUESTS.format(n="requests")} || ' with '
        || format('{{:,}}', tokens::bigint) || ' tokens from '
        || strftime(first_at, '{_INSTANT}') || ' to ' || strftime(last_at, '{_INSTANT}')
        || case
            when line is null then ''
            else '; this is the nearest row, in force from ' || strftime(valid_from, '{_INSTANT}')
                || coalesce(' to ' || strftime(ends_at, '{_INSTANT}'), ' on')
        end as cause,
        strftime(first_at, '{_INSTANT}') as first_at,
        starts_with(reason, 'no rate in force') as is_time
    from nearest
    order by tokens desc, card, provider, model, model_tier, service_tier, region, reason, first_at
"""


def gaps_in_use(home: Home, *, seed: Path = SEED) -> list[Finding]:
    """A warning for each card and model that requests of the last run needed and did not find; most tokens first.

    What rows that were added since give a price is told apart, behind.
    """
    published = home.exports / "published"
    if not any(published.glob("rated_usage/*/*.parquet")):
        return []
    with warehouse.connect(home, in_memory=True) as con:
        con.register("rates", load_book(home, seed=seed))
        con.execute(f"create temp table rates_typed as {typed(RATES, 'rates')}")
        con.execute(f"create temp table rates_bounded as {bounded(RATES.key, 'rates_typed')}")
        lacks = LACKS_RATE.format(reason="reason")
        con.execute(f"create temp view unrated as select * from ({_unrated(con, home, published)}) where {lacks}")
        closed = closed_since(con, home)
        found = con.execute(_GAPS).fetchall()
    nowhere = str(home.prices if home.prices.exists() else seed)
    return [
        Finding("warning", file or nowhere, line, field, cause, _way_out(file, first_at, is_time=is_time))
        for file, line, field, cause, first_at, is_time in found
    ] + closed


def built_with_other_prices(home: Home, *, seed: Path = SEED) -> bool:
    """Whether the published tables were built with another version of the price book than there is now."""
    path = home.exports / "published" / "build.parquet"
    if not path.exists():
        return False
    with warehouse.connect(home, in_memory=True) as con:
        row = con.execute(f"select price_book_digest from read_parquet({literal(path)})").fetchone()
    return row is not None and row[0] != price_book_digest(home, seed=seed)


def _unrated(con: duckdb.DuckDBPyConnection, home: Home, published: Path) -> str:
    """Query for every request and place without an amount; one that both sides lack in one place is told once.

    Rates that were found say the place, whatever term or alias led there; else it is the general card of the side, and
    of a revenue that is a mark-up over cost that of the cost side.
    """
    rated = f"read_parquet({literal(published / 'rated_usage' / '*' / '*.parquet')}, hive_partitioning = false)"
    rates = f"read_parquet({literal(published / 'price_rates.parquet')})"
    names = {row[0] for row in con.execute(f"describe select * from {rated}").fetchall()}
    tokens = " + ".join(f"{name}::hugeint" for name in BUCKETS if name in names)
    length = " + ".join(f"{name}::hugeint" for name in INPUT_BUCKETS if name in names)
    counted = [unit for unit in ALL if unit.quantity in names]
    used = ", ".join(f"case when {unit.quantity} > 0 then {literal(unit.name)} end" for unit in counted)
    pricing = load_settings(home).pricing
    write_typed(con, TERMS, load(TERMS, home), "terms")
    marked_up = (
        "list_has_any(string_split(revenue_terms, ','), (select list(term_id) from terms where kind = 'markup'))"
    )
    general = {
        "revenue": f"case when coalesce({marked_up}, false) then {literal(pricing.cost_card)} "
        f"else {literal(pricing.revenue_card)} end",
        "cost": literal(pricing.cost_card),
    }
    places = ", ".join(
        f"""{{
            'card': coalesce({side}.card, {general[side]}),
            'model': coalesce({side}.priced_as, base_model, rated.model),
            'region': coalesce({side}.region, ''),
            'reason': {reason}
        }} as {side}_gap"""
        for side, reason in (("revenue", "unpriced_reason"), ("cost", "uncosted_reason"))
    )
    return f"""
        with sides as (
            select
                rated.provider, rated.model_tier, rated.service_tier, occurred_at, {tokens} as tokens,
                {length} as length, list_filter([{used}], lambda unit: unit is not null) as used,
                coalesce(rated.region, '') as served_in, coalesce(operation = 'embedding', false) as is_embedding,
                {places}
            from {rated} as rated
            left join {rates} as revenue on rated.revenue_rate_id = revenue.rate_id
            left join {rates} as cost on rated.cost_rate_id = cost.rate_id
            where unpriced_reason is not null or uncosted_reason is not null
        )
        select
            provider, model_tier, service_tier, occurred_at, tokens, length, used, served_in, is_embedding, unnest(gap)
        from (
            select *, unnest(list_distinct([revenue_gap, cost_gap])) as gap from sides
        ) as told
        where gap.reason is not null"""


def _way_out(file: str | None, first_at: str, *, is_time: bool) -> str:
    if file is None:
        return "Add rates of this model, or an alias of one that has them (`meterhouse prices import` may know it)."
    if is_time:
        return f"Add rows that are valid from {first_at} or before."
    return "Add the rows that are missing beside it."
