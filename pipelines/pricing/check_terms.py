"""What a row of the terms may say, and what a set of them: who pays what.

Rows of one key that begin at the same instant are one set (the bands of a tariff). Which percentages
come together on one request, and whether their product is exact, belongs in `check_percentages.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.pricing.check_percentages import inexact_factors
from pipelines.pricing.findings import Finding, ask
from pipelines.pricing.rules import (
    FOREVER,
    Rule,
    base_model,
    bounded,
    choice,
    currency,
    decimal,
    empty,
    lifetime,
    meet,
    not_negative,
    one_of,
    optional_text,
    price_block,
    text,
    typed,
)
from pipelines.pricing.tables import ALIASES
from pipelines.pricing.units import ALL, UNITS

if TYPE_CHECKING:
    import duckdb

KINDS = ("card", "uplift", "discount", "markup", "allowance", "graduated", "volume")
SIDES = ("revenue", "cost")
BANDS = ("graduated", "volume")
_PERCENTS = ("uplift", "discount", "markup")
_BY_QUANTITY = ("allowance", *BANDS)
_REVENUE_ONLY = ("markup", *_BY_QUANTITY)

SET_KEY = ("organization_id", "kind", "side", "provider", "model", "region", "unit")
_SCOPE = ("organization_id", "side", "provider", "model", "region")


def _needed(name: str, kinds: tuple[str, ...]) -> Rule:
    return Rule(name, f"kind in {one_of(kinds)} and {name} = ''", f"'a term of kind ' || kind || ' needs ' || {name!r}")


def _unused(name: str, kinds: tuple[str, ...]) -> Rule:
    rule = empty(name, "kind")
    return Rule(name, f"kind not in {one_of(kinds)} and {rule.bad}", rule.cause)


_given = {name: f"{name} <> ''" for name in ("percent", "price", "quantity")}
_MOST = "case when kind in ('uplift', 'markup') then 10000 else 100 end"
_HOURS = one_of(unit.name for unit in ALL if unit.dimension == "hours")

RULES: tuple[Rule, ...] = (
    text("organization_id"),
    choice("kind", KINDS),
    choice("side", SIDES),
    Rule(
        "side",
        f"kind in {one_of(_REVENUE_ONLY)} and side <> 'revenue'",
        "'a term of kind ' || kind || ' is for the revenue side only'",
    ),
    optional_text("provider"),
    optional_text("model"),
    base_model("model"),
    optional_text("region"),
    _needed("unit", _BY_QUANTITY),
    _unused("unit", _BY_QUANTITY),
    choice("unit", UNITS).where("unit <> ''"),
    Rule("unit", "unit = 'gpu_hour'", "'hours of GPUs are a cost of ours; requests have none to count'"),
    _needed("quantity", _BY_QUANTITY),
    _unused("quantity", _BY_QUANTITY),
    not_negative("quantity"),
    decimal("quantity", 15, 6).where(_given["quantity"]),
    Rule(
        "quantity",
        f"quantity <> '' and unit not in {_HOURS} and try_cast(quantity as decimal(24, 6)) % 1 <> 0",
        "'quantity ' || quantity || ' of unit ' || unit || ' is not whole'",
    ),
    Rule("quantity", "kind = 'allowance' and try_cast(quantity as decimal(24, 6)) = 0", "'nothing is allowed'"),
    _needed("percent", ("uplift", "discount")),
    # A more specific mark-up without a percentage takes a model out of a general one.
    Rule(
        "percent",
        "kind = 'markup' and percent = '' and model = ''",
        "'a term of kind markup needs percent; only one that names a model may leave it empty, as that model has no '"
        " || 'mark-up then'",
    ),
    _unused("percent", (*_PERCENTS, *BANDS)),
    not_negative("percent"),
    decimal("percent", 5, 4).where(_given["percent"]),
    Rule(
        "percent",
        f"percent <> '' and try_cast(percent as decimal(9, 4)) > {_MOST}",
        f"'percent ' || percent || ' is above ' || {_MOST}",
    ),
    _unused("price", BANDS),
    Rule(
        "price",
        f"kind in {one_of(BANDS)} and (percent = '') = (price = '')",
        "'a band needs either percent or price' || case when price <> '' then ', and has both' else '' end",
    ),
    *(rule.where(_given["price"]) for rule in price_block()),
    currency("currency").where(_given["price"]),
    *(Rule(name, f"price = '' and {name} <> ''", f"{name!r} || ' is empty where there is no price'") for name in (
        "per", "currency",
    )),
    _needed("card", ("card",)),
    _unused("card", ("card",)),
    *lifetime(checked=False),
)  # fmt: skip

_KEY = ", ".join(SET_KEY)

# One row a set as it stands (what was known last), with its end in force; `line` is that of its first row.
_SETS = f"""
    with known as (
        select * from terms_typed
        qualify dense_rank() over (partition by {_KEY}, valid_from order by known_from desc) = 1
    ),
    sets as (
        select
            {_KEY}, valid_from,
            max(known_from) as known_from,
            min(valid_to) as valid_to,
            min(quantity) as first_quantity,
            bool_or(kind = 'markup' and percent is null) as is_exempt,
            min_by(file, (file, line)) as file,
            min_by(line, (file, line)) as line,
            list(distinct currency) filter (currency is not null) as currencies,
            any_value(card) as card
        from known
        group by {_KEY}, valid_from
    ),
    followed as (
        select
            *,
            lead(valid_from) over following as next_from,
            lead(known_from) over following as next_known_from,
            lead(line) over following as next_line,
            lead(file) over following as next_file
        from sets
        window following as (partition by {_KEY} order by valid_from)
    )
    select
        *,
        least(coalesce(valid_to, next_from), coalesce(next_from, valid_to)) as ends_at,
        -- Of several that match, the most specific counts: own organisation, then model, provider, region. Between
        -- model and provider is room for terms of the model that an alias stands for.
        case when organization_id <> '*' then 16 else 0 end + case when model <> '' then 8 else 0 end
        + case when provider <> '' then 2 else 0 end + case when region <> '' then 1 else 0 end as specificity
    from followed
