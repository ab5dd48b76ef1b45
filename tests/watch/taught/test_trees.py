"""Trees kept as numbers give in SQL what they give when taken apart, unknown values included."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.watch.taught.detectors import DETECTORS
from pipelines.watch.taught.trees import Tree, Trees, from_json, load, to_json
from pipelines.watch.taught.wording import FEATURES, OF

if TYPE_CHECKING:
    from pathlib import Path

STUMP = Tree(
    feature=np.array([0, -1, 1, -1, -1], np.int32),
    threshold=np.array([0.5, 0, 2.0, 0, 0]),
    missing=np.array([True, False, False, False, False]),
    left=np.array([1, 0, 3, 0, 0], np.int32),
    right=np.array([2, 0, 4, 0, 0], np.int32),
    value=np.array([0.0, -1.0, 0.4, 0.25, 2.0]),
)
TREES = Trees("example", ("a", "b"), -0.1, (STUMP, STUMP))


def in_sql(trees: Trees, rows: list[tuple[float | None, ...]]) -> list[float]:
    with duckdb.connect() as con:
        con.execute(f"create table t (n integer, {', '.join(f'{name} double' for name in trees.features)})")
        con.executemany(
            f"insert into t values ({', '.join('?' * (len(trees.features) + 1))})",
            [(n, *row) for n, row in enumerate(rows)],
        )
        return [v for (v,) in con.execute(f"select {trees.expression()} from t order by n").fetchall()]


def taken_apart(trees: Trees, rows: list[tuple[float | None, ...]]) -> np.ndarray:
    table = np.array([[np.nan if v is None else v for v in row] for row in rows], float)
    return trees.parts({name: table[:, n] for n, name in enumerate(trees.features)})


def test_by_hand() -> None:
    rows = [(0.5, 9.0), (None, 9.0), (0.6, 2.0), (0.6, None), (0.6, 2.1)]
    assert in_sql(TREES, rows) == pytest.approx([-2.1, -2.1, 0.4, 3.9, 3.9])
    parts = taken_apart(TREES, rows)
    # Root to its right child adds 0.4 by a, from there b adds the rest.
    assert parts[2] == pytest.approx([0.8, -0.3])
    assert parts[4] == pytest.approx([0.8, 3.2])
    assert parts[0] == pytest.approx([-2.0, 0.0])


numbers = st.one_of(st.none(), st.floats(-3, 3, allow_nan=False))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_parts_add_up_to_the_score(rows: list[tuple[float | None, float | None]]) -> None:
    assert in_sql(TREES, rows) == pytest.approx((taken_apart(TREES, rows).sum(axis=1) + TREES.base).tolist())


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_in_memory_and_in_sql_every_digit_is_the_same(rows: list[tuple[float | None, float | None]]) -> None:
    table = np.array([[np.nan if v is None else v for v in row] for row in rows], float)
    found = TREES.log_odds({name: table[:, n] for n, name in enumerate(TREES.features)})
    assert in_sql(TREES, rows) == found.tolist()


def test_json_keeps_every_digit() -> None:
    again = from_json(json.loads(json.dumps(to_json(TREES))))
    assert again.expression() == TREES.expression()
    assert again.features == TREES.features


def test_the_shipped_detectors_are_those_declared_and_tell_what_made_them() -> None:
    about, taught = load()
    assert set(taught) == set(DETECTORS)
    for name, trees in taught.items():
        assert trees.features == DETECTORS[name].features
        assert len(trees.trees) > 10
        assert all(np.isfinite(t.value).all() and np.isfinite(t.threshold).all() for t in trees.trees)
    assert {"customers", "seed", "populations", "bench", "date", "learner", "version"} <= set(about)
    assert about["customers"] == "ServeGen"


def test_the_version_is_of_the_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(json.dumps({"taught": {"seed": 1}, "detectors": [to_json(TREES)]}))
    other.write_text(json.dumps({"taught": {"seed": 2}, "detectors": [to_json(TREES)]}))
    assert load(one)[0]["version"] != load(other)[0]["version"]
    assert load(one)[1]["example"].expression() == load(other)[1]["example"].expression()


def test_every_feature_has_words() -> None:
    for name, detector in DETECTORS.items():
        assert not [f for f in detector.features if OF.get(f, f) not in FEATURES], name
    assert not set(OF.values()) - set(FEATURES)
