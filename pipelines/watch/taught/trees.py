"""Boosted trees as plain numbers: read from JSON, turned into SQL, and taken apart by what each feature added.

How trees are taught belongs in `teach.py`. They are kept as numbers, so that a run needs no learning library and gives
the same scores with any version of one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DETECTORS_FILE = Path(__file__).parent / "detectors.json"


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree, a row for each node; node 0 is the root.

    feature    number of the feature that a node splits by; -1 in a leaf
    threshold  up to which a value goes left
    missing    whether an unknown value goes left
    left, right  the nodes below
    value      log-odds that reaching the node adds; in a leaf those of the tree
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    missing: NDArray[np.bool_]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trees:
    """A taught detector: the log-odds of a row are `base` plus the value of the leaf it reaches in each tree."""

    name: str
    features: tuple[str, ...]
    base: float
    trees: tuple[Tree, ...]

    def expression(self) -> str:
        """The log-odds of a row as an SQL expression over columns named as the features (double, null: not known)."""
        return " + ".join([_number(self.base), *(self._case(tree, 0) for tree in self.trees)])

    def log_odds(self, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """The same of rows in memory, to the last digit; `columns` are the features by name, NaN where not known."""
        table = self._table(columns)
        total = np.full(len(table), self.base)
        for tree in self.trees:
            node = np.zeros(len(table), np.int32)
            while (inside := tree.feature[node] >= 0).any():
                node = np.where(inside, self._next(tree, table, node), node)
            total += tree.value[node]
        return total

    def _case(self, tree: Tree, node: int) -> str:
        if tree.feature[node] < 0:
            return _number(tree.value[node])
        name = self.features[tree.feature[node]]
        left, right = (self._case(tree, int(side[node])) for side in (tree.left, tree.right))
        # A comparison with null is null, which is not true: null goes right unless it is let in.
        unknown = f"{name} is null or " if tree.missing[node] else ""
        return f"(case when {unknown}{name} <= {_number(tree.threshold[node])} then {left} else {right} end)"

    def parts(self, columns: Mapping[str, NDArray[np.floating]]) -> NDArray[np.float64]:
        """What each feature added to the log-odds of each row: rows x features (Saabas 2014, path differences)."""
        table = self._table(columns)
        found = np.zeros((len(table), len(self.features)))
        rows = np.arange(len(table))
        for tree in self.trees:
            node = np.zeros(len(table), np.int32)
            inside = tree.feature[node] >= 0
            while inside.any():
                below = np.where(inside, self._next(tree, table, node), node)
                added = tree.value[below] - tree.value[node]
                found[rows[inside], tree.feature[node[inside]]] += added[inside]
                node = below
                inside = tree.feature[node] >= 0
        return found

    def _table(self, columns: Mapping[str, NDArray[np.floating]]) -> NDArray[np.float64]:
        return np.column_stack([np.asarray(columns[name], np.float64) for name in self.features])

    @staticmethod
    def _next(tree: Tree, table: NDArray[np.float64], node: NDArray[np.int32]) -> NDArray[np.int32]:
        value = table[np.arange(len(table)), np.maximum(tree.feature[node], 0)]
        left = np.where(np.isnan(value), tree.missing[node], value <= tree.threshold[node])
        found: NDArray[np.int32] = np.where(left, tree.left[node], tree.right[node])
        return found


def _number(value: float) -> str:
    """A double to the last digit: without an exponent DuckDB would read a decimal."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def to_json(taught: Trees) -> dict[str, Any]:
    """A detector as JSON, floats in full."""
    return {
        "name": taught.name,
        "features": list(taught.features),
        "base": taught.base,
        "trees": [
            {
                name: getattr(tree, name).tolist()
                for name in ("feature", "threshold", "missing", "left", "right", "value")
            }
            for tree in taught.trees
        ],
    }


def from_json(text: Mapping[str, Any]) -> Trees:
    """A detector from its JSON."""
    kinds = {
        "feature": np.int32, "threshold": np.float64, "missing": np.bool_, "left": np.int32, "right": np.int32,
        "value": np.float64,
    }  # fmt: skip
    return Trees(
        text["name"],
        tuple(text["features"]),
        float(text["base"]),
        tuple(Tree(**{name: np.array(tree[name], kind) for name, kind in kinds.items()}) for tree in text["trees"]),
    )


def load(path: Path = DETECTORS_FILE) -> tuple[dict[str, Any], dict[str, Trees]]:
    """What is known of the teaching (date, seed, bench; version, a digest of all), and the detectors by name."""
    content = path.read_bytes()
    text = json.loads(content)
    about = text["taught"] | {"version": hashlib.sha256(content).hexdigest()[:12]}
    return about, {d["name"]: from_json(d) for d in text["detectors"]}
