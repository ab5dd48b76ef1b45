"""Finds out how one request got its two amounts, rate row by rate row, or why it has none.

The rate sets, factors and bands are those that the last run wrote beside the amount. Quantities are multiplied here
once more, in Python's decimals, and must give the stored amount to the last digit. How it is shown belongs in
`explain_text.py`, how rates are found in the dbt models under `rating/`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines import warehouse
from pipelines.errors import MeterhouseError
from pipelines.landing.contract import BUCKETS
from pipelines.landing.manifest import read_manifest
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.digest import price_book_digest
from pipelines.pricing.explanation import Charge, Explanation, GpuShare, Part, PriceRow, RateSet, Side, Term
from pipelines.pricing.known_then import known_then
from pipelines.pricing.missing import MARKED_UP_HOURS, lacks_rate, way_out, way_out_over_hours
from pipelines.pricing.stood import stands_for
from pipelines.pricing.tables import RATES
from pipelines.pricing.units import ALL
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from pipelines.home import Home

_SIDES = ("revenue", "cost")
_OPEN = 9999
_LONGEST = 2**63 - 1
_NOT_TOKENS = {unit.name for unit in ALL if unit.dimension != "tokens"} | {"embedding"}
_CHANGED = "The price tables have changed since this was rated; the next run rates anew."
_FAULTY = "The price tables have an error now; `meterhouse prices check` names it. This was rated before."
_UNPRICED = "`meterhouse unpriced --side {}` writes the lines."
_WHO = (
    "source", "event_id", "occurred_at", "organization_id", "product_id", "api_key_id", "provider", "model",
    "base_model", "model_tier", "service_tier", "region", "operation", "status",
)  # fmt: skip

Row = dict[str, Any]


def explain(home: Home, event_id: str, source: str | None = None) -> Explanation:
    """Everything about the two amounts of one request.

    Raises MeterhouseError where no request, or one of several sources, has that id.
    """
    with built_warehouse(home) as con:
        return explain_from(con, home, event_id, source)


def explain_from(con: duckdb.DuckDBPyConnection, home: Home, event_id: str, source: str | None = None) -> Explanation:
    """The same from a warehouse that is open."""
    rated = _the_one(con, home, event_id, source)
    event = {name: rated[name] for name in _WHO} | {"gateway_cache_hit": _from_gateway(con, home, rated)}
    (settings,) = rows(con, "select price_book_digest, revenue_card, cost_card, known_at from run.settings")
    quantities = _quantities(rated, event)
    book = _book_text(home)
    sides = tuple(_side(con, book, name, rated, quantities, settings) for name in _SIDES)
    built, now = settings["price_book_digest"], _book_now(home)
    stale = () if built == now else (_CHANGED if now else _FAULTY,)
    notes = (*stale, *known_then(con, book, rated, sides, settings["known_at"]))
    return Explanation(event, quantities, sides, built, now, notes)


def _book_now(home: Home) -> str | None:
    """The version of the price tables as they lie there now; None where they have an error."""
    try:
        return price_book_digest(home)
    except MeterhouseError:
        return None


def built_warehouse(home: Home) -> Any:
    """A read-only connection to what the last run built; MeterhouseError where nothing was."""
    if not home.warehouse.exists():
        raise MeterhouseError(
            "nothing has been rated here yet.",
            file=home.warehouse,
            way_out="Run `meterhouse run` on this home first, or correct --home.",
        )
    return warehouse.connect(home, read_only=True)


def rows(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any] | None = None) -> list[Row]:
    """Rows of a query by column name."""
    found = con.execute(sql, values or {})
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _the_one(con: duckdb.DuckDBPyConnection, home: Home, event_id: str, source: str | None) -> Row:
    found = rows(
        con,
        "select * from published.rated_usage where event_id = $id and ($source is null or source = $source) "
        "order by source",
        {"id": event_id, "source": source},
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise MeterhouseError(
            f"no request with the id {event_id!r}{f' from the source {source!r}' if source else ''} was accepted.",
            file=home.root,
            way_out="Copy the id as it stands in rated_usage; what was refused stands in quarantined_records, what "
            "has landed since the last run is taken in by `meterhouse run`.",
        )
    listed = "; ".join(
        f"{row['source']} ({row['occurred_at']:%Y-%m-%d %H:%M:%S} UTC, {row['organization_id']}, {row['model']})"
        for row in found
    )
    raise MeterhouseError(
        f"{len(found)} sources have a request with the id {event_id!r}: {listed}.",
        file=home.root,
        way_out=f"Name one, as in --source {found[0]['source']}.",
    )


def _from_gateway(con: duckdb.DuckDBPyConnection, home: Home, rated: Row) -> bool:
    """Whether the gateway answered from its own cache: only the event's file says so."""
    day = str(rated["usage_date"])
    files = [literal(home.root / c.events[day]) for c in read_manifest(home) if day in c.events]
    if not files:
        return False
    found = con.execute(
        f"""
        select coalesce(gateway_cache_hit, false)
        from read_parquet([{", ".join(files)}], union_by_name = true, hive_partitioning = false)
        where source = $source and event_id = $event_id
        order by revision desc limit 1""",
        {"source": rated["source"], "event_id": rated["event_id"]},
    ).fetchone()
    return bool(found and found[0])


