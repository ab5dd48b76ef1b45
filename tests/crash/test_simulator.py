"""Stories of files, crashes and prices; METERHOUSE_STORIES=200 plays more, METERHOUSE_SEED others."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash import simulator
from tests.crash.model import Landed, Model, Prices
from tests.crash.runner import Runner
from tests.crash.simulator import failure, pack, shrink
from tests.crash.story import LENGTH, Action, Record, tell

SEED, STORIES = int(os.environ.get("METERHOUSE_SEED", "7")), int(os.environ.get("METERHOUSE_STORIES", "2"))


@pytest.mark.slow
def test_every_story_comes_to_what_the_model_says() -> None:
    def play(part: int) -> list[str]:
        with Runner() as runner:
            told = [failure(seed, LENGTH, runner) for seed in range(SEED + part, SEED + STORIES, 2)]
            return [text for text in told if text]

    with ThreadPoolExecutor(2) as pool:
        assert "\n".join(text for texts in pool.map(play, range(2)) for text in texts) == ""


def test_a_seed_tells_one_story() -> None:
    assert tell(3) == tell(3) != tell(4)
    kinds = {action.kind for seed in range(40) for action in tell(seed)}
    assert kinds == {"file", "append", "truncate", "rename", "copy", "delete", "cut", "price", "run"}


def test_the_model_counts_as_the_rules_say() -> None:
    """Of the model itself, by hand: what it says must not hang on the product alone."""
    first, late = Record(1, 0, 0, 5), Record(1, 0, 1, 9)
    model = Model(digest=str)
    lines = (late, first, first, "broken", Record(1, 1, 0, 7))
    file = Landed("g", "jsonl", pack("jsonl", lines), lines)
    counts = model.run([file, file])
    assert counts == {"records_read": 5, "accepted": 1, "duplicates": 1, "amendments": 1, "quarantined": 2}
    assert model.standing() == {("g", 1): Record(1, 1, 0, 7)}
    assert model.run([file])["records_read"] == 0
    prices = Prices({("m1", "input", 0): 3, ("m1", "input", 1): 9})
    assert prices.amount(first) == prices.amount(Record(1, 0, 0, 23)) != prices.amount(Record(1, 0, 0, 24))
    assert prices.amount(late) is None


def test_a_story_is_told_as_short_as_it_still_fails() -> None:
    def fails(story: list[Action]) -> bool:
        delivered = [line for action in story if action.kind == "file" for line in action.lines]
        return any(a.kind == "run" for a in story) and delivered.count(Record(2, 0, 0, 3)) > 1

    twice = Record(2, 0, 0, 3)
    long = [*tell(5), Action("file", "g", "jsonl", ("broken", twice, Record(1, 0, 0, 1), twice)), *tell(6)]
    short = shrink(long, fails)
    assert [str(action) for action in short] == ["file source=g packing=jsonl 2.0b0@3 2.0b0@3", "run"]


@pytest.mark.slow
def test_a_disagreement_is_told_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a duplicate counted as accepted, the story would fail."""
    whole = Model.run

    def wrong(self: Model, files: list[Landed]) -> dict[str, int]:
        counts = whole(self, files)
        return counts | {"accepted": counts["accepted"] + counts["duplicates"]}

    monkeypatch.setattr(Model, "run", wrong)
    twice = Record(2, 0, 0, 3)
    monkeypatch.setattr(simulator, "tell", lambda *_: [Action("file", "g", "jsonl", (twice, twice)), Action("run")])
    with Runner() as runner:
        told = failure(11, 2, runner)
    assert told is not None
    assert "counts of the run: {'accepted': 1}, the model says {'accepted': 2}" in told
    assert "--seed 11 --stories 1 --length 2" in told
    assert told.endswith("  file source=g packing=jsonl 2.0b0@3 2.0b0@3\n  run")