"""

# Bands of one set differ in where they begin; of other kinds there is one row.
_TWICE = f"""
    select file, line, 'valid_from' as field,
        'the same term starts twice at ' || strftime(valid_from, '%Y-%m-%dT%H:%M:%SZ')
        || ', here and on line ' || first_line || ' of ' || first_file
        || '; of two equally specific ones none would count before the other' as cause
    from (
        select
            file, line, valid_from,
            first(file) over same_start as first_file,
            first(line) over same_start as first_line,
            row_number() over same_start as place
        from terms_typed
        window same_start as (
            partition by {_KEY}, case when kind in {one_of(BANDS)} then quantity end, valid_from, known_from
            order by file, line
        )
    ) as placed
    where place > 1
"""

_TWO_ENDS = f"""
    select file, line, 'valid_to' as field,
        'bands of one set end at different instants, see line ' || first_line || ' of ' || first_file as cause
    from (
        select
            file, line, valid_to,
            first(valid_to) over same_set as first_valid_to,
            first(file) over same_set as first_file,
            first(line) over same_set as first_line
        from terms_typed
        window same_set as (partition by {_KEY}, valid_from, known_from order by file, line)
    ) as placed
    where valid_to is distinct from first_valid_to
"""

_NO_FIRST_BAND = f"""
    select file, line, 'quantity' as field,
        'the first band of this set begins at ' || (first_quantity::varchar).rtrim('0').rtrim('.')
        || ': what comes before has no price' as cause
    from term_sets
    where kind in {one_of(BANDS)} and first_quantity > 0
"""

_TWO_CURRENCIES = """
    select file, line, 'currency' as field,
        'the bands of this set are in ' || array_to_string(list_sort(currencies), ' and ') as cause
    from term_sets
    where len(currencies) > 1
"""

_OVERLAP = """
    select file, line, 'valid_to' as field,
        'the term overlaps the one on line ' || next_line || ' of ' || next_file || ', which starts at '
        || strftime(next_from, '%Y-%m-%dT%H:%M:%SZ') || ' and is equally specific' as cause
    from term_sets
    where valid_to > next_from and next_known_from <= known_from
