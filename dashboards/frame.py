"""What surrounds every page: navigation, the banner on data and prices, the footer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from dashboards import findings, foreign
from dashboards.page import sees_cost
from pipelines.publish import numbers
from pipelines.publish.period import day_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboards.page import Audience
    from pipelines.publish.facts import Facts
    from pipelines.publish.period import Period
    from pipelines.publish.series import Row

AUDIENCE_NAMES: dict[Audience, str] = {
    "finance": "Finance",
    "platform": "Platform",
    "trust-safety": "Trust and safety",
    "organization": "Usage report",
}


class NavItem(NamedTuple):
    """An entry of the navigation."""

    key: str
    label: str
    href: str


class Notice(NamedTuple):
    """An entry of the banner."""

    label: str
    text: str
    href: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """The surroundings of a page; `depth` is how deep the audience's folder lies below the site."""

    audience: Audience
    audience_name: str
    site_title: str
    nav: list[NavItem]
    banner: list[Notice]
    footer: list[str]
    window: str
    made: str
    folder: str
    depth: int
    jump: str = ""
    assets: str = ""
    scope: str = ""

    def at(self, up: str, path: str) -> Frame:
        """The frame for a page `up` levels below the site."""
        scope = f"{self.folder}_{path.removesuffix('.html')}".replace("/", "_")
        return replace(self, assets=f"{up}assets/", scope=scope)


_NAV: dict[Audience, list[NavItem]] = {
    "finance": [
        NavItem("index", "Overview", "index.html"),
        NavItem("organizations", "Organisations", "organizations/index.html"),
        NavItem("products", "Products", "products/index.html"),
        NavItem("margin", "Margin", "margin.html"),
        NavItem("prices", "Prices", "prices.html"),
        NavItem("quality", "Data quality", "quality.html"),
    ],
    "platform": [
        NavItem("index", "Overview", "index.html"),
        NavItem("products", "Products", "products/index.html"),
        NavItem("models", "Models and tiers", "models.html"),
        NavItem("organizations", "Organisations", "organizations/index.html"),
        NavItem("quality", "Data quality", "quality.html"),
    ],
    "trust-safety": [
        NavItem("index", "Review queue", "index.html"),
        NavItem("worth", "What it is worth", "worth.html"),
        NavItem("quality", "Data quality", "quality.html"),
    ],
    "organization": [NavItem("index", "Usage", "index.html")],
}


def make_frame(facts: Facts, audience: Audience, folder: str, organization: Row | None = None) -> Frame:
    """The frame of an audience; of an organisation's own folder, with what the banner says of that one alone.

    An empty home has only the pages that need no usage.
    """
    nav = _NAV[audience]
    if facts.period is None:
        nav = [item for item in nav if item.key in {"index", "quality", "worth"}]
    inside = audience == "organization"
    nav = [*nav, NavItem("glossary", "Glossary", "#glossary" if inside else "glossary.html")]
    return Frame(
        audience,
        AUDIENCE_NAMES[audience],
        facts.build["site_title"],
        nav,
        _banner(facts, audience, organization),
        _footer(facts, audience),
        _window(facts),
        _made(facts),
        folder,
        folder.count("/") + 1,
        jump="an organisation" if audience == "finance" and facts.period else "",
    )


def _banner(facts: Facts, audience: Audience, organization: Row | None) -> list[Notice]:
    b = facts.build
    notices = []
    if b["demo"]:
        notices.append(Notice("", "Demo data", css="demo"))
    if facts.period is None:
        read = sum(r["records_read"] for r in facts.sources)
        if read:
            text = f"{numbers.counted(read, 'record')} read, none accepted"
            return [*notices, Notice("", text, "quality.html#quarantine", "notice")]
        return [*notices, Notice("", "No usage has been read yet")]
    notices.append(Notice("Data complete to", f"{b['data_through']:%Y-%m-%d %H:%M} UTC"))
    notices.append(Notice("Billing day", b["billing_time_zone"]))
    if audience != "organization":
        href = "prices.html" if audience == "finance" else ""
        notices.append(Notice("Price book", _book(facts), href))
    whole = facts.total if organization is None else organization
    notices.append(_priced(facts.period, whole, "" if organization else "quality.html#unpriced"))
    if sees_cost(audience) and facts.at_list_price:
        notices.append(Notice("", "Cost is taken at list price: no cost card is set, so margin is nil", css="notice"))
    elsewhere = facts.foreign
    if organization is not None:
        elsewhere = facts.organization_foreign.get(organization["organization_id"], [])
    if elsewhere:
        notices.append(_elsewhere(facts, audience, elsewhere))
    if sees_cost(audience):
        if facts.foreign_costs:
            notices.append(Notice("", foreign.cost_notice(facts.foreign_costs), "quality.html#build", "notice"))
        notices += _without_exchange(facts)
    return notices


def _elsewhere(facts: Facts, audience: Audience, rows: Sequence[Row]) -> Notice:
    """What is billed in other currencies; who sees all revenue finds it converted on the overview."""
    if sees_cost(audience) and facts.converted:
        return Notice("", f"{foreign.notice(rows)} but that of all currencies", "index.html#currencies", "notice")
    return Notice("", foreign.notice(rows), "" if audience == "organization" else "quality.html#build", "notice")


def _without_exchange(facts: Facts) -> list[Notice]:
    """What is not even in the amount of all currencies."""
    lost = [row for row in facts.converted if row["unconverted"] is not None]
    if not lost:
        return []
    amounts = " and ".join(f"{numbers.money(r['unconverted'], r['currency'])} of {r['side']}" for r in lost)
    return [Notice("", f"No rate of exchange for {amounts}", "index.html#currencies", "notice")]


def _priced(period: Period, row: Row, href: str) -> Notice:
    """How much of the shown days' usage has a price; the command line counts all data."""
    missing = row["unpriced_requests"]
    text = f"{findings.priced(row)} of requests"
    if missing:
        text += f", {numbers.count(missing)} not priced"
    return Notice("Priced" if period.whole else "Priced in the days shown", text, href if missing else "")


def _book(facts: Facts) -> str:
    """The version of the price book, and as it was known when where that is not now."""
    known_at = facts.build["known_at"]
    return str(facts.build["price_book_digest"])[:12] + (
        f" as known at {known_at:%Y-%m-%d %H:%M} UTC" if known_at else ""
    )


def _footer(facts: Facts, audience: Audience) -> list[str]:
    b = facts.build
    lines = [
        f"Meterhouse {b['project_version']}",
        f"Price book {_book(facts)}",
        f"Amounts in {facts.currency}",
        "Instants are UTC",
    ]
    if audience != "organization":
        lines.append(f"{numbers.counted(facts.file_count, 'file')} read")
    return lines


def _window(facts: Facts) -> str:
    period = facts.period
    if period is None:
        return ""
    text = f"{period.words()}, {numbers.counted(len(period.days), 'day')}"
    if not period.whole:
        text = f"Last {text}"
    if period.incomplete:
        text += ", the last one incomplete"
    if period.compared:
        text += f". Compared: {day_range(*period.current)}"
    return text


def _made(facts: Facts) -> str:
    if facts.period is None:
        return ""
    return f"{facts.period.first.isoformat()}_{facts.period.last.isoformat()}"
