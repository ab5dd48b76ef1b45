"""No token, hour or call is lost, made or moved on its way into an event, whatever kind of file it came in."""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.landing.contract import BUCKETS, INPUT_BUCKETS, METERS, OUTPUT_BUCKETS
from pipelines.landing.staging import define_macros
from tests.landing.homes import CANONICAL, Row, drop, drop_parquet, event, events, land, make_home, quarantined, totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home

QUANTITIES = (*BUCKETS, *METERS)
HOURS = tuple(m for m in METERS if m.endswith("_hours"))
SLOW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))

hours = st.decimals(min_value=0, max_value=10**9, places=6)
amounts = st.fixed_dictionaries(
    {},
    optional={q: hours if q in HOURS else st.integers(0, 10**9 if q in METERS else 10**12) for q in QUANTITIES},
)


def _record(number: int, given_amounts: Row) -> Row:
    """A record with exactly these quantities."""
    return {**event(str(number)), "input_tokens": None, "output_tokens": None, **given_amounts}


def _drop(home: Home, kind: str, records: list[Row]) -> None:
    if kind == "jsonl":
        lines = [{k: str(v) if isinstance(v, Decimal) else v for k, v in r.items()} for r in records]
        drop(home, "g/a.jsonl", lines)
        return
    names = list(dict.fromkeys(n for r in records for n in r))
    if kind == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(records)
        drop(home, "g/a.csv", text.getvalue())
        return
    types = {**dict.fromkeys(QUANTITIES, pa.int64()), **dict.fromkeys(HOURS, pa.decimal128(18, 6))}
    columns = {n: pa.array([r.get(n) for r in records], types.get(n, pa.string())) for n in names}
    drop_parquet(home, "g/a.parquet", columns)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
@SLOW
@given(given_amounts=st.lists(amounts, min_size=1, max_size=20))
def test_every_quantity_arrives_as_it_was_given(kind: str, given_amounts: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "home", CANONICAL)
        _drop(home, kind, [_record(n, a) for n, a in enumerate(given_amounts)])
        assert land(home).quarantined == 0
        got = {int(e["event_id"]): e for e in events(home)}
    for number, expected in enumerate(given_amounts):
        assert {q: got[number][q] for q in QUANTITIES} == {q: expected.get(q, 0) for q in QUANTITIES}
        assert got[number]["raw_input_tokens"] == sum(expected.get(b, 0) for b in INPUT_BUCKETS)
        assert got[number]["raw_output_tokens"] == sum(expected.get(b, 0) for b in OUTPUT_BUCKETS)
    sums = totals(got.values())
    assert {q: sums[q] for q in QUANTITIES} == {q: sum(a.get(q, 0) for a in given_amounts) for q in QUANTITIES}


