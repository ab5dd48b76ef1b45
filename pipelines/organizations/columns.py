"""The columns of the facts: their names, kinds and meaning. How they are read and checked belongs beside this.

The table `watch.organizations` has exactly these columns in this order; other steps rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "instant", "day or instant", "list"]
_TYPES: dict[Kind, str] = {
    "text": "varchar",
    "instant": "timestamp",
    "day or instant": "timestamp",
    "list": "varchar[]",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One column. `hidden` values may be a card, an address or a person, and are never quoted."""

    name: str
    kind: Kind
    meaning: str
    hidden: bool = False

    @property
    def type(self) -> str:
        """Its type in the warehouse."""
        return _TYPES[self.kind]


COLUMNS: tuple[Fact, ...] = (
    Fact("organization_id", "text", "Who pays, as the logs name it"),
    Fact("created_at", "day or instant", "When the account was made, UTC"),
    Fact("programme", "text", "Programme or plan, as in trial, academic, reseller"),
    Fact("payment_group", "text", "Digest of what it pays with: the same for accounts that share it", hidden=True),
    Fact("signup_network", "text", "Digest of the network it signed up from", hidden=True),
    Fact("home_region", "text", "Where it is at home"),
    Fact("licensed_regions", "list", "Regions of serving that it may use, * and ? allowed; null = all"),
    Fact("licensed_models", "list", "Models that it may use, * and ? allowed; null = all"),
    Fact("suspended_from", "instant", "From when on it may use nothing, UTC; null = not suspended"),
)
NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
LAYOUT = f"({', '.join(f'{c.name} {c.type}' for c in COLUMNS)})"
EMPTY_TABLE = f"create or replace table {{}} {LAYOUT}"