def _quantities(rated: Row, event: Row) -> dict[str, Decimal]:
    """What was used by unit, as the models count it; only units of which there is any."""
    failed = (rated["status"] or 0) >= 400
    found = {}
    for unit in ALL:
        if unit.name in {"embedding", "gpu_hour"}:
            continue
        value = rated[unit.quantity] if unit.name != "request" else not (failed or event["gateway_cache_hit"])
        if value:
            found[unit.name] = Decimal(value)
    return found


def _side(
    con: duckdb.DuckDBPyConnection,
    book: pa.Table | None,
    name: str,
    rated: Row,
    quantities: dict[str, Decimal],
    settings: Row,
) -> Side:
    card = settings[f"{name}_card"]
    reason = rated["unpriced_reason" if name == "revenue" else "uncosted_reason"]
    stored = rated[f"{name}_amount"]
    currency = rated["billing_currency"]
    if name == "cost":
        currency = rated["cost_currency"] or currency
        if stored is None and rated["foreign_cost_amount"] is not None:
            stored, reason = rated["foreign_cost_amount"], None
    rate_id = rated[f"{name}_rate_id"]
    way = way_out(reason) if reason else None
    if reason and (lacks_rate(reason) or reason.startswith(MARKED_UP_HOURS)):
        way = f"{way} {_UNPRICED.format(name)}"
    terms = _terms(con, (rated[f"{name}_terms"] or "").split(","))
    if rate_id is None:
        asked = (rated["base_model"] or rated["model"]) if reason and lacks_rate(reason) else None
        return Side(
            name, currency if stored is not None else None, stored, reason, way, card, None, None, terms,
            stands_for=asked and stands_for(con, rated["provider"], asked, rated["occurred_at"]),
        )  # fmt: skip
    rate = _rate_set(con, rate_id)
    prices = _prices(con, book, rate_id)
    # Hours of GPUs belong to everybody: only the general cost card prices them.
    is_over_hours = "gpu_hour" in prices and rate.card == settings["cost_card"]
    spread = name == "cost" and is_over_hours
    if name == "revenue" and is_over_hours and reason and lacks_rate(reason):
        way = f"{way_out_over_hours()} {_UNPRICED.format(name)}"
    parts = _parts(con, rated) if name == "revenue" else {}
    used_up = _used_up(con, rated, rate.priced_as, _untouched(quantities, parts)) if name == "revenue" else ()
    charges = tuple(
        charge
        for unit, quantity in quantities.items()
        if (charge := _charge(unit, quantity, rated, prices, parts, name, spread=spread)) is not None
    )
    return Side(
        name=name,
        currency=currency,
        stored=stored,
        reason=reason,
        way_out=way,
        general_card=card,
        rate=rate,
        factor=rated[f"{name}_factor"],
        terms=terms,
        charges=charges,
        spread=spread,
        share=_share(con, rated) if spread else None,
        used_up=used_up,
    )


def _charge(
    unit: str,
    quantity: Decimal,
    rated: Row,
    prices: dict[str, tuple[Decimal, PriceRow]],
    parts: dict[str, tuple[Part, ...]],
    side: str,
    *,
    spread: bool,
) -> Charge | None:
    """One unit's charge; None for a request at a rate without a fee a request."""
    if unit == "request" and unit not in prices:
        return None
    if unit == "input" and rated["operation"] == "embedding" and "embedding" in prices:
        unit = "embedding"
    # Where images have no price of their own, providers charge them as text input.
    priced_as = "input" if unit == "image_input" and unit not in prices and "input" in prices else unit
    price, row = prices.get(priced_as, (None, None))
    # Tokens of a model that is paid by the hour of GPUs cost their share of the day, besides what the card says.
    in_share = spread and price is None and unit not in _NOT_TOKENS
    return Charge(unit, priced_as, quantity, price, rated[f"{side}_factor"], row, in_share, parts.get(unit, ()))


def _rate_set(con: duckdb.DuckDBPyConnection, rate_id: str) -> RateSet:
    (row,) = rows(con, "select * from marts.price_rates where rate_id = $id", {"id": rate_id})
    return RateSet(
        **{name: row[name] for name in ("card", "provider", "model", "priced_as", "model_tier", "service_tier",
                                        "region", "currency", "valid_from", "context_from")},
        valid_to=_end(row["valid_to"]),
        context_to=None if row["context_to"] == _LONGEST else row["context_to"],
    )  # fmt: skip


