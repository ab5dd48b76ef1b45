"""Whether tuned models have paid for themselves: training and hosting against what the same tokens cost elsewhere.

Amounts of the base model come from the published table `tuned_models`; those of another model from rating the same
events once more (`rerate.py`). Revenue side throughout: what the organisation pays. Several currencies of one model are
brought together in `break_even_currencies.py`; how it is shown belongs in `break_even_text.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pipelines.errors import MeterhouseError
from pipelines.money import exact
from pipelines.pricing.break_even_currencies import InCurrencies, in_currencies, in_one_currency
from pipelines.pricing.explain import built_warehouse, rows
from pipelines.pricing.replacement import Model, Replacement, find_model
from pipelines.pricing.rerate import Change, Days, rated_again
from pipelines.pricing.what_if import models_with_rates

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    import duckdb

    from pipelines.home import Home

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Compared:
    """The same requests at the tuned model's rates and at another model's, exact. `reason`: why some are left out.

    `incomparable`: why the two, in different currencies, could not be converted. `currencies` are the other's own.
    """

    name: str
    requests: int
    tokens: int
    tuned_amount: Decimal | None
    other_amount: Decimal | None
    reason: str | None
    incomparable: str | None = None
    currencies: tuple[str, ...] = ()

    @property
    def saving(self) -> Decimal | None:
        """What tuning has saved on those requests; below 0 where it is dearer."""
        if self.tuned_amount is None or self.other_amount is None:
            return None
        with exact():
            return self.other_amount - self.tuned_amount


@dataclass(frozen=True, slots=True)
class Verdict:
    """Paid back or not. `requests`, `tokens` and `days` are those after which it is, from the first use on."""

    is_paid: bool
    text: str
    requests: int | None = None
    tokens: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """One tuned model of one organisation: what it came to, and how that compares.

    `converted_from` names the currencies that were converted to `currency`, those of a model that it is compared with
    among them. Where that could not be done, this is the part in `currency` alone, and `incomparable` says so.
    """

    provider: str
    model: str
    base_model: str
    organization_id: str
    currency: str | None
    first_at: datetime | None
    last_at: datetime | None
    usage_requests: int
    usage_tokens: int
    usage_amount: Decimal | None
    training_jobs: int
    training_amount: Decimal | None
    hosting_hours: Decimal
    hosting_amount: Decimal | None
    unpriced_requests: int
    comparisons: tuple[Compared, ...]
    converted_from: tuple[str, ...] = ()
    incomparable: str | None = None

    @property
    def use_days(self) -> int:
        """Days of use so far, begun ones counted whole."""
        if self.first_at is None or self.last_at is None:
            return 0
        return int((self.last_at - self.first_at).total_seconds() // _DAY_SECONDS) + 1


def break_even(home: Home, *, against: str | None = None, organization: str | None = None) -> list[Tuned]:
    """Every tuned model that is known, by organisation; the base model first among what it is compared with."""
    with built_warehouse(home) as con:
        found = rows(
            con,
            """
            select * from published.tuned_models
            where $organization is null or organization_id = $organization
            order by organization_id, provider, model, billing_currency""",
            {"organization": organization},
        )
        if organization is not None and not found:
            _require_known(con, organization)
        days = con.execute(
            "select min(charge_date), max(charge_date) from marts.rated_usage where model_tier = 'fine_tuned'"
        ).fetchone()
    others: dict[tuple[Any, ...], dict[str, Any]] = {}
    if against is not None and found and days and days[0]:
        others = _against(home, against, Days(*days), found)
    return list(
        in_one_currency(
            InCurrencies(
                _tuned(row, against, others),
                _tuned(row, against, others, "reported_"),
                row["unconverted_reason"],
            )
            for row in found
        )
    )


def _require_known(con: duckdb.DuckDBPyConnection, organization: str) -> None:
    """Tell a slip of the pen from an organisation without tuned models."""
    used = con.execute("select 1 from marts.spend_daily where organization_id = ? limit 1", [organization])
    if used.fetchone() is None:
        raise MeterhouseError(
            f"there is no usage of the organisation {organization!r}.", way_out="Correct --organization."
        )


def _tuned(
    row: dict[str, Any], against: str | None, others: dict[tuple[Any, ...], dict[str, Any]], kind: str = ""
) -> Tuned:
    """A row of `tuned_models` in its own currency, or with `kind` `reported_` in that of reports."""
    base = Compared(
        row["base_model"], row["compared_requests"], row["compared_tokens"], row[f"{kind}compared_amount"],
        row[f"{kind}base_amount"], row["base_reason"],
    )  # fmt: skip
    key = (row["provider"], row["model"], row["organization_id"], row["billing_currency"])
    other = () if against is None else (_other(against, row, others.get(key), kind),)
    return Tuned(
        **{name: row[name] for name in (
            "provider", "model", "base_model", "organization_id", "first_at", "last_at", "usage_requests",
            "usage_tokens", "training_jobs", "hosting_hours", "unpriced_requests",
        )},
        **{f"{name}_amount": row[f"{kind}{name}_amount"] for name in ("usage", "training", "hosting")},
        currency=row["reporting_currency" if kind else "billing_currency"],
        comparisons=(base, *other),
    )  # fmt: skip


def _other(against: str, row: dict[str, Any], found: dict[str, Any] | None, kind: str) -> Compared:
    if found is None:
        reason = "the tuned model itself has no amount" if row["usage_requests"] else None
        return Compared(against, 0, 0, None, None, reason)
    currencies, why = tuple(found["currencies"] or ()), found["unconverted_reason"] if kind else None
    return Compared(
        against, found["requests"], found["tokens"], found[f"{kind}tuned_amount"], found[f"{kind}other_amount"],
        found["reason"], why and in_currencies(row["billing_currency"], against, currencies, why), currencies,
    )  # fmt: skip


def _against(
    home: Home, against: str, days: Days, found: list[dict[str, Any]]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The tuned models' usage at the rates of `against`, by model, organisation and currency."""
    used = sorted({(row["provider"], row["base_model"]) for row in found})
    priced = models_with_rates(home, Change())
    replacements = tuple(
        Replacement(Model(provider, base, "fine_tuned"), find_model(against, priced, "has no rates", provider=provider))
        for provider, base in used
    )
    with rated_again(home, Change(replacements=replacements), days) as con:
        compared = rows(con, _COMPARED)
    return {(row["provider"], row["model"], row["organization_id"], row["billing_currency"]): row for row in compared}