"""

# Bands of either kind are one choice: a request is charged by one of them.
_TWO_TARIFFS = f"""
    select ours.file, ours.line, 'kind' as field,
        'the volume tariff overlaps in time with the graduated one on line ' || other.line || ' of ' || other.file
        || ', which is equally specific' as cause
    from term_sets as ours
    inner join term_sets as other using ({", ".join(_SCOPE)}, unit)
    where ours.kind = 'volume' and other.kind = 'graduated' and {meet("ours", "other")}
    qualify row_number() over (partition by ours.file, ours.line order by other.file, other.line) = 1
"""

_NO_CARD = """
    select file, line, 'card' as field,
        'no rate has the card ' || card || '; known: '
        || coalesce((select string_agg(distinct card, ', ' order by card) from rates), 'none') as cause
    from terms_typed
    where
        kind = 'card' and card not in (select card from rates)
        -- Of rates that cannot be read the card may be one.
        and not exists (select 1 from broken_tables where name = 'rates')
"""

# A mark-up covers a term that is no wider than itself, also one of an alias of its model; a mark-up without a
# percentage takes its model out again.
_UNCOUNTED = f"""
    with stood as ({bounded(ALIASES.key, f"({typed(ALIASES, 'aliases')})")}),
    stands_for as (
        select ours.file, ours.line, stood.model
        from term_sets as ours
        inner join stood
            on ours.model = stood.alias and ours.provider in ('', stood.provider) and {meet("ours", "stood")}
        where not exists (select 1 from rates where rates.provider = stood.provider and rates.model = stood.alias)
    ),
    markups as (
        select * from term_sets where kind = 'markup'
    )
    select ours.file, ours.line, 'kind' as field,
        'this ' || ours.kind || ' of the revenue side does not count while the mark-up on line ' || other.line || ' of '
        || other.file || ' is in force: it sets the price over cost' as cause
    from term_sets as ours
    inner join markups as other
        on
            other.organization_id in ('*', ours.organization_id)
            and other.provider in ('', ours.provider)
            and (
                other.model in ('', ours.model)
                or other.model in (
                    select s.model from stands_for as s where s.file = ours.file and s.line = ours.line
                )
            )
            and other.region in ('', ours.region)
            and {meet("ours", "other")}
    where
        ours.side = 'revenue' and ours.kind in ('card', 'uplift', 'discount') and not other.is_exempt
        and not exists (
            select 1
            from markups as exempt
            where
                exempt.is_exempt and exempt.specificity > other.specificity
                and (
                    exempt.organization_id = ours.organization_id
                    or '*' in (exempt.organization_id, ours.organization_id)
                )
                and (exempt.provider = ours.provider or '' in (exempt.provider, ours.provider))
                and (
                    exempt.model = ours.model or '' in (exempt.model, ours.model)
                    or exempt.model in (
                        select s.model from stands_for as s where s.file = ours.file and s.line = ours.line
                    )
                )
                and (exempt.region = ours.region or '' in (exempt.region, ours.region))
                and {meet("ours", "exempt")}
        )
    qualify row_number() over (partition by ours.file, ours.line order by other.file, other.line) = 1
"""

# Nothing is wrong with it, but a percentage that was forgotten looks just so.
_EXEMPT_FROM_NOTHING = f"""
    select file, line, 'percent' as field,
        'this mark-up has no percentage, so ' || model || ' has no mark-up, but there is none for it otherwise' as cause
    from term_sets as ours
    where is_exempt and not exists (
        select 1
        from term_sets as other
        where
            other.kind = 'markup' and not other.is_exempt
            and (other.organization_id = ours.organization_id or '*' in (other.organization_id, ours.organization_id))
            and (other.provider = ours.provider or '' in (other.provider, ours.provider))
            and (other.region = ours.region or '' in (other.region, ours.region))
            and (
                other.model in ('', ours.model)
                or exists (
                    select 1 from aliases
                    where (aliases.alias, aliases.model) in ((other.model, ours.model), (ours.model, other.model))
                )
            )
            and other.valid_from < coalesce(ours.ends_at, {FOREVER})
    )