def _prices(con: duckdb.DuckDBPyConnection, book: pa.Table | None, rate_id: str) -> dict[str, tuple[Decimal, PriceRow]]:
    """Price of one by unit, each with the row of the price book that it comes from."""
    found = rows(
        con,
        """
        select rates.unit, rates.unit_price, price_rows.* exclude (unit, unit_price)
        from marts.price_rate_units as rates
        inner join marts.price_rows as price_rows using (price_row_id)
        where rates.rate_id = $id""",
        {"id": rate_id},
    )
    places = _places(con, book, found)
    return {row["unit"]: (row["unit_price"], _price_row(row, places.get(row["price_row_id"]))) for row in found}


def _price_row(row: Row, place: tuple[str, int] | None) -> PriceRow:
    file, line = place or (None, None)
    origin = "no file any more" if file is None else "Meterhouse" if file == str(SEED) else "home"
    return PriceRow(
        **{name: row[name] for name in ("price", "per", "currency", "context_from", "valid_from", "known_from",
                                        "source", "checked_on")},
        valid_to=_end(row["valid_to"]),
        origin=origin,
        place=None if file is None else f"{file.rsplit('/', 1)[-1]}, line {line}",
    )  # fmt: skip


def _book_text(home: Home) -> pa.Table | None:
    """Text rows of the rates as they lie there now; None where a file cannot be read."""
    try:
        return load_book(home)
    except MeterhouseError:
        return None


def _places(con: duckdb.DuckDBPyConnection, book: pa.Table | None, found: list[Row]) -> dict[str, tuple[str, int]]:
    """File and line of price rows, as the files are now."""
    if book is None or not found:
        return {}
    con.register("book_text", book)
    try:
        listed = rows(
            con,
            f"""
            select file, line, {RATES.typed}
            from (
                select * from book_text
                where card = $card and provider = $provider and model = $model
            ) as rows""",
            {name: found[0][name] for name in ("card", "provider", "model")},
        )
    except duckdb.ConversionException:
        return {}
    finally:
        con.unregister("book_text")
    key = (*RATES.key, "valid_from", "known_from", "price", "per")
    by_key = {tuple(row[name] for name in key): (row["file"], row["line"]) for row in listed}
    return {
        row["price_row_id"]: by_key[place] for row in found if (place := tuple(row[name] for name in key)) in by_key
    }


def _terms(con: duckdb.DuckDBPyConnection, ids: list[str]) -> tuple[Term, ...]:
    found = {row["term_id"]: _term(row) for row in rows(con, "select * from run.terms")}
    return tuple(found[term_id] for term_id in ids if term_id in found)


def _term(row: Row) -> Term:
    scope = " ".join(part for part in (row["provider"], row["model"]) if part) or "every model"
    return Term(
        **{name: row[name] for name in ("kind", "side", "organization_id", "unit", "quantity", "percent", "price",
                                        "per", "card", "valid_from", "source")},
        scope=scope + (f" in {row['region']}" if row["region"] else ""),
        valid_to=_end(row["valid_to"]),
    )  # fmt: skip


def _parts(con: duckdb.DuckDBPyConnection, rated: Row) -> dict[str, tuple[Part, ...]]:
    """Parts by unit that allowances and tariffs price, in the order of application."""
    found = rows(
        con,
        """
        select
            bands.*, columns(terms.*) as 'term_\\0',
            -- Of a volume tariff one band has the whole month.
            case when bands.kind = 'volume' then (
                select max(month.quantity_before + month.quantity) from marts.monthly_bands as month
                where month.term_id = bands.term_id and month.organization_id = bands.organization_id
                    and month.charge_month = bands.charge_month
            ) end as month_quantity
        from marts.monthly_bands as bands
        inner join run.terms as terms on bands.term_id = terms.term_id
        where bands.source = $source and bands.event_id = $event_id and bands.usage_date = $usage_date
        order by bands.kind != 'allowance', terms.quantity""",
        {name: rated[name] for name in ("source", "event_id", "usage_date")},
    )
    by_unit: dict[str, tuple[Part, ...]] = {}
    for row in found:
        term = _term({name.removeprefix("term_"): value for name, value in row.items() if name.startswith("term_")})
        part = Part(
            term,
            row["quantity_before"],
            row["quantity"],
            row["price"],
            row["amount"],
            row["problem"],
            row["month_quantity"],
        )
        by_unit[row["unit"]] = (*by_unit.get(row["unit"], ()), part)
    return by_unit


def _untouched(quantities: dict[str, Decimal], parts: dict[str, tuple[Part, ...]]) -> list[str]:
    """Units of which no allowance has taken a part."""
    return [unit for unit in quantities if all(part.term.kind != "allowance" for part in parts.get(unit, ()))]


