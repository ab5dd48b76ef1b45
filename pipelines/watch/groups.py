"""Detector C: groups of accounts, from a shared rhythm and from rare shared attributes.

Loads what `synchrony.py` compares, tests shared attributes against random groups, and joins both
into components: one component is one case. Wording of a case belongs in `reasons.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pipelines.sql import read_sql
from pipelines.watch import calibrate, synchrony
from pipelines.watch.sql import HERE, rows_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

Item = TypeVar("Item", int, str)

WEEK = 7
NEW_DAYS = 28
LEAST_REQUESTS = 20  # in a week: fewer have no rhythm that could be compared
MOST_COMPARED = 3_000  # accounts a week, newest first: memory and time grow with the square
MOST_BENCHMARK = 300
LOWEST = -10.0  # log-odds of an account that was not scored
MOST_SHARE = 0.1  # of the organisations may have an attribute that links


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that ties some organisations: a week of shared rhythm, or an attribute."""

    members: tuple[str, ...]
    p_value: float
    first_day: date
    last_day: date
    agreements: tuple[float, ...] = ()
    chance_agreement: float = 0.0
    attribute: str = ""


@dataclass(slots=True)
class Group:
    """Accounts of one case: organisation ids in order, and the evidence that ties them."""

    members: tuple[str, ...]
    p_value: float
    first_day: date
    last_day: date
    synchronous: set[str] = field(default_factory=set)
    agreements: list[float] = field(default_factory=list)
    chance_agreement: float = 0.0
    shared: list[tuple[str, int]] = field(default_factory=list)
    log_odds: float = 0.0  # of the taught detector, for the middle member


def find_groups(connection: DuckDBPyConnection, *, first_day: date, last_day: date, allowed: float) -> list[Group]:
    """All groups of at least three accounts, strongest first; `allowed` is the alert budget.

    Half of the groups' share of it may be spent by chance on rhythm, half on attributes. Only whole
    weeks within the window are compared, counted back from `last_day`.
    """
    share = allowed * calibrate.GROUP_SHARE / 2
    whole_weeks = ((last_day - first_day).days + 1) // WEEK
    weeks = [last_day - timedelta(days=WEEK * i) for i in range(whole_weeks)]
    links = [link for end in weeks for link in _rhythm_links(connection, end, share / len(weeks))]
    links += _attribute_links(connection, first_day, last_day, share)
    groups = components(links)
    taught = {
        str(name): float(value)
        for name, value in connection.execute(
            "select organization_id, max(log_odds) from watch_taught where detector = 'coordinated' group by all"
        ).fetchall()
    }
    for group in groups:
        group.log_odds = float(np.median([taught.get(member, LOWEST) for member in group.members])) if taught else 0.0
    return sorted(groups, key=lambda g: (-_evidence(g), -len(g.members), g.members))


def _evidence(group: Group) -> float:
    """How often chance alone makes such a group, and how likely its accounts are a campaign's, in decades."""
    return calibrate.surprise_of(group.p_value) + group.log_odds / math.log(10)


def _rhythm_links(connection: DuckDBPyConnection, end: date, expected_false: float) -> list[Link]:
    """Groups with one rhythm in the week that ends on `end`."""
    run_sql(
        connection,
        "accounts.sql",
        last_day=end,
        new_days=NEW_DAYS,
        least_requests=LEAST_REQUESTS,
        most_compared=MOST_COMPARED,
        most_benchmark=MOST_BENCHMARK,
    )
    ids, activity = _activity(connection, "compared")
    _, benchmark = _activity(connection, "benchmark")
    found = synchrony.shared_rhythm(activity, benchmark, expected_false)
    links = []
    for linked in connected(found.heads, ((i, j) for i, j, _ in found.pairs)):
        heads = _well_linked(linked, found)
        if len(heads) < synchrony.LEAST_GROUP:
            continue
        inside = set(heads)
        links.append(
            Link(
                members=tuple(sorted(ids[i] for i in heads)),
                p_value=float(np.median([found.p_value[i] for i in heads])),
                first_day=end - timedelta(days=WEEK - 1),
                last_day=end,
                agreements=tuple(v for i, j, v in found.pairs if i in inside and j in inside),
                chance_agreement=found.chance_agreement,
            )
        )
    return links