"""

_UNKNOWN_MODEL = f"""
    with known as (
        select provider, model from rates
        union
        select provider, alias as model from aliases
    )
    select file, line, case when model <> '' then 'model' else 'provider' end as field,
        'no rate is for ' || concat_ws(' ', nullif(provider, ''), nullif(model, '')) || ': the term matches nothing'
            as cause
    from term_sets
    where not exists (
        select 1 from known
        where term_sets.provider in ('', known.provider) and term_sets.model in ('', known.model)
    ) and coalesce(ends_at, {FOREVER}) > valid_from
"""


# Who has this term is charged by the general card of the revenue side or by the cards of terms; under a mark-up by
# those of the cost side.
_UNKNOWN_UNIT = f"""
    with organizations as (
        select distinct organization_id from term_sets where kind in {one_of(_BY_QUANTITY)}
    ),
    whose as (
        select organizations.organization_id, terms.kind, terms.side, terms.card, terms.is_exempt
        from organizations
        inner join term_sets as terms
            on '*' in (organizations.organization_id, terms.organization_id)
                or organizations.organization_id = terms.organization_id
    ),
    asked as (
        select organization_id, getvariable('revenue_card') as card from organizations
        union
        select organization_id, card from whose where kind = 'card' and side = 'revenue'
        union
        select marked.organization_id, coalesce(whose.card, getvariable('cost_card'))
        from (select organization_id from whose where kind = 'markup' and not is_exempt) as marked
        left join (
            select organization_id, card from whose where kind = 'card' and side = 'cost'
            union all
            select organization_id, null as card from organizations
        ) as whose using (organization_id)
    ),
    named as (
        select provider, model as name, unit, card from rates
        union
        select rates.provider, aliases.alias as name, rates.unit, rates.card
        from rates inner join aliases on rates.provider = aliases.provider and rates.model = aliases.model
    ),
    priced as (
        select distinct asked.organization_id, named.provider, named.name, unnest(
            -- Images without a price of their own have that of text input.
            case when named.unit = 'input' then ['input', 'image_input'] else [named.unit] end
        ) as unit
        from asked inner join named using (card)
    )
    select file, line, 'unit' as field,
        'no card that ' || case when ours.organization_id = '*' then 'anybody' else ours.organization_id end
        || ' is charged by has a rate for ' || ours.unit
        || case when ours.provider || ours.model = '' then ''
            else ' of ' || concat_ws(' ', nullif(ours.provider, ''), nullif(ours.model, '')) end
        || ': the term matches no rate' as cause
    from term_sets as ours
    where
        ours.kind in {one_of(_BY_QUANTITY)}
        and not exists (
            select 1 from priced
            where priced.organization_id = ours.organization_id and priced.unit = ours.unit
                and ours.provider in ('', priced.provider) and ours.model in ('', priced.name)
        )
        and exists (
            select 1 from named where ours.provider in ('', named.provider) and ours.model in ('', named.name)
        )
"""


def term_sets() -> str:
    """Query for the sets of the typed table terms_typed, each with its end in force."""
    return _SETS


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table term_sets that the questions below are asked of."""
    con.execute(f"create or replace temp table term_sets as {term_sets()}")


def errors(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """What is wrong between rows, each of which is right by itself."""
    for question in (_TWICE, _TWO_ENDS):
        found = ask(con, "error", question)
        if found:
            return found
    found = [
        *ask(con, "error", _NO_FIRST_BAND, "Add a band with quantity 0 and run again."),
        *ask(con, "error", _TWO_CURRENCIES),
        *ask(con, "error", _OVERLAP),
        *ask(con, "error", _TWO_TARIFFS, "End one of them, or make one more specific, and run again."),
        *ask(con, "error", _NO_CARD, "Correct the name, or add the card's rows under prices/, and run again."),
    ]
    return found or inexact_factors(con)


def warnings(con: duckdb.DuckDBPyConnection) -> list[Finding]:
    """Terms that have no effect."""
    return [
        *ask(con, "warning", _UNCOUNTED, "Remove it, end the mark-up, or take its model out by one without percent."),
        *ask(con, "warning", _EXEMPT_FROM_NOTHING, "Give it its percentage, or remove it."),
        *ask(con, "warning", _UNKNOWN_MODEL, "Correct the id, or add its rates."),
        *ask(con, "warning", _UNKNOWN_UNIT, "Correct the unit, or add its rates."),
    ]