def _regular(catalog: str) -> str:
    """Usage of tuned models with its amount, allowances and tariffs by quantity aside."""
    return f"""
        select
            rated.*,
            rated.revenue_amount - coalesce(bands.difference, 0) as regular_amount
        from {catalog}marts.rated_usage as rated
        left join (
            select source, event_id, sum(amount - regular_amount) as difference
            from {catalog}marts.monthly_bands
            group by source, event_id
        ) as bands using (source, event_id)
        where rated.model_tier = 'fine_tuned' and rated.training_tokens = 0 and rated.training_hours = 0
            and rated.hosting_hours = 0 and coalesce(rated.operation, '') not in ('fine_tuning', 'hosting')"""


_EXCHANGE = """
    select distinct charge_date, billing_currency, revenue_exchange_rate as rate from {}published.spend_reported"""
# The other model's amounts in the tuned model's own currency are null where it is listed in another.
_COMPARED = f"""
    with compared as (
        select
            own.provider, own.model, own.organization_id, own.billing_currency, own.charge_date, own.tokens,
            own.regular_amount as tuned_amount, own_exchange.rate as tuned_rate,
            other.regular_amount as other_amount, other_exchange.rate as other_rate,
            other.billing_currency as other_currency,
            own.regular_amount is not null and other.regular_amount is not null as both_known,
            case
                when own.regular_amount is null then 'the tuned model itself has no amount'
                else other.unpriced_reason
            end as reason,
            case
                when not both_known then null
                when tuned_rate is null then own.billing_currency
                when other_rate is null then other_currency
            end as lacks
        from (
            select
                regular.*,
                input_tokens + cached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens
                + audio_input_tokens + image_input_tokens + output_tokens + audio_output_tokens
                + image_output_tokens as tokens
            from ({_regular("")}) as regular
        ) as own
        inner join ({_regular("scratch.")}) as other
            on own.usage_date = other.usage_date and own.source = other.source and own.event_id = other.event_id
        left join ({_EXCHANGE.format("")}) as own_exchange
            on own.charge_date = own_exchange.charge_date and own.billing_currency = own_exchange.billing_currency
        left join ({_EXCHANGE.format("scratch.")}) as other_exchange
            on other.charge_date = other_exchange.charge_date
                and other.billing_currency = other_exchange.billing_currency
    )
    select
        provider, model, organization_id, billing_currency,
        count(*) filter (where both_known) as requests,
        coalesce(sum(tokens) filter (where both_known), 0)::bigint as tokens,
        list(distinct other_currency order by other_currency) filter (where both_known) as currencies,
        (sum(tuned_amount) filter (where both_known))::decimal(38, 18) as tuned_amount,
        case
            when bool_and(other_currency = billing_currency) filter (where both_known)
                then sum(other_amount) filter (where both_known)
        end::decimal(38, 18) as other_amount,
        (sum(tuned_amount * tuned_rate) filter (where both_known))::decimal(38, 24) as reported_tuned_amount,
        (sum(other_amount * other_rate) filter (where both_known))::decimal(38, 24) as reported_other_amount,
        min('no exchange rate from ' || lacks || ' to ' || reporting_currency || ' on this day: ' || charge_date)
            as unconverted_reason,
        min(reason) filter (where not both_known) as reason
    from compared
    cross join run.settings
    group by provider, model, organization_id, billing_currency"""


