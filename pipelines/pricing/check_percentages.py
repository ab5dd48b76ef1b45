"""Whether the percentages that come together on one request make a factor of at most six decimals.

Only then is an amount exact. Which percentages meet is a matter of scope and time: of each kind the
most specific one counts. So the check asks one made-up request for every combination of an
organisation, provider, model and region that terms name (or any other) and every stretch of time in
which no term begins or ends; of an id that terms name once more with the terms of the model that it is an
alias of. Organisations whose percentages have so few decimals that no product
of theirs can exceed six are not asked, which is nearly all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.findings import Finding, ask
from pipelines.pricing.rules import FOREVER, bounded, typed
from pipelines.pricing.tables import ALIASES

if TYPE_CHECKING:
    import duckdb

# Decimals of 1 ± percent / 100.
_DECIMALS = " ".join(f"when percent % {step} = 0 then {n}" for n, step in enumerate((100, 10, 1, 0.1, 0.01, 0.001)))

# Percentages in force at some time, each with its factor. The bands of a tariff are one choice among themselves.
_PERCENTS = f"""
    select
        sets.*,
        rows.quantity as band,
        rows.percent,
        rows.file as row_file,
        rows.line as row_line,
        case when sets.kind in ('graduated', 'volume') then 'band' else sets.kind end as family,
        (1 + case when sets.kind in ('uplift', 'markup') then 1 else -1 end * rows.percent * 0.01)::decimal(12, 6)
            as factor,
        case when rows.percent is null then 0 {_DECIMALS} else 6 end as decimals
    from term_sets as sets
    inner join terms_typed as rows
        on sets.organization_id = rows.organization_id and sets.kind = rows.kind and sets.side = rows.side
            and sets.provider = rows.provider and sets.model = rows.model and sets.region = rows.region
            and sets.unit = rows.unit and sets.valid_from = rows.valid_from and sets.known_from = rows.known_from
    -- A mark-up without a percentage takes its model out of the others.
    where rows.percent is not null or sets.kind = 'markup'
"""

_AT_RISK = """
    with organizations as (
        select distinct organization_id as organization from percents
        union
        select '*'
    ),
    most as (
        select
            organizations.organization,
            coalesce(max(decimals) filter (family = 'uplift' and side = 'revenue'), 0)
            + coalesce(max(decimals) filter (family = 'discount' and side = 'revenue'), 0) as own,
            coalesce(max(decimals) filter (family = 'uplift' and side = 'cost'), 0)
            + coalesce(max(decimals) filter (family = 'discount' and side = 'cost'), 0) as cost,
            max(decimals) filter (family = 'markup') as markup,
            coalesce(max(decimals) filter (family = 'band'), 0) as band
        from organizations
        inner join percents on percents.organization_id in (organizations.organization, '*')
        group by organizations.organization
    )
    select organization from most where greatest(own + band, cost, cost + markup + band) > 6
"""

# Aliases of which terms name both the id and the model: under any other alias the same meets as under its model.
_STOOD = f"""
    select provider, alias, model, valid_from, coalesce(ends_at, {FOREVER}) as ends_at
    from ({bounded(ALIASES.key, f"({typed(ALIASES, 'aliases')})")}) as bounded_aliases
    where alias in (select model from percents) and model in (select model from percents)
"""

# What every made-up request finds: of each kind and side (and unit, for bands) the most specific term.
_MET = f"""
    with own as (
        select at_risk.organization, percents.*
        from at_risk
        inner join percents on percents.organization_id in (at_risk.organization, '*')
    ),
    instants as (
        select organization, valid_from as instant from own
        union
        select organization, coalesce(ends_at, {FOREVER}) from own
    ),
    periods as (
        select organization, instant, lead(instant) over (partition by organization order by instant) as until
        from instants
    ),
    asked as (
        select *
        from periods
        inner join (
            select organization, provider from own
            union select organization, '' from at_risk
            union select organization, provider from at_risk cross join stood
        ) using (organization)
        inner join (select organization, model from own union select organization, '' from at_risk)
            using (organization)
        inner join (select organization, region from own union select organization, '' from at_risk)
            using (organization)
        where until is not null
    ),
    requests as (
        select row_number() over () as request, *
        from (
            select *, '' as stands_for from asked
            union all
            select asked.*, stood.model as stands_for
            from asked
            inner join stood
                on asked.provider = stood.provider and asked.model = stood.alias
                    and asked.instant < stood.ends_at and asked.until > stood.valid_from
        ) as named
    )
    select
        requests.request,
        own.family, own.side, own.unit, own.band, own.percent, own.factor, own.row_file, own.row_line
    from requests
    inner join own
        on
            requests.organization = own.organization
            and own.provider in ('', requests.provider)
            and own.model in ('', requests.model, requests.stands_for)
            and own.region in ('', requests.region)
            and requests.instant >= own.valid_from
            and requests.until <= coalesce(own.ends_at, {FOREVER})
    qualify
        rank() over (
            partition by requests.request, own.family, own.side, own.unit
            order by own.specificity - case when own.model in ('', requests.model) then 0 else 4 end desc
        ) = 1
