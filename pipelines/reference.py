"""Writes docs/events.md and docs/published.md from the contract and the dbt descriptions.

What docs/formats.md says belongs in `reference_formats.py`. `python -m pipelines.reference` (make docs) renews all
three; a test fails when they are stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipelines.landing.contract import COLUMNS
from pipelines.reference_formats import formats_page

PROJECT = Path(__file__).resolve().parents[1]
_MODELS = PROJECT / "dbt_project" / "models"
# Published name → the model whose file describes it.
_PUBLISHED = {
    "rated_usage": "rated_usage",
    "spend_daily": "spend_daily",
    "spend_reported": "spend_reported",
    "tuned_models": "tuned_models",
    "serving_days": "serving_days",
    "ingested_files": "ingested_files",
    "quarantined_records": "quarantined_records",
    "price_book": "price_book_published",
    "build": "build",
}
_FLAGS = (
    ("case_id", "varchar", "Stable id of the case"),
    ("rank", "integer", "Place in the queue, 1 first"),
    ("organization_id", "varchar", "Organisation under review; of a group, the member seen first"),
    ("first_seen", "date", "First flagged day, UTC"),
    ("last_seen", "date", "Last flagged day, UTC"),
    ("detector", "varchar", "Which detector raised it"),
    ("score", "double", "Ranks cases within this build; not a probability"),
    ("reasons", "json", "List of reasons with values, own baseline and peer percentile"),
    ("counter_evidence", "json", "List of what speaks for ordinary use"),
    ("linked_organizations", "json", "Other organisations of the same case"),
    ("output_tokens", "bigint", "Output tokens on the flagged days"),
    ("revenue_amount", "decimal(38,18)", "Revenue on the flagged days; null when unpriced"),
    ("state", "varchar", "State of the review; new until a decision comes back"),
    ("reviewer", "varchar", "Who decided last; null where nothing is decided"),
    ("decided_at", "timestamp", "When that was, UTC"),
    ("why", "varchar", "The reason given for the decision"),
    ("until", "date", "Day up to which the decision holds; the case is due again after it; null without end"),
    ("answers", "bigint", "Answers on the flagged days"),
    ("models", "json", "Models by output on the flagged days, of a tuned one its base; the five with most"),
    ("comparable_training_set", "varchar", "How the answers compare with training sets that were enough for somebody"),
    ("detector_version", "varchar", "Digest of the taught detectors of this build"),
)
_NEWCOMERS = (
    ("rank", "integer", "Place in the list, 1 first: highest risk; equal risks by id"),
    ("organization_id", "varchar", "The newcomer"),
    ("first_seen", "date", "First day with usage, UTC"),
    ("created_at", "timestamp", "When the account was made, from the facts; null where they do not say"),
    ("programme", "varchar", "Programme it came through, from the facts"),
    ("requests", "bigint", "Requests of its first three days"),
    ("answers", "bigint", "Answers of these days"),
    ("output_tokens", "bigint", "Output tokens of these days"),
    ("burst_kind", "varchar", "What it shares with others that began within 72 hours: signup, payment or network"),
    ("burst_accounts", "bigint", "How many others share that; null where none of the three is known"),
    ("burst_expected", "double", "How many the fleet's own rate of newcomers leads one to expect"),
    ("burst_chance", "double", "Chance of so many or more, for the rarest of what is known times how much is known"),
    ("programme_linked", "bigint", "Newcomers of its programme that share things with other new accounts"),
    ("programme_expected", "double", "How many to expect by the part of the programme in the other newcomers"),
    ("programme_chance", "double", "Chance of so many or more; told, and no part of the risk"),
    ("network_sharers", "bigint", "New accounts on the commonest of its networks, itself included; null: not known"),
    ("template_sharers", "bigint", "The same of prompt templates"),
    ("payment_sharers", "bigint", "The same of payment methods"),
    ("signup_sharers", "bigint", "The same of sign-up networks"),
    ("kinds_shared", "bigint", "How many of the four it shares with at least two others"),
    ("output_percentile", "double", "Share of newcomers with less output a day in their first three days"),
    ("answer_length_percentile", "double", "The same of output tokens an answer"),
    ("pace_percentile", "double", "The same of requests per active ten minutes"),
    ("new_prompt_percentile", "double", "The same of distinct prompts per request; null where the log has no digests"),
    ("harvest_log_odds", "double", "Highest score of detector harvest on these days; null where it did not look"),
    ("coordinated_log_odds", "double", "The same of detector coordinated"),
    ("ties_risk", "double", "Strength of what it has in common with other new accounts"),
    ("behaviour_risk", "double", "Strength of what its first days look like"),
    ("risk", "double", "The higher of the two: mean of -ln of tails; ranks newcomers of this build, no probability"),
    ("compared_with", "bigint", "Newcomers of the window, itself included, among whom it was ranked"),
    ("reasons", "json", "List of reasons, as those of extraction_flags"),
)
_DECISIONS = (
    ("entry", "integer", "Place in the file, 1 first"),
    ("case_id", "varchar", "Case that was decided; it may have left the queue"),
    ("organization_id", "varchar", "Organisation that names the case"),
    ("detector", "varchar", "Which detector raised it; audit_sample where it was drawn at random"),
    ("state", "varchar", "State that was decided"),
    ("reviewer", "varchar", "Who decided"),
    ("decided_at", "timestamp", "When, UTC"),
    ("why", "varchar", "The reason given"),
    ("until", "date", "Day up to which the decision holds; null without end"),
    ("allow", "json", "Of a benign decision, what it allows: organisation, detector, output tokens a day"),
    ("digest", "varchar", "Digest of the entry and, through the one before, of all before it; null until it is sealed"),
)
_ENFORCEMENT = (
    ("flag_id", "varchar", "Stable id: hash of rule, organisation and the instant of the suspension"),
    ("organization_id", "varchar", "Who used it"),
    ("rule", "varchar", "usage_after_suspension, region_not_licensed or model_not_licensed"),
    ("since", "timestamp", "From when on it was suspended; null for licences, which name no instant"),
    ("first_seen", "date", "First day with such usage, UTC"),
    ("last_seen", "date", "Last day with such usage, UTC"),
    ("requests", "bigint", "Requests that were answered"),
    ("refused_requests", "bigint", "Requests beside them with status 400 or above: no usage"),
    ("output_tokens", "bigint", "Output tokens; also of refused requests, where a log gives them any"),
    ("billing_currency", "varchar", "Currency of revenue_amount; null when unpriced or when several meet"),
    ("revenue_amount", "decimal(38,18)", "Revenue; null when nothing is priced or several currencies meet"),
    ("models", "varchar[]", "Models seen; after a suspension, on days that lie wholly after it"),
    ("regions", "varchar[]", "Regions seen, as far as the logs name them"),
    ("detail", "varchar", "What was used against what is allowed, in words"),
)
_ENFORCEMENT_SUMMARY = (
    ("organizations", "bigint", "Organisations with facts"),
    ("flags", "bigint", "Rows of enforcement_flags"),
    ("flagged_organizations", "bigint", "Organisations with such a flag"),
    ("unknown_region_requests", "bigint", "Requests without a region of organisations whose licence limits regions"),
    ("begun_hour_requests", "bigint", "Requests in the hour in which a suspension began: not flagged"),
    ("faults", "bigint", "Faulty rows or files of facts, which did not count"),
)


def events_page() -> str:
    """The canonical event, as Markdown."""
    rows = "\n".join(
        f"| `{c.name}` | {c.type.lower()} | "
        f"{'required' if c.required else 'ours' if not c.mapped else ''} | {c.meaning} |"
        for c in COLUMNS
    )
    return f"""# The canonical event