def verdict(tuned: Tuned, compared: Compared) -> Verdict:
    """Whether tuning has paid for itself against a model, and if not, after how much use it will have.

    Training is paid once; hosting goes on, so what it has come to a day counts against what a day saves.
    """
    incomparable = tuned.incomparable or compared.incomparable
    if incomparable:
        return Verdict(is_paid=False, text=f"not comparable: {incomparable}")
    saving = compared.saving
    if saving is None or not compared.tokens:
        return Verdict(is_paid=False, text=f"unknown: {compared.reason or 'the model has not been used'}")
    if compared.requests < tuned.usage_requests:
        left_out = tuned.usage_requests - compared.requests
        return Verdict(
            is_paid=False, text=f"unknown: {left_out:,} of {tuned.usage_requests:,} requests could not be compared"
        )
    training, hosting = Fraction(tuned.training_amount or 0), Fraction(tuned.hosting_amount or 0)
    if saving <= 0:
        level = "it costs the same a token" if saving == 0 else "it is dearer a token"
        return Verdict(is_paid=False, text=f"never: {level}")
    for name, used, amount in (
        ("training", tuned.training_jobs, tuned.training_amount),
        ("hosting", tuned.hosting_hours, tuned.hosting_amount),
    ):
        if used and amount is None:
            return Verdict(is_paid=False, text=f"unknown: the {name} has no amount")
    if tuned.unpriced_requests:
        # Every use has its amount, or it would not have been compared.
        return Verdict(is_paid=False, text="unknown: some of the training or hosting has no amount")
    if not training and not hosting:
        return Verdict(is_paid=True, text="nothing to pay back is known: no training and no hosting")
    net = Fraction(saving) - hosting
    if net <= 0 and net < training:
        return Verdict(is_paid=False, text="never at the present rate: hosting costs more than is saved")
    # At the present rate: which part, or multiple, of the use so far it takes.
    times = training / net if net else Fraction(0)
    return Verdict(
        is_paid=times <= 1,
        text="paid back" if times <= 1 else "not yet paid back",
        requests=_ceiling(compared.requests * times),
        tokens=_ceiling(compared.tokens * times),
        days=_ceiling(tuned.use_days * times),
    )


def per_million(amount: Decimal, tokens: int) -> Fraction:
    """An amount a million tokens."""
    return Fraction(amount) * 1_000_000 / tokens


def _ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