"""

_PART = "{'percent': percent, 'factor': factor, 'file': row_file, 'line': row_line}"
_SIDES = ", ".join(
    f"any_value({_PART}) filter (family = '{family}' and side = '{side}' and percent is not null) as {side}_{family}"
    for side in ("revenue", "cost")
    for family in ("uplift", "discount", "markup")
    if (side, family) != ("cost", "markup")
)

# The steps in the order in which rating multiplies; the first that is not exact is told, on the row that adds it.
_INEXACT = f"""
    with requests as (
        select request, {_SIDES} from met where family <> 'band' group by request
    ),
    factors as (
        select
            *,
            coalesce(revenue_uplift.factor, 1)::decimal(12, 6) * coalesce(revenue_discount.factor, 1)::decimal(12, 6)
                as own,
            coalesce(cost_uplift.factor, 1)::decimal(12, 6) * coalesce(cost_discount.factor, 1)::decimal(12, 6) as cost
        from requests
    ),
    marked as (
        select
            *,
            case
                when revenue_markup is null then own
                when cost = cost::decimal(12, 6) then cost::decimal(12, 6) * revenue_markup.factor
            end as revenue
        from factors
    ),
    steps as (
        select
            cost_discount as last, [cost_uplift] as others, cost as product, 'cost' as side
        from marked
        union all
        select revenue_discount, [revenue_uplift], own, 'revenue' from marked where revenue_markup is null
        union all
        select revenue_markup, [cost_uplift, cost_discount], revenue, 'revenue'
        from marked where revenue_markup is not null
        union all
        select
            {{'percent': bands.percent, 'factor': bands.factor, 'file': bands.row_file, 'line': bands.row_line}},
            case
                when revenue_markup is null then [revenue_uplift, revenue_discount]
                else [cost_uplift, cost_discount, revenue_markup]
            end,
            coalesce(revenue, 1)::decimal(12, 6) * bands.factor,
            'revenue'
        from met as bands
        left join marked using (request)
        where bands.family = 'band' and coalesce(revenue, 1) = coalesce(revenue, 1)::decimal(12, 6)
    )
    select distinct
        last.file as file, last.line as line, 'percent' as field,
        trimmed(last.percent) || ' % does not combine with '
        || array_to_string(
            [
                trimmed(o.percent) || ' % (line ' || o.line || ' of ' || o.file || ')'
                for o in others if o is not null
            ], ' and '
        )
        || ': the ' || side || ' side''s factor ' || trimmed(product) || ' has more than six decimals, so amounts '
        || 'would not be exact' as cause
    from steps
    where product <> product::decimal(12, 6)
"""


def inexact_factors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """An error for each combination of percentages, in force together for one request, that is not exact."""
    con.execute(f"create or replace temp table percents as {_PERCENTS}")
    con.execute(f"create or replace temp table at_risk as {_AT_RISK}")
    if con.execute("select 1 from at_risk limit 1").fetchone() is None:
        return []
    con.execute("create or replace temp macro trimmed(n) as rtrim(rtrim(n::varchar, '0'), '.')")
    con.execute(f"create or replace temp table stood as {_STOOD}")
    con.execute(f"create or replace temp table met as {_MET}")
    return ask(con, "error", _INEXACT, "Take percentages with fewer decimals, so that their product has six at most.")
