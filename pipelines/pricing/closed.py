"""Gaps of the last run that rows added since have closed: the next run will find them, so nobody need look for more.

A request is closed where everything it used has a price on the card that lacked one, as the tables lie there now. Only
places that have new rows are looked at. Hours of GPUs are left to the next run. What the last run left without a price
belongs in `gaps.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.findings import Finding
from pipelines.pricing.rules import FOREVER, bounded, typed
from pipelines.pricing.tables import ALIASES, RATES, load
from pipelines.settings import load_settings
from pipelines.sql import literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home

# What tells one request of the view `unrated` from another.
REQUEST = (
    "card", "provider", "model", "model_tier", "service_tier", "reason", "occurred_at", "length", "used", "served_in",
    "is_embedding",
)  # fmt: skip
_KEY = ("card", "provider", "model", "model_tier", "service_tier")
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"

# Rows as they are in force now, once more under the aliases of their model. `is_new` says that the last run knew less.
_STANDING = f"""
    with own as (
        select
            {", ".join(_KEY)}, region, unit, context_from, valid_from, coalesce(ends_at, {FOREVER}) as ends_at,
            file, line, is_new
        from rates_now
    ),
    first_own as (
        select card, provider, model, min(valid_from) as own_from from own group by all
    )
    from own
    union all by name
    select
        own.* replace (
            stood.alias as model,
            greatest(own.valid_from, stood.valid_from) as valid_from,
            least(own.ends_at, coalesce(stood.ends_at, {FOREVER}), coalesce(own_from, {FOREVER})) as ends_at,
            case when is_new then own.file else stood.file end as file,
            case when is_new then own.line else stood.line end as line,
            -- An alias that the last run knew would have led to the model.
            true as is_new
        )
    from own
    inner join aliases_now as stood on own.provider = stood.provider and own.model = stood.model
    left join first_own
        on own.card = first_own.card and stood.provider = first_own.provider and stood.alias = first_own.model
"""

_CLOSED = f"""
    with asked as (
        select distinct {", ".join(REQUEST)}
        from unrated
        semi join (select * from standing where is_new) as fresh using ({", ".join(_KEY)})
    ),
    needs as (
        select *, unnest(used) as needed from asked
    ),
    priced as (
        select needs.*, standing.file, standing.line, standing.is_new, standing.region != '' as is_regional
        from needs
        inner join standing
            on
                {" and ".join(f"needs.{name} = standing.{name}" for name in _KEY)}
                and standing.region in ('', needs.served_in)
                and standing.context_from <= needs.length
                and needs.occurred_at >= standing.valid_from and needs.occurred_at < standing.ends_at
                and (
                    standing.unit = needs.needed
                    or (standing.unit = 'embedding' and needs.needed = 'input' and needs.is_embedding)
                    or (standing.unit = 'input' and needs.needed = 'image_input')
                )
        -- A region is rated by its own rows alone where there are any.
        qualify is_regional = bool_or(is_regional) over (partition by {", ".join(f"needs.{name}" for name in REQUEST)})
    )
    select
        {", ".join(REQUEST)},
        min_by(file, (file, line)) filter (is_new) as file,
        min_by(line, (file, line)) filter (is_new) as line
    from priced
    group by {", ".join(REQUEST)}
    having count(distinct needed) = len(used) and bool_or(is_new)
"""

_TOLD = f"""
    select
        file, line,
        'this row, added since the last run, closes a gap of it: card ' || card || ' did not price ' || provider || ' '
        || model || ' ' || model_tier || ' ' || service_tier || ' (' || reason || '): '
        || format('{{:,}}', count(*)) || case count(*) when 1 then ' request' else ' requests' end || ' with '
        || format('{{:,}}', sum(tokens)::bigint) || ' tokens from '
        || strftime(min(occurred_at), '{_INSTANT}') || ' to ' || strftime(max(occurred_at), '{_INSTANT}') as cause
    from unrated
    inner join closed using ({", ".join(REQUEST)})
    group by file, line, {", ".join(_KEY)}, reason
    order by sum(tokens) desc, cause
"""


def closed_since(con: duckdb.DuckDBPyConnection, home: Home) -> list[Finding]:
    """A warning for each place whose gaps a new row closes; makes the table `closed` of those requests (REQUEST).

    Needs the view `unrated` and the table rates_typed of the tables as they are now.
    """
    known_at = load_settings(home).pricing.known_at_utc()
    known = f"where known_from <= timestamp {literal(known_at)}"
    values = (*RATES.key, "price", "per", "valid_from", "valid_to", "known_from")
    book = home.exports / "published" / "price_book.parquet"
    before = f"(select {', '.join(values)} from read_parquet({literal(book)}))"
    if not book.exists():
        before = "(select * from now where false)"
    con.register("aliases_text", load(ALIASES, home))
    con.execute(f"""
        create temp table rates_now as
        with now as (select * from ({bounded(RATES.key, f"(select * from rates_typed {known})")}) as bounded_rates)
        select now.*, before.card is null as is_new
        from now
        left join {before} as before
            on {" and ".join(f"now.{name} is not distinct from before.{name}" for name in values)}""")
    con.execute(f"""
        create temp table aliases_now as
        {bounded(ALIASES.key, f"({typed(ALIASES, 'aliases_text', known_at)})")}""")
    con.execute(f"create temp table standing as {_STANDING}")
    con.execute(f"create temp table closed as {_CLOSED}")
    return [
        Finding("warning", file, line, "valid_from", cause, "`meterhouse run` rates them anew.")
        for file, line, cause in con.execute(_TOLD).fetchall()
    ]