<!-- Written by `make docs` from pipelines/landing/contract.py; do not edit. -->

One row is one metered call, one training job, or a time for which a tuned model was hosted. A `canonical` log carries
these columns as a flat record; every other format is mapped to them ([which fields](formats.md)). Token buckets are
disjoint: quantity × rate adds up. Hours have at most six decimals, and none is rounded. What is missing and not
required is null, a missing bucket, hour or call is 0, a missing `service_tier` is `standard`. "ours" marks columns that
Meterhouse fills.

| column | type | | meaning |
|---|---|---|---|
{rows}

A time without a zone is in the source's `time_zone` (UTC if it has none); one that its clocks showed twice or never,
when summer time begins or ends, is quarantined: log an offset. Seconds, milliseconds and microseconds since 1970 are
understood. An event more than `future_tolerance_minutes` (a day) ahead of our clock is quarantined. API keys
are always replaced by a hash with the home's own salt (only a whole SHA-256 stays as it is) and so are end users; so
are network and e-mail addresses that stand for a client's network. All of it before anything is stored.
"""


def published_page() -> str:
    """Every published table with its columns, as Markdown."""
    parts = [
        "# Published tables\n",
        "<!-- Written by `make docs` from the dbt models' descriptions; do not edit. -->\n",
        "Views in the schema `published` of `warehouse.duckdb`, and Parquet under `exports/published/` (event-grain",
        "tables in folders by `usage_date`). Times are UTC without a zone. Money is DECIMAL, exact and unrounded, in",
        "`billing_currency`. Each Parquet file but the event files names the version of the price book in its metadata",
        "under `price_book`.\n",
    ]
    parts += [
        "## usage_events\n",
        "Grain: accepted event at its latest revision. In the warehouse a view of the Parquet files.\n",
        _table(
            [*((c.name, c.type.lower(), c.meaning) for c in COLUMNS), ("usage_date", "date", "UTC day of the call")]
        ),
        "",
    ]
    models = {m["name"]: m for path in sorted(_MODELS.rglob("*.yml")) for m in _models(path)}
    for table, model in _PUBLISHED.items():
        described = models[model]
        parts += [f"## {table}\n", f"{described['description'].strip()}\n"]
        columns = [(c["name"], c.get("data_type", ""), c["description"]) for c in described["columns"]]
        if table == "price_book":
            seed, *_ = yaml.safe_load(
                (PROJECT / "dbt_project" / "seeds" / "price_book.yml").read_text(encoding="utf-8")
            )["seeds"]
            columns = [(name, seed["config"]["column_types"][name], text) for name, _, text in columns]
        parts += [_table(columns), ""]
    parts += [
        "## extraction_flags\n",
        (
            "Grain: case to review. A flag is a lead, ranked at the alert budget of meterhouse.toml; cases of detector "
            "audit_sample are drawn at random beside it.\n"
        ),
        _table(list(_FLAGS)),
        "",
        "## newcomers\n",
        "Grain: organisation that began within the last 14 days of the watch. A ranked list for whoever reviews",
        "launches, not alerts; see [watch.md](watch.md#newcomers).\n",
        _table(list(_NEWCOMERS)),
        "",
        "## enforcement_flags\n",
        "Grain: organisation x rule. Usage after a suspension, outside licensed regions or of models not licensed, as",
        "[organizations.md](organizations.md) says: certain, and outside the alert budget.\n",
        _table(list(_ENFORCEMENT)),
        "",
        "## enforcement_summary\n",
        "One row: what was held against the facts about organisations, and what could not be.\n",
        _table(list(_ENFORCEMENT_SUMMARY)),
        "",
        "## case_decisions\n",
        (
            "Grain: decision about a case. From cases/decisions.yaml; where that does not verify, the decisions before"
            " the first fault. See [cases.md](cases.md).\n"
        ),
        _table(list(_DECISIONS)),
    ]
    return "\n".join(parts) + "\n"


def _models(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or [])


def _table(columns: list[tuple[str, str, str]]) -> str:
    rows = [f"| `{name}` | {kind} | {text.strip()} |" for name, kind, text in columns]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])


def pages() -> dict[Path, str]:
    """Path → text of every generated page."""
    return {
        PROJECT / "docs" / "events.md": events_page(),
        PROJECT / "docs" / "formats.md": formats_page(),
        PROJECT / "docs" / "published.md": published_page(),
    }


if __name__ == "__main__":
    for target, text in pages().items():
        target.write_text(text, encoding="utf-8")
