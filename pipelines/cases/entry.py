"""One decision as it stands in the file: its schema, its canonical text and its digest.

Reading a file of them belongs in `file.py`; which decision may follow which, in `states.py`; whether the entries are
those that were decided, in `chain.py`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, field_validator, model_validator

from pipelines.cases.states import AUDIT, BENIGN, State

GENESIS = "0" * 64  # what the first entry names as the digest before it
MOST_DAYS = 366  # that a benign decision may allow anything for
Name = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"\S")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    # Strict: YAML has types of its own, so "5" is no number and 5 no text.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Allow(_Strict):
    """What a benign decision allows: output tokens a day of one organisation, for one detector."""

    organization_id: Name
    detector: Name
    cap_output_tokens_per_day: Annotated[int, Field(gt=0, lt=2**63)]


class Snapshot(_Strict):
    """The case as it was when it was decided."""

    first_seen: date
    last_seen: date
    score: Annotated[float, Field(allow_inf_nan=False)]
    output_tokens: Annotated[int, Field(ge=0)]
    reasons: list[dict[str, JsonValue]] = Field(default_factory=list)
    counter_evidence: list[dict[str, JsonValue]] = Field(default_factory=list)
    detector_version: str | None = None


class Entry(_Strict):
    """One decision. Without `digest` it is not sealed yet: somebody wrote it by hand."""

    case_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    organization_ids: Annotated[list[Name], Field(min_length=1)]
    detector: Name
    state: State
    reviewer: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
    time: datetime
    why: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"\S")]
    until: date | None = None
    allow: list[Allow] = Field(default_factory=list)
    snapshot: Snapshot | None = None
    previous: Digest | None = None
    digest: Digest | None = None

    @field_validator("time")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("the time has no zone; write it in UTC, as in 2026-06-01T10:00:00Z")
        return value.astimezone(UTC)

    @model_validator(mode="after")
    def _allows_what_it_may(self) -> Entry:
        decided = self.time.date()
        if self.until is not None and self.until < decided:
            raise ValueError(f"until is {self.until}, before the decision of {decided}")
        if self.state not in BENIGN:
            if self.allow:
                raise ValueError(f"allow is for benign decisions, not for {self.state}")
        elif self.detector == AUDIT:
            if self.allow:
                raise ValueError("a case of the audit sample was not flagged, so there is nothing to allow")
        else:
            self._allows_for_a_while(decided)
        if (self.previous is None) != (self.digest is None):
            raise ValueError("previous and digest stand together; leave both out of an entry written by hand")
        return self

    def _allows_for_a_while(self, decided: date) -> None:
        if not self.allow:
            raise ValueError(
                "a benign decision needs allow: organization_id, detector and cap_output_tokens_per_day of each"
                " organisation"
            )
        if self.until is None or self.until > decided + timedelta(days=MOST_DAYS):
            raise ValueError(f"a benign decision needs until, at most {MOST_DAYS} days after its time")
        for note in self.allow:
            if note.organization_id not in self.organization_ids or note.detector != self.detector:
                raise ValueError("allow is for the organisations and the detector of the case, no others")

    @property
    def sealed(self) -> bool:
        """Whether it has a place in the chain."""
        return self.digest is not None


def content(entry: Entry) -> dict[str, Any]:
    """The entry as plain values in the order of its fields; what is empty is left out, as in the file."""
    plain = entry.model_dump(mode="json")
    if plain["snapshot"]:
        plain["snapshot"] = _without_empty(plain["snapshot"])
    return _without_empty(plain)


def digest_of(entry: Entry) -> str:
    """SHA-256 of the canonical JSON of everything but the digest itself: of `previous` too, which makes the chain."""
    plain = {name: value for name, value in content(entry).items() if name != "digest"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed_after(entry: Entry, previous: str) -> Entry:
    """The entry with its place in the chain."""
    placed = entry.model_copy(update={"previous": previous, "digest": None})
    return placed.model_copy(update={"digest": digest_of(placed)})


def _without_empty(plain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in plain.items() if value is not None and value != []}
