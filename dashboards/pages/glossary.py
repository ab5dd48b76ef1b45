"""One entry a term: meaning, formula, unit, grain and the table it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dashboards.page import Audience, Page

if TYPE_CHECKING:
    from pipelines.publish.facts import Facts


class Term(NamedTuple):
    """A term of the pages."""

    id: str
    name: str
    meaning: str
    formula: str
    source: str
    hidden_from: tuple[Audience, ...] = ()


_COST = ("trust-safety", "organization")
_FLAG = ("finance", "platform", "organization")
TERMS: tuple[Term, ...] = (
    Term(
        "window",
        "Days shown",
        "All days there are, or the last 56 when there are more than 62.",
        "days of the billing zone, both ends included",
        "spend_daily.charge_date",
    ),
    Term(
        "change",
        "Change over completed days",
        "The last completed days against as many before them: up to 28, in whole weeks where there are enough. A day is completed when events reach into its last hour. Each organisation's change is split into volume, mix and price, the mean over all orders in which the three could have changed; lines present in one half only are new or ended. A line is product, provider, model, tier, service tier and token kind.",
        "volume + mix + price + new + ended = last \u2212 prior, exactly",
        "spend_daily, price_rates",
    ),
    Term(
        "revenue",
        "Revenue (charge)",
        "What the organisation is charged: each token kind times the rate in force at the request's own instant.",
        "sum(tokens of kind \u00d7 rate), exact decimals; rounded only when written",
        "spend_daily.revenue_amount",
    ),
    Term(
        "cost",
        "Cost",
        "What serving or buying the tokens costs, rated separately with the cost card.",
        "sum(tokens of kind \u00d7 cost rate)",
        "spend_daily.cost_amount",
        _COST,
    ),
    Term(
        "margin",
        "Margin",
        "Revenue less cost, for requests where both are known; the share is of the revenue of those requests.",
        "margin = revenue \u2212 cost; margin % = margin / revenue where both are known",
        "spend_daily.margin_amount",
        _COST,
    ),
    Term(
        "requests",
        "Requests",
        "Accepted calls, failed ones included, each counted once.",
        "count of events",
        "spend_daily.requests",
    ),
    Term(
        "failed",
        "Failed requests",
        "Calls that ended with an error status.",
        "failed / all requests",
        "spend_daily.failed_requests",
    ),
    Term(
        "tokens",
        "Tokens",
        "Disjoint kinds: input, cached input, cache writes, audio input, output, audio output, training. Reasoning is part of output and never added.",
        "sum of the kinds",
        "spend_daily.total_tokens",
    ),
    Term(
        "effective-price",
        "Effective price per 1M tokens",
        "What a million tokens came to, all kinds together, over priced tokens only.",
        "1,000,000 \u00d7 revenue / priced tokens",
        "spend_daily",
    ),
    Term(
        "cache-saving",
        "Cache saving",
        "What cached input tokens would have cost more as fresh input, at today's standard list.",
        "cached input tokens \u00d7 (input rate \u2212 cached rate)",
        "spend_daily, price_rates",
        ("organization",),
    ),
    Term(
        "not-priced",
        "Not priced",
        "Requests for which the price book has no rate at their instant. They are in no amount, and never counted as 0.",
        "count of requests with an unpriced reason",
        "rated_usage.unpriced_reason",
    ),
    Term(
        "model-tier",
        "Model tier",
        "Base, or fine-tuned (hatched in charts). A fine-tuned model never takes the price of its base.",
        "",
        "spend_daily.model_tier",
    ),
    Term(
        "service-tier",
        "Service tier",
        "As served: standard, batch, flex or priority.",
        "",
        "spend_daily.service_tier",
    ),
    Term(
        "product",
        "Product",
        "The project, workspace or team a request belongs to; (none) where the log names none.",
        "",
        "spend_daily.product_id",
    ),
    Term(
        "price-book",
        "Price book",
        "Rates with the instant from which they hold and the one from which they were known. The past keeps its price. The version is the digest of the whole book.",
        "",
        "price_book",
    ),
    Term(
        "conservation",
        "Conservation of records",
        "Nothing that was read disappears.",
        "read = accepted + duplicates + amendments + quarantined",
        "ingested_files",
    ),
    Term(
        "quarantine",
        "Quarantine",
        "Records that could not be accepted, each with file, line, field, reason and its text.",
        "",
        "quarantined_records",
    ),
    Term(
        "ledger",
        "Totals ledger",
        "The same totals after rating, in the daily table and on the pages.",
        "difference = stage \u2212 rated events",
        "rated_usage, spend_daily",
    ),
    Term(
        "flag",
        "Flag",
        "A lead for a person to review: usage that resembles harvesting of a model's answers. It is not a finding about anyone.",
        "",
        "extraction_flags",
        _FLAG,
    ),
    Term(
        "score",
        "Score",
        "How rarely usage this unusual occurs among comparable organisations, for the detector named: 2 means one in a hundred, 3 one in a thousand. The queue is cut at the alert budget.",
        "\u2212log10(p)",
        "extraction_flags.score",
        _FLAG,
    ),
    Term(
        "peer-percentile",
        "Peer percentile",
        "Share of organisations active that day whose figure is at most this one.",
        "rank / active organisations",
        "spend_daily",
        _FLAG,
    ),
    Term(
        "rounding",
        "Rounding",
        "Amounts are rounded half to even when written: two places from one unit on, four below, two significant digits below a ten-thousandth. Where written rows do not add up to the written total, a row says by how much.",
        "written total \u2212 sum of written rows",
        "this page",
    ),
    Term(
        "time",
        "Time",
        "Instants are UTC. Days are days of the billing zone named above; nothing is converted in the browser.",
        "",
        "",
    ),
)


def page(facts: Facts, audience: Audience) -> Page:
    """The glossary of an audience: terms it never sees are left out."""
    terms = [t for t in TERMS if audience not in t.hidden_from]
    return Page(
        "glossary.html",
        "glossary.html.j2",
        "glossary",
        "Glossary",
        {"terms": terms, "currency": facts.currency},
    )