def test_no_quantity_is_left_out_of_the_totals() -> None:
    """Were a bucket of neither side, its tokens would escape the check against the provider's totals."""
    assert {*INPUT_BUCKETS, *OUTPUT_BUCKETS, "training_tokens"} == set(BUCKETS)
    assert not set(METERS) & set(BUCKETS)


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the functions that the formats use."""
    with duckdb.connect() as con:
        define_macros(con, make_home(tmp_path_factory.mktemp("macros") / "home"))
        yield con


digits = st.text("0123456789", max_size=14)
numbers = st.builds(
    lambda sign, whole, rest, power: f"{sign}{whole}{rest}{power}",
    st.sampled_from(["", "", "-", "+"]),
    digits,
    st.one_of(st.just(""), st.builds(lambda d: f".{d}", digits)),
    st.one_of(st.just(""), st.builds(lambda e, p: f"{e}{p}", st.sampled_from("eE"), st.integers(-120, 20))),
)
texts = st.one_of(numbers, st.floats().map(repr), st.integers().map(str), st.text(max_size=8))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=texts)
def test_hours_are_exact_or_nothing(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    row = macros.execute("select hours(?::varchar)", [text]).fetchone()
    assert row
    if row[0] is not None:
        assert Decimal(text) == row[0]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=hours, zeros=st.integers(0, 30))
def test_six_decimals_are_always_read(macros: duckdb.DuckDBPyConnection, value: Decimal, zeros: int) -> None:
    spelt = f"{value:f}{'0' * zeros}"
    assert macros.execute("select hours(?), hours(?)", [spelt, str(value)]).fetchone() == (value, value)


@dataclass(frozen=True)
class Prompt:
    """What a prompt really held: nobody but the provider knows all of it."""

    fresh_text: int
    fresh_image: int
    cached_text: int
    cached_image: int
    written_text: int
    written_image: int
    audio: int

    @property
    def total(self) -> int:
        """All tokens."""
        return self.fresh + self.cached + self.written + self.audio

    @property
    def fresh(self) -> int:
        """Text and images that no cache held."""
        return self.fresh_text + self.fresh_image

    @property
    def cached(self) -> int:
        """What was read from the cache."""
        return self.cached_text + self.cached_image

    @property
    def written(self) -> int:
        """What was written to the cache."""
        return self.written_text + self.written_image

    def details(self, style: str) -> Row:
        """The parts as a provider tells them: with or without the cached tokens, in more or less detail."""
        told: Row = {"cached_tokens": self.cached, "audio_tokens": self.audio}
        if style == "uncached":
            return told | {
                "cache_write_tokens": self.written,
                "image_tokens": self.fresh_image,
                "text_tokens": self.fresh_text,
            }
        told |= {
            "cache_write_tokens": self.written,
            "image_tokens": self.fresh_image + self.cached_image + self.written_image,
        }
        if "texts" in style:
            told["text_tokens"] = self.fresh_text + self.cached_text + self.written_text
        if "told" in style:
            told["cached_tokens_details"] = {"image_tokens": self.cached_image}
        return told


STYLES = ("uncached", "all", "all with texts", "all, told", "all with texts, told")
# Every way to put none, one or three tokens into each part.
PROMPTS = [
    (Prompt(*parts, audio), style)
    for parts in itertools.product((0, 1, 3), repeat=6)
    for audio in (0, 2)
    for style in STYLES
]


def _usages(kind: str, prompts: list[tuple[Prompt, str]]) -> list[Row]:
    rows: list[Row] = []
    for number, (prompt, style) in enumerate(prompts):
        usage: Row = {
            "prompt_tokens": prompt.total, "completion_tokens": 1, "prompt_tokens_details": prompt.details(style),
        }  # fmt: skip
        common: Row = {"model": "m", "organization": "o", "organization_id": "o"}
        if kind == "openai":
            own = {"id": str(number), "object": "chat.completion", "created": 1759312800, "usage": usage}
        else:
            own = {
                "request_id": str(number), "call_type": "completion", "startTime": "2025-10-01", "status": "success",
                "prompt_tokens": prompt.total, "custom_llm_provider": "p", "metadata": {"usage_object": usage},
            }  # fmt: skip
        rows.append({**common, **own})
    return rows


@pytest.mark.parametrize("kind", ["openai", "litellm"])
def test_images_are_split_rightly_or_not_at_all(tmp_path: Path, kind: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL.replace("canonical", kind))
    drop(home, "g/a.jsonl", _usages(kind, PROMPTS))
    land(home)
    got = {int(e["event_id"]): e for e in events(home)}
    refused = {q["line"] - 1: q["field"] for q in quarantined(home)}
    assert set(got) | set(refused) == set(range(len(PROMPTS)))
    for number, (prompt, style) in enumerate(PROMPTS):
        if number in got:
            assert {b: got[number][b] for b in INPUT_BUCKETS} == {
                "input_tokens": prompt.fresh_text,
                "cached_input_tokens": prompt.cached,
                "cache_write_5m_tokens": prompt.written,
                "cache_write_1h_tokens": 0,
                "audio_input_tokens": prompt.audio,
                "image_input_tokens": prompt.fresh_image,
            }, (prompt, style)
            continue
        assert refused[number].endswith("image_tokens")
        # It is refused only where the split was not told.
        assert style != "uncached"
        assert prompt.cached + prompt.written
        assert "told" not in style or prompt.written


def test_counts_of_a_parquet_file_keep_their_type(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    plain = {k: [v] * 5 for k, v in event("x").items() if k != "event_id"}
    typed = {
        "event_id": pa.array(list("abcde")),
        "hosting_hours": pa.array([0.25, 0.1 + 0.2, 1e-05, None, float("nan")], pa.float64()),
        "training_hours": pa.array([Decimal("1.2500000000")] * 5, pa.decimal128(38, 10)),
        "web_search_calls": pa.array([1.0, 1.0, 2.5, 3.0, 1.0], pa.float64()),
        "code_execution_calls": pa.array([7] * 5, pa.uint16()),
    }
    drop_parquet(home, "g/a.parquet", plain | typed)
    land(home)
    got = [(e["event_id"], e["hosting_hours"], e["training_hours"], e["web_search_calls"]) for e in events(home)]
    assert got == [("a", Decimal("0.25"), Decimal("1.25"), 1), ("d", 0, Decimal("1.25"), 3)]
    assert [q["field"] for q in quarantined(home)] == ["hosting_hours", "web_search_calls", "hosting_hours"]
