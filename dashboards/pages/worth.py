"""What the watch is worth, misses as plainly as hits: the kept figures of its bench, and where it is blind."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashboards.page import Card, Cell, Column, Fact, Page, Table, Tile
from pipelines.publish import numbers
from pipelines.watch.measured import WATCH, measured
from pipelines.watch.taught.detectors import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Sequence

PATH = "worth.html"
BLIND = (
    "Logs without keys, templates and digests: organisations are seen whole, and a small harvest is lost in them.",
    "A single account with fewer than a hundred answers in four weeks: it is not looked at.",
    "A copy of a customer's lengths, hours, templates and repetition, paid for by means of its own: looks like one.",
    "An honest maker of training data does what a harvester does: it is flagged, and the right answer is to ask.",
    "Fields but counts and lengths are assumptions of the bench: findings that rest on them rest on these.",
    "Kinds of campaigns that nobody planted: how many of them are found is not known.",
)


def page() -> Page:
    """One page for trust and safety."""
    found = measured()
    budgets = list(found["contenders"][WATCH]["budgets"])
    widest = budgets[-1]
    worth = found["contenders"][WATCH]["budgets"]
    tiles = [
        _tile(
            "Planted campaigns found",
            worth[budgets[1]]["macro"]["plain"],
            f"at {float(budgets[1]):g} false alert per 1,000",
        ),
        _tile(
            "The same, hiding", worth[widest]["macro"]["evasive"], f"evasive variants, at {float(widest):g} per 1,000"
        ),
        Tile(
            "False alerts when carried over",
            f"{worth[widest]['realised']:.1f}",
            note=f"per 1,000 organisation-days of customers held out; {float(widest):g} asked for",
        ),
        _tile(
            "Named rightly", _mean(found["named_right"][widest]), "first flag is of the detector that knows the kind"
        ),
    ]
    cards = [
        _kinds(found, widest),
        _contenders(found, budgets),
        _alike(found, widest),
        *_never_shown(found),
        _populations(found, widest),
        Card(
            "blind", f"{len(BLIND)} things it does not see or know", "Where is it blind?", items=list(BLIND), half=True
        ),
        _about(found),
    ]
    return Page(PATH, "cards.html.j2", "worth", "What the watch is worth", {"tiles": tiles, "cards": cards})


def summary() -> str:
    """One sentence for the queue."""
    found = measured()
    budget = list(found["contenders"][WATCH]["budgets"])[1]
    share = found["contenders"][WATCH]["budgets"][budget]["macro"]
    return (
        f"Measured on {found['date']} (bench {found['digest']}): of planted campaigns {_percent(share['plain'])} were "
        f"found at {float(budget):g} false alert per 1,000 organisation-days, {_percent(share['evasive'])} of those "
        "that hide."
    )


def _kinds(found: dict[str, Any], budget: str) -> Card:
    rows = found["contenders"][WATCH]["budgets"][budget]["kinds"]
    by = {(r["kind"], r["variant"]): r for r in rows}
    right = found["named_right"][budget]
    table = []
    for kind in dict.fromkeys(r["kind"] for r in rows):
        plain, hiding = by[kind, "plain"], by[kind, "evasive"]
        table.append(
            [
                Cell(kind.replace("_", " "), css="l"),
                Cell(str(plain["campaigns"] + hiding["campaigns"])),
                _share(plain["recall"]), _share(hiding["recall"]), _number(plain["days"]), _share(plain["gone"]),
                _share(hiding["gone"]), _share(plain["heads"]), _share(right.get(kind)),
            ]
        )  # fmt: skip
    columns = [
        Column("Campaign", "kind", text=True), Column("Planted", "campaigns"), Column("Found", "recall"),
        Column("Found, hiding", "recall evasive"), Column("Days to the flag", "days"),
        Column("Output gone by then", "gone"), Column("Gone, hiding", "gone evasive"),
        Column("Accounts flagged", "heads"), Column("Named rightly", "right"),
    ]  # fmt: skip
    return Card(
        "kinds",
        _kinds_title(rows, budget),
        "Which campaigns are found, how late, and with how much gone?",
        tables=[Table("kinds-table", "By kind of campaign", columns, table)],
        how="Campaigns were planted in the traffic of customers that the detectors were never taught on. Output gone: "
        "all of it where a campaign was not found.",
    )


def _contenders(found: dict[str, Any], budgets: Sequence[str]) -> Card:
    rows = []
    for name, worth in sorted(
        found["contenders"].items(), key=lambda p: -p[1]["budgets"][budgets[-1]]["macro"]["plain"]
    ):
        cells = [Cell(name.replace("_", " "), css="l")]
        cells += [_share(worth["budgets"][b]["macro"][v]) for v in ("plain", "evasive") for b in budgets]
        low, high = worth["budgets"][budgets[1]]["interval"]["plain"]
        cells += [Cell(f"{low:.2f} to {high:.2f}"), _number(worth["budgets"][budgets[-1]]["realised"])]
        rows.append(cells)
    columns = [Column("Detector", "contender", text=True)]
    columns += [
        Column(f"{'Found' if v == 'plain' else 'Hiding'}, at {float(b):g}", f"{v} {b}")
        for v in ("plain", "evasive")
        for b in budgets
    ]
    columns += [
        Column(f"90 % interval at {float(budgets[1]):g}", "interval", text=True),
        Column("Carried over", "realised"),
    ]
    return Card(
        "contenders",
        _contenders_title(found, budgets[1]),
        "Is it better than a threshold?",
        tables=[Table("contenders-table", "Mean share of campaigns found, by detector", columns, rows)],
        how="Budgets are false alerts per 1,000 honest organisation-days. Each of our detectors alone finds its own "
        "kinds only. Carried over: false alerts per 1,000 on customers held out, with the threshold of others.",
    )


def _alike(found: dict[str, Any], budget: str) -> Card:
    worth = found["contenders"][WATCH]["budgets"][budget]
    shares = {kind.replace("_", " "): share for kind, share in worth["look_alikes"].items()}
    shares["synthetic data, honestly made"] = worth["ambiguous"]
    rows = [[Cell(kind, css="l"), _share(shares[kind])] for kind in sorted(shares, key=lambda k: (-shares[k], k))]
    return Card(
        "alike",
        _alike_title(worth["look_alikes"]),
        "How often is it flagged?",
        tables=[
            Table(
                "alike-table", "Share of weeks with a flag",
                [Column("What it is", "kind", text=True), Column("Weeks flagged", "share")], rows,
            )
        ],
        half=True,
    )  # fmt: skip


def _never_shown(found: dict[str, Any]) -> list[Card]:
    if not found["never_shown"]:
        return []
    rows = [
        [
            Cell(row["kind"].replace("_", " "), css="l"),
            Cell("hiding" if row["variant"] == "evasive" else "plain", css="l"),
            _share(row["shown"]), _share(row["never_shown"]),
        ]
        for row in found["never_shown"]
    ]  # fmt: skip
    columns = [
        Column("Campaign", "kind", text=True), Column("Variant", "variant", text=True), Column("Shown", "shown"),
        Column("Never shown", "never shown"),
    ]  # fmt: skip
    return [
        Card(
            "never-shown",
            "Kinds that the detectors were never shown",
            "What is left of it when an attack is new?",
            tables=[Table("never-shown-table", "Share found, taught with and without the kind", columns, rows)],
            half=True,
        )
    ]


def _populations(found: dict[str, Any], budget: str) -> Card:
    rows = []
    for number, one in enumerate(found["populations"], start=1):
        hidden = [name for name, share in one["unsent"].items() if share >= 0.5]
        told = (
            "nothing but times, tokens and models"
            if len(hidden) == len(one["unsent"])
            else ", ".join(hidden) or "all sent"
        )
        if hidden and len(hidden) < len(one["unsent"]):
            told = f"mostly without {told}"
        rows.append(
            [Cell(str(number)), Cell(told, css="l w"), _share(one["macro"]["plain"]), _share(one["macro"]["evasive"])]
        )
    columns = [
        Column("#", "population"), Column("What the logs say", "unsent", text=True), Column("Found", "plain"),
        Column("Found, hiding", "evasive"),
    ]  # fmt: skip
    return Card(
        "populations",
        _populations_title(found),
        "What if keys or digests are not sent?",
        tables=[Table("populations-table", f"By population, at {float(budget):g} per 1,000", columns, rows)],
        half=True,
    )


def _about(found: dict[str, Any]) -> Card:
    size, customers = found["size"], found["customers"]
    facts = [
        Fact("Measured on", found["date"]),
        Fact("Bench", found["digest"], note="figures of different digests are not comparable"),
        Fact("Detectors", found["detectors"]["version"], note=f"taught on {found['detectors'].get('date', '')}"),
        Fact("Customers", f"{customers['source']}: {customers['teaching']} to teach, {customers['held_out']} held out"),
        Fact("Populations", f"{size['seeds']} of {size['organizations']:,} organisations, {size['weeks']} weeks"),
        Fact("Honest organisation-days", f"{found['benign_days']:,}"),
        Fact("Campaigns", f"{found['campaigns']:,}"),
        Fact(
            "Calibration error", f"{found['calibration']['ece']:.4f}",
            note=f"where {_percent(found['calibration']['prevalence'])} of the days are campaigns'",
        ),
    ]  # fmt: skip
    return Card(
        "about",
        f"{found['campaigns']:,} campaigns among {found['benign_days']:,} honest organisation-days",
        "On what do these figures rest?",
        facts=facts,
        half=True,
    )


def _kinds_title(rows: list[dict[str, Any]], budget: str) -> str:
    plain = [r for r in rows if r["variant"] == "plain"]
    least = min(plain, key=lambda r: (r["recall"], r["kind"]))
    share = sum(r["recall"] for r in plain) / len(plain)
    return (
        f"{_percent(share)} of the campaigns are found at {float(budget):g} false alerts per 1,000 organisation-days, "
        f"of {least['kind'].replace('_', ' ')}s fewest"
    )


def _contenders_title(found: dict[str, Any], budget: str) -> str:
    """The best of those that nobody taught, beside the watch."""
    taught = {WATCH, *DETECTORS}
    others = {n: w["budgets"][budget]["macro"]["plain"] for n, w in found["contenders"].items() if n not in taught}
    best = max(others, key=lambda n: (others[n], n))
    mine = found["contenders"][WATCH]["budgets"][budget]["macro"]["plain"]
    return f"{_percent(mine)} are found where the best of the others, {best}, finds {_percent(others[best])}"


def _alike_title(shares: dict[str, float]) -> str:
    most = max(shares, key=lambda n: (shares[n], n))
    weeks = _percent(shares[most])
    return f"{most.replace('_', ' ').capitalize()}s are flagged most, in {weeks} of weeks, makers of data apart"


def _populations_title(found: dict[str, Any]) -> str:
    shares = [one["macro"]["plain"] for one in found["populations"]]
    return f"From {_percent(min(shares))} to {_percent(max(shares))} are found, by what logs say"


def _tile(label: str, share: float, note: str) -> Tile:
    return Tile(label, _percent(share), note=note)


def _mean(shares: dict[str, float]) -> float:
    return sum(shares.values()) / max(len(shares), 1)


def _percent(share: float) -> str:
    return numbers.percent(Decimal(str(round(share, 4))))


def _share(share: float | None) -> Cell:
    return Cell(numbers.NOTHING) if share is None else Cell(_percent(share), str(share))


def _number(value: float | None) -> Cell:
    return Cell(numbers.NOTHING) if value is None else Cell(f"{value:.1f}", str(value))
