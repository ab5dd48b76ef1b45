"""Decisions made up for tests: entries, sealed chains of them, and a home that has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.cases.chain import head_of
from pipelines.cases.decisions import Decisions
from pipelines.cases.entry import GENESIS, Allow, Entry, Snapshot, sealed_after
from pipelines.cases.file import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipelines.home import Home

DAY = date(2026, 6, 1)
AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


def snapshot(**changes: Any) -> Snapshot:
    return Snapshot(
        **{"first_seen": DAY, "last_seen": DAY, "score": 2.5, "output_tokens": 1_000, "reasons": []} | changes
    )


def entry(state: str = "watching", **changes: Any) -> Entry:
    """A decision of one organisation; benign ones allow 1,000 tokens a day for a month."""
    fields: dict[str, Any] = {
        "case_id": "abc123",
        "organization_ids": ["acme"],
        "detector": "mass_shape",
        "state": state,
        "reviewer": "ana",
        "time": AT,
        "why": "looked at it",
        "snapshot": snapshot(),
    } | changes
    if state.startswith("benign") and "allow" not in changes and fields["detector"] != "audit_sample":
        fields["allow"] = [
            Allow(organization_id=name, detector=fields["detector"], cap_output_tokens_per_day=1_000)
            for name in fields["organization_ids"]
        ]
        fields.setdefault("until", fields["time"].date() + timedelta(days=30))
    return Entry(**fields)


def chained(entries: Iterable[Entry]) -> list[Entry]:
    """The same, sealed one after the other."""
    made: list[Entry] = []
    for one in entries:
        made.append(sealed_after(one, made[-1].digest or "" if made else GENESIS))
    return made


def decided(*entries: Entry) -> Decisions:
    """As they are read where all is well."""
    sealed = chained(entries)
    return Decisions(tuple(sealed), (), head_of(sealed))


def write(home: Home, entries: Sequence[Entry], head: Sequence[Entry] | None = None) -> None:
    """Put entries as they are into a home, with the head of `head` or of themselves."""
    home.decisions.parent.mkdir(parents=True, exist_ok=True)
    home.decisions.write_text(dump(entries), encoding="utf-8")
    top = head_of([e for e in (entries if head is None else head) if e.sealed])
    home.decisions_head.write_text(json.dumps({"entries": top.entries, "digest": top.digest}), encoding="utf-8")


@dataclass(frozen=True)
class Grouped:
    """A group of accounts, as the notes see it."""

    members: tuple[str, ...]
    first_day: date
    last_day: date
