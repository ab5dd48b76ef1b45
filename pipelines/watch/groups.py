"""Detector C: groups of accounts, from a shared rhythm and from rare shared attributes.

Loads what `synchrony.py` compares, tests shared attributes against random groups, and joins both into
components: one component is one case. Wording of a case belongs in `reasons.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pipelines.watch import calibrate, synchrony
from pipelines.watch.sql import query, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

Item = TypeVar("Item", int, str)

WEEK = 7
NEW_DAYS = 28
LEAST_REQUESTS = 20  # in a week: fewer have no rhythm that could be compared
MOST_COMPARED = 3_000  # accounts a week; newest first. Memory and time grow with the square
MOST_BENCHMARK = 300


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


def find_groups(
    connection: DuckDBPyConnection, *, first_day: date, last_day: date, allowed: float
) -> list[Group]:
    """All groups of at least three accounts, strongest first; `allowed` is the alert budget.

    Half of the groups' share of it may be spent by chance on rhythm, half on attributes.
    """
    share = allowed * calibrate.GROUP_SHARE / 2
    weeks = [
        last_day - timedelta(days=WEEK * i) for i in range((last_day - first_day).days // WEEK + 1)
    ]
    weeks = [end for end in weeks if end - timedelta(days=WEEK - 1) >= first_day]
    links = [link for end in weeks for link in _rhythm_links(connection, end, share / len(weeks))]
    links += _attribute_links(connection, first_day, last_day, share)
    groups = _components(links)
    return sorted(groups, key=lambda g: (g.p_value, -len(g.members), g.members))


def _rhythm_links(connection: DuckDBPyConnection, end: date, expected_false: float) -> list[Link]:
    """Groups with one rhythm in the week that ends on `end`."""
    run_sql(
        connection,
        "accounts.sql",
        last_day=end.isoformat(),
        new_days=NEW_DAYS,
        least_requests=LEAST_REQUESTS,
        most_compared=MOST_COMPARED,
        most_benchmark=MOST_BENCHMARK,
    )
    ids, activity = _activity(connection, "compared", end)
    _, benchmark = _activity(connection, "benchmark", end)
    found = synchrony.shared_rhythm(activity, benchmark, expected_false)
    links = []
    for heads in _connected(found.heads, ((i, j) for i, j, _ in found.pairs)):
        heads = _well_linked(heads, found)
        if len(heads) < synchrony.LEAST_GROUP:
            continue
        inside = set(heads)
        links.append(
            Link(
                members=tuple(sorted(ids[i] for i in heads)),
                p_value=float(np.median([found.p_value[i] for i in heads])),
                first_day=end - timedelta(days=WEEK - 1),
                last_day=end,
                agreements=tuple(
                    value for i, j, value in found.pairs if i in inside and j in inside
                ),
                chance_agreement=found.chance_agreement,
            )
        )
    return links


def _well_linked(heads: list[int], found: synchrony.Rhythm) -> list[int]:
    """Without those that agree with the group less than half as much, in all, as its middle head."""
    agreed = dict.fromkeys(heads, 0.0)
    for i, j, value in found.pairs:
        if i in agreed:
            agreed[i] += value
            agreed[j] += value
    middle = float(np.median(list(agreed.values())))
    return [head for head in heads if 2 * agreed[head] >= middle]


def _activity(
    connection: DuckDBPyConnection, part: str, end: date
) -> tuple[list[str], NDArray[np.float64]]:
    """Ids in order, and requests by account and ten-minute slot of the week (accounts x 1008)."""
    ids = [
        row[0]
        for row in connection.execute(
            "select organization_id from watch_accounts where part = ? order by organization_id",
            [part],
        ).fetchall()
    ]
    activity = np.zeros((len(ids), WEEK * synchrony.SLOTS))
    cells = connection.execute(
        """with accounts as (
            select organization_id, row_number() over (order by organization_id) - 1 as account
            from watch_accounts where part = $part
        )
        select a.account, (t.usage_date - ($end::date - 6)) * 144 + t.slot as place, t.requests
        from marts.activity_10min as t
        inner join accounts as a on t.organization_id = a.organization_id
        where t.usage_date between $end::date - 6 and $end::date""",
        {"part": part, "end": end},
    ).fetchnumpy()
    if len(ids):
        activity[cells["account"].astype(np.int64), cells["place"].astype(np.int64)] = cells[
            "requests"
        ]
    return ids, activity


def _attribute_links(
    connection: DuckDBPyConnection, first_day: date, last_day: date, expected_false: float
) -> list[Link]:
    """Groups that share a rare attribute and are together more surprising than random groups."""
    scored = connection.execute(
        "select organization_id, max(surprise) from watch.organization_day_scores group by all order by 1"
    ).fetchall()
    place = {row[0]: i for i, row in enumerate(scored)}
    surprise = np.array([row[1] for row in scored], dtype=np.float64)
    shared = connection.execute(
        query(
            "links.sql",
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
            new_days=NEW_DAYS,
            least_group=synchrony.LEAST_GROUP,
        )
    ).fetchall()
    known = [
        (attribute, tuple(m for m in members if m in place)) for attribute, _, members in shared
    ]
    known = [
        (attribute, members)
        for attribute, members in known
        if len(members) >= synchrony.LEAST_GROUP
    ]
    distinct = len({members for _, members in known})
    links = []
    for attribute, members in known:
        p = calibrate.random_group_p(surprise, [place[m] for m in members])
        if p * distinct <= expected_false:
            links.append(
                Link(members, min(1.0, p * distinct), first_day, last_day, attribute=attribute)
            )
    return links


def _components(links: list[Link]) -> list[Group]:
    """Join links that share a member; a group's p-value is that of its strongest link."""
    names = sorted({m for link in links for m in link.members})
    pairs = ((link.members[0], m) for link in links for m in link.members[1:])
    groups = []
    for members in _connected(names, pairs):
        own = [link for link in links if link.members[0] in set(members)]
        group = Group(tuple(members), 1.0, own[0].first_day, own[0].last_day)
        for link in own:
            group.p_value = min(group.p_value, link.p_value)
            group.first_day = min(group.first_day, link.first_day)
            group.last_day = max(group.last_day, link.last_day)
            group.agreements.extend(link.agreements)
            group.chance_agreement = max(group.chance_agreement, link.chance_agreement)
            if link.attribute:
                group.shared.append((link.attribute, len(link.members)))
            else:
                group.synchronous.update(link.members)
        groups.append(group)
    return groups


def _connected(items: Iterable[Item], pairs: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """Connected components, each in order, by union-find."""
    parent = {item: item for item in items}

    def root(item: Item) -> Item:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        parent[root(b)] = root(a)
    components: dict[Item, list[Item]] = {}
    for item in sorted(parent):
        components.setdefault(root(item), []).append(item)
    return list(components.values())