def _well_linked(heads: list[int], found: synchrony.Rhythm) -> list[int]:
    """Without those that agree with the group less than half as much as its middle head does."""
    agreed = dict.fromkeys(heads, 0.0)
    for i, j, value in found.pairs:
        if i in agreed:
            agreed[i] += value
            agreed[j] += value
    middle = float(np.median(list(agreed.values())))
    return [head for head in heads if 2 * agreed[head] >= middle]


def _activity(connection: DuckDBPyConnection, part: str) -> tuple[list[str], NDArray[np.float64]]:
    """Ids in order, and requests by account and ten-minute slot of the week (accounts x 1008)."""
    ids = [row["organization_id"] for row in rows_of(connection, "compared.sql", part=part)]
    activity = np.zeros((len(ids), WEEK * synchrony.SLOTS))
    if ids:
        cells = connection.execute(read_sql(HERE / "rhythm.sql")).fetchnumpy()
        places = cells["account_number"].astype(np.int64), cells["place"].astype(np.int64)
        activity[places] = cells["requests"]
    return ids, activity


def _attribute_links(
    connection: DuckDBPyConnection, first_day: date, last_day: date, expected_false: float
) -> list[Link]:
    """Groups that share a rare attribute and are together more surprising than random groups."""
    scored = rows_of(connection, "best_surprise.sql")
    place = {row["organization_id"]: i for i, row in enumerate(scored)}
    surprise = np.array([row["surprise"] for row in scored], dtype=np.float64)
    shared = rows_of(
        connection,
        "links.sql",
        first_day=first_day,
        last_day=last_day,
        new_days=NEW_DAYS,
        least_group=synchrony.LEAST_GROUP,
        most_share=MOST_SHARE,
    )
    held = [(row["attribute_name"], tuple(m for m in row["organizations"] if m in place)) for row in shared]
    known = [(name, members) for name, members in held if len(members) >= synchrony.LEAST_GROUP]
    tests = len({members for _, members in known})
    links = []
    for attribute, members in known:
        p = calibrate.random_group_p(surprise, [place[m] for m in members])
        if p * tests <= expected_false:
            p_value = min(1.0, p * tests)
            links.append(Link(members, p_value, first_day, last_day, attribute=attribute))
    return links


def components(links: Iterable[Link]) -> list[Group]:
    """Join links that share a member; a group's p-value is that of its strongest link."""
    ordered = sorted(links, key=lambda link: (link.first_day, link.attribute, link.members))
    names = {m for link in ordered for m in link.members}
    pairs = ((link.members[0], m) for link in ordered for m in link.members[1:])
    groups = []
    for members in connected(names, pairs):
        inside = set(members)
        own = [link for link in ordered if link.members[0] in inside]
        group = Group(
            members=tuple(members),
            p_value=min(link.p_value for link in own),
            first_day=min(link.first_day for link in own),
            last_day=max(link.last_day for link in own),
            chance_agreement=max(link.chance_agreement for link in own),
        )
        for link in own:
            group.agreements.extend(link.agreements)
            if link.attribute:
                group.shared.append((link.attribute, len(link.members)))
            else:
                group.synchronous.update(link.members)
        groups.append(group)
    return groups


def connected(items: Iterable[Item], pairs: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """Connected components, each in order, by union-find."""
    parent = {item: item for item in items}

    def root(item: Item) -> Item:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        parent[root(b)] = root(a)
    together: dict[Item, list[Item]] = {}
    for item in sorted(parent):
        together.setdefault(root(item), []).append(item)
    return list(together.values())
