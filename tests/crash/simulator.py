"""Plays stories of files, duplicates, late and conflicting records, crashes and prices, and holds them to the model.

Usage: python -m tests.crash.simulator [--seed 7] [--stories 20] [--length 14]. A story that fails is played again with
less and less in it, until nothing more can be left out; what remains is printed. `--seed N --stories 1` replays it.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from pipelines import build
from pipelines.landing.manifest import read_manifest
from pipelines.pricing.months import touched_months
from tests.crash.model import COUNTS, Landed, Model, Prices, starts
from tests.crash.runner import Death, Runner
from tests.crash.story import LENGTH, SOURCES, Action, Line, Record, tell
from tests.landing.homes import CANONICAL, commits, comparable, drop, entries, events, make_home, stored
from tests.scenarios.world import HomeCase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SETTINGS = "\n".join(CANONICAL.replace('"g"', f'"{name}"') for name in SOURCES)
_AT = "2024-05-01T00:00:00"


class Disagreement(Exception):  # noqa: N818 - what a simulator is there to find
    """The home is not as the model says."""


class World:
    """A home in which a story happens, and the model beside it."""

    def __init__(self, root: Path, runner: Runner, con: duckdb.DuckDBPyConnection) -> None:
        self.home, self._root, self._runner, self._con = make_home(root / "home", _SETTINGS), root, runner, con
        self.model, self.prices = Model(self._digest), Prices()
        self._files: dict[Path, Landed] = {}
        self._digests: dict[Record, str] = {}
        self._made = 0

    def play(self, actions: Iterable[Action]) -> None:
        """All of it; raises Disagreement."""
        actions = list(actions)
        self._learn_digests({line for a in actions for line in a.lines if isinstance(line, Record)})
        for action in actions:
            getattr(self, f"_{action.kind}")(action)
        self._agree_with_one_landing()

    def _file(self, action: Action) -> None:
        self._add(self._packed(action.source, action.packing, action.lines))

    def _append(self, action: Action) -> None:
        for path, file in self._chosen(action):
            if file.lines is not None:
                lines = action.lines
                if not file.packing.startswith("jsonl"):
                    lines = tuple(line for line in lines if isinstance(line, Record))
                self._write(path, self._packed(file.source, file.packing, (*file.lines, *lines)))

    def _truncate(self, action: Action) -> None:
        for path, file in self._chosen(action):
            if file.lines is not None:
                self._write(path, self._packed(file.source, file.packing, file.lines[: len(file.lines) // 2]))

    def _cut(self, action: Action) -> None:
        """As a copy that was broken off: of packed and Parquet files nothing can be read then."""
        for path, file in self._chosen(action):
            if file.packing in {"jsonl.gz", "jsonl.zst", "parquet"} and file.lines:
                part = file.content[: len(file.content) * 2 // 3]
                self._write(path, Landed(file.source, file.packing, part, None))

    def _rename(self, action: Action) -> None:
        for path, file in self._chosen(action):
            del self._files[path]
            path.rename(self._add(file))

    def _copy(self, action: Action) -> None:
        for _, file in self._chosen(action):
            self._add(file)

    def _delete(self, action: Action) -> None:
        for path, _ in self._chosen(action):
            path.unlink()
            del self._files[path]

    def _price(self, action: Action) -> None:
        self.prices.rows[action.model, action.unit, action.day] = action.price

    def _run(self, action: Action) -> None:
        before = len(commits(self.home))
        outcome = self._runner("land", self.home, _AT, Death(point=action.pick or None))
        _agree("the run", outcome.error, None)
        done = commits(self.home)
        if outcome.killed and len(done) == before:
            return
        wanted = bool(self.model.fresh(self._files.values()))
        _agree("new manifest entries", len(done) - before, int(wanted))
        if wanted:
            counts = self.model.run(self._files.values())
            found = {name: sum(file[name] for file in done[-1]["files"]) for name in COUNTS}
            _agree("counts of the run", found, counts)
        for entry in entries(self.home):
            _agree("records of a file", sum(entry[n] for n in COUNTS[1:]) + entry["dropped"], entry["records_read"])
        _agree("events", _told(events(self.home)), self._wanted(self.model))
        self._agree_on_amounts()

    def _agree_on_amounts(self) -> None:
        case = HomeCase(home=self.home, con=self._con)
        case.rates = [
            {"model": model, "unit": unit, "price": price, "valid_from": f"{starts(day):%Y-%m-%dT00:00:00Z}"}
            for (model, unit, day), price in self.prices.rows.items()
        ]
        case.commits = read_manifest(self.home)
        case.days = build.changed_days(case.commits, 0, None)
        case.months = touched_months(case.days, "UTC")
        case.rate("rated_usage", "spend_daily")
        amounts = {(s, e): a for s, e, a in case.ask("select source, event_id, revenue_amount from rated_usage")}
        wanted = {(s, f"call-{c}"): self.prices.amount(r) for (s, c), r in self.model.standing().items()}
        _agree("amounts", amounts, wanted)
        by_day = dict(case.ask("select charge_date::varchar, sum(revenue_amount) from spend_daily group by all"))
        sums: dict[str, Any] = {}
        for record in self.model.standing().values():
            day, amount = f"{record.at:%Y-%m-%d}", self.prices.amount(record)
            sums[day] = sums.get(day) if amount is None else (sums.get(day) or 0) + amount
        _agree("amounts by day", by_day, sums)

    def _agree_with_one_landing(self) -> None:
        """A new home into which all content that was ever taken in is landed at once."""
        home, model = make_home(self._root / "at once", _SETTINGS), Model(self._digest)
        for number, file in enumerate(self.model.taken.values()):
            path = home.landing / file.source / f"{number:03}.{file.packing}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        _agree("the one landing", self._runner("land", home, _AT).error, None)
        model.run(self.model.taken.values())
        _agree("events of one landing", _told(events(home)), self._wanted(model))
        apart = {(source, f"call-{call}") for source, call in self.model.contested}
        ours, theirs = (
            [e for e in comparable(events(h)) if (e["source"], e["event_id"]) not in apart] for h in (self.home, home)
        )
        _agree("whole rows", ours, theirs)

    def _wanted(self, model: Model) -> dict[Any, Any]:
        return {
            (source, f"call-{call}"): (
                r.revision, r.event["occurred_at"], r.event["input_tokens"], r.event["output_tokens"],
            )
            for (source, call), r in model.standing().items()
        }  # fmt: skip

    def _chosen(self, action: Action) -> list[tuple[Path, Landed]]:
        """The file that an action means, if there is any."""
        paths = sorted(self._files)
        return [(path, self._files[path]) for path in paths[action.pick % len(paths) :][:1]] if paths else []

    def _packed(self, source: str, packing: str, lines: tuple[Line, ...]) -> Landed:
        return Landed(source, packing, pack(packing, lines), lines)

    def _add(self, file: Landed) -> Path:
        """Land it under a new name."""
        self._made += 1
        path = self.home.landing / file.source / f"{self._made:03}.{file.packing}"
        self._write(path, file)
        return path

    def _write(self, path: Path, file: Landed) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        self._files[path] = file

    def _learn_digests(self, records: set[Record]) -> None:
        """What the product makes of the body of each record, under an id of its own."""
        home, ordered = make_home(self._root / "alone", CANONICAL), sorted(records)
        lines = [json.dumps(record.event | {"event_id": n}) for n, record in enumerate(ordered)]
        drop(home, "g/all.jsonl", lines)
        _agree("the landing alone", self._runner("land", home, _AT).error, None)
        digests = {row["event_id"]: row["body_digest"] for row in stored(home)}
        self._digests = {record: digests[str(n)] for n, record in enumerate(ordered)}

    def _digest(self, record: Record) -> Any:
        return self._digests[record]


def pack(packing: str, lines: Sequence[Line]) -> bytes:
    """The bytes of a file of these lines; of CSV and Parquet they are records all."""
    if packing.startswith("jsonl"):
        texts = [line if isinstance(line, str) else json.dumps(line.event) for line in lines]
        plain = "".join(f"{text}\n" for text in texts).encode()
        packed: dict[str, Callable[[bytes], bytes]] = {
            "jsonl.gz": lambda b: gzip.compress(b, mtime=0),
            "jsonl.zst": lambda b: pa.compress(b, "zstd", asbytes=True),
        }
        return packed.get(packing, bytes)(plain)
    rows = [line.event for line in lines if isinstance(line, Record)]
    names = list(Record(0, 0, 0, 0).event)
    table = pa.table({name: pa.array([str(row[name]) for row in rows], pa.string()) for name in names})
    out = io.BytesIO()
    (pyarrow.csv.write_csv if packing == "csv" else pq.write_table)(table, out)
    return out.getvalue()


def _told(rows: Iterable[dict[str, Any]]) -> dict[Any, Any]:
    return {
        (r["source"], r["event_id"]): (
            r["revision"], f"{r['occurred_at']:%Y-%m-%dT%H:%M:%SZ}", r["input_tokens"], r["output_tokens"],
        )
        for r in rows
    }  # fmt: skip


def _agree(what: str, found: Any, wanted: Any) -> None:
    if found == wanted:
        return
    if isinstance(found, dict) and isinstance(wanted, dict):
        found, wanted = (
            {k: v for k, v in one.items() if k not in other or other[k] != v}
            for one, other in ((found, wanted), (wanted, found))
        )
    raise Disagreement(f"{what}: {found}, the model says {wanted}")


def fault_of(actions: Sequence[Action], runner: Runner) -> str | None:
    """What is wrong after a story, in a folder that goes away; None when all agrees."""
    with tempfile.TemporaryDirectory(prefix="story-") as folder, duckdb.connect() as con:
        try:
            World(Path(folder), runner, con).play(actions)
        except Disagreement as fault:
            return str(fault)
    return None


def shrink(actions: list[Action], fails: Callable[[list[Action]], object]) -> list[Action]:
    """The story without all that it fails without: actions first, then lines."""
    part = len(actions) // 2
    while part:
        at = 0
        while at < len(actions):
            shorter = actions[:at] + actions[at + part :]
            if fails(shorter):
                actions = shorter
            else:
                at += part
        part //= 2
    for n in range(len(actions)):
        for line in actions[n].lines:
            lines = list(actions[n].lines)
            lines.remove(line)
            shorter = [*actions[:n], replace(actions[n], lines=tuple(lines)), *actions[n + 1 :]]
            if fails(shorter):
                actions = shorter
    return actions


def failure(seed: int, length: int, runner: Runner) -> str | None:
    """Play the story of a seed; what to tell of it where it fails, else None."""
    actions = tell(seed, length)
    fault = fault_of(actions, runner)
    if fault is None:
        return None
    short = shrink(actions, lambda shorter: fault_of(shorter, runner))
    told = "\n".join(f"  {action}" for action in short)
    return (
        f"story {seed}: {fault}\nreplay: python -m tests.crash.simulator --seed {seed} --stories 1 --length {length}\n"
        f"{fault_of(short, runner)}, after as little as this:\n{told}"
    )


@click.command()
@click.option("--seed", default=7, show_default=True, help="The first story; the others follow it.")
@click.option("--stories", default=20, show_default=True, help="How many to play.")
@click.option("--length", default=LENGTH, show_default=True, help="Actions in a story.")
def main(seed: int, stories: int, length: int) -> None:
    """Play stories; ends with 1 when one fails."""
    failed = 0
    with Runner() as runner:
        for number in range(seed, seed + stories):
            told = failure(number, length, runner)
            failed += told is not None
            click.echo(told or f"story {number}: all agrees")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