def _used_up(con: duckdb.DuckDBPyConnection, rated: Row, priced_as: str, units: Iterable[str]) -> tuple[Term, ...]:
    """Allowances of these units that earlier requests of the month had used up: the one that counts for each unit."""
    found = rows(
        con,
        """
        with used as (
            select
                term_id, sum(quantity) filter (
                    (occurred_at, source, event_id) < ($occurred_at, $source, $event_id)
                ) as quantity_before
            from marts.monthly_bands
            where kind = 'allowance' and organization_id = $organization_id and list_contains($units, unit)
                and charge_month = (
                    select date_trunc('month', timezone(billing_time_zone, timezone('UTC', $occurred_at::timestamp)))
                    from run.settings
                )
            group by term_id
        )
        select terms.*
        from run.terms as terms
        inner join used using (term_id)
        where
            used.quantity_before >= terms.quantity
            and terms.provider in ('', $provider) and terms.model in ('', $asked, $priced_as)
            and terms.region in ('', $region)
            and terms.valid_from <= $occurred_at and (terms.valid_to is null or terms.valid_to > $occurred_at)
        qualify row_number() over (
            partition by terms.unit
            order by
                terms.organization_id = '*', terms.model != $asked, terms.model = '', terms.provider = '',
                terms.region = '', terms.valid_from desc
        ) = 1
        order by terms.unit""",
        {name: rated[name] for name in ("occurred_at", "source", "event_id", "organization_id", "provider")}
        | {
            "units": sorted(units), "asked": rated["base_model"] or rated["model"], "priced_as": priced_as,
            "region": rated["region"] or "",
        },
    )  # fmt: skip
    return tuple(_term(row) for row in found)


def _share(con: duckdb.DuckDBPyConnection, rated: Row) -> GpuShare | None:
    """The share of the day's hours of GPUs: running tokens before and after, in units of the twelfth place."""
    values = {name: rated[name] for name in ("usage_date", "provider", "model_tier")}
    # Hours and tokens of an alias are those of the model that prices them.
    ((values["model"],),) = con.execute(
        "select priced_as from marts.price_rates where rate_id = $id", {"id": rated["cost_rate_id"]}
    ).fetchall()
    hours = rows(
        con,
        """
        select sum(hours.gpu_hours)::decimal(18, 6) as gpu_hours, any_value(rates.price_gpu_hours) as price
        from run.serving_hours as hours
        cross join run.settings as settings
        inner join marts.price_rates as rates
            on settings.cost_card = rates.card and hours.provider = rates.provider and hours.model = rates.model
            and hours.model_tier = rates.model_tier and rates.service_tier = 'standard' and rates.region = ''
            and rates.context_from = 0 and hours.usage_date >= rates.valid_from and hours.usage_date < rates.valid_to
            and rates.price_gpu_hours is not null
        where hours.usage_date = $usage_date and hours.provider = $provider and rates.priced_as = $model
            and hours.model_tier = $model_tier
        having count(*) > 0""",
        values,
    )
    if not hours:
        return None
    tokens = " + ".join(f"r.{bucket}" for bucket in BUCKETS)
    (day,) = rows(
        con,
        f"""
        select
            count(*) as requests,
            sum({tokens})::hugeint as day_tokens,
            coalesce(sum({tokens}) filter (
                (r.occurred_at, r.source, r.event_id) < ($occurred_at, $source, $event_id)
            ), 0)::hugeint as tokens_before
        from published.rated_usage as r
        inner join marts.price_rate_units as u on r.cost_rate_id = u.rate_id and u.unit = 'gpu_hour'
        inner join run.settings as settings on u.card = settings.cost_card
        where r.usage_date = $usage_date and r.provider = $provider and r.model_tier = $model_tier
            and u.priced_as = $model""",
        values | {name: rated[name] for name in ("occurred_at", "source", "event_id")},
    )
    own = sum(int(rated[bucket]) for bucket in BUCKETS)
    if not day["day_tokens"]:
        return None
    gpu_hours, price = hours[0]["gpu_hours"], hours[0]["price"]
    whole = int(gpu_hours.scaleb(6)) * int(price.scaleb(6))
    before = int(day["tokens_before"])
    share = whole * (before + own) // int(day["day_tokens"]) - whole * before // int(day["day_tokens"])
    return GpuShare(
        day=rated["usage_date"],
        gpu_hours=gpu_hours,
        price=price,
        day_amount=Decimal(whole).scaleb(-12),
        requests=day["requests"],
        day_tokens=int(day["day_tokens"]),
        tokens_before=before,
        tokens=own,
        amount=Decimal(share).scaleb(-12),
    )


def _end(value: Any) -> Any:
    return None if value is None or value.year >= _OPEN else value
