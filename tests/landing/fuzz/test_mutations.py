"""Whatever stands in a file of any format: nothing raises, nothing is lost, and what is accepted keeps the contract.

METERHOUSE_FUZZ=200 tries as many files of each format instead of the few that a test run has time for.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.landing import quick
from pipelines.landing.columns import can_be_columns
from pipelines.landing.contract import BUCKETS, INPUT_BUCKETS, MAPPED, MAX_METER, MAX_TOKENS, METERS, OUTPUT_BUCKETS
from pipelines.landing.formats import load_formats
from pipelines.landing.ingest import IngestSummary, ingest
from pipelines.settings import Settings
from tests.landing.fuzz.mutations import Spoilt, spoilt_files
from tests.landing.golden import FORMATS, source_of
from tests.landing.homes import comparable, drop, entries, make_home, quarantined, stored

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from tests.landing.homes import Row

EXAMPLES = int(os.environ.get("METERHOUSE_FUZZ", "1"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 10,
    database=None,
    # Each step of shrinking lands files: the input found is printed as it is.
    phases=(Phase.explicit, Phase.generate),
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def land_spoilt(home: Home, log_format: str, spoilt: Spoilt) -> IngestSummary:
    """Land what is there, and check that no record was lost."""
    summary = ingest(home, Settings(sources=(source_of(log_format, "g", spoilt.sample),)))
    for entry in entries(home):
        parts = ("accepted", "duplicates", "amendments", "quarantined", "dropped")
        assert entry["records_read"] == sum(entry[p] for p in parts), entry
    return summary


def outcome(root: Path, log_format: str, spoilt: Spoilt) -> tuple[Home, list[Row], list[Row], list[Row]]:
    """A home that has read the file; its events, refused records and counts."""
    shutil.rmtree(root, ignore_errors=True)
    home = make_home(root)
    home.salt_file.write_text("same", encoding="ascii")
    drop(home, f"g/{spoilt.name}", spoilt.content)
    land_spoilt(home, log_format, spoilt)
    return home, comparable(stored(home)), quarantined(home), entries(home)


def check_contract(event: Row) -> None:
    """An accepted event is one that the contract allows."""
    assert all(event[c.name] is not None for c in MAPPED if c.required)
    assert event["event_id"]
    assert all(0 <= event[b] <= MAX_TOKENS for b in (*BUCKETS, "reasoning_tokens"))
    assert all(0 <= event[m] <= MAX_METER for m in METERS)
    assert event["revision"] >= 0
    assert event["reasoning_tokens"] <= event["output_tokens"]
    assert datetime(2015, 1, 1) <= event["occurred_at"] <= _soon()  # noqa: DTZ001 - stored without a zone, in UTC
    if not event["gateway_cache_hit"]:
        assert sum(event[b] for b in INPUT_BUCKETS) == event["raw_input_tokens"]
        assert sum(event[b] for b in OUTPUT_BUCKETS) == event["raw_output_tokens"]


def _soon() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=1441)


@pytest.mark.parametrize("log_format", FORMATS)
@FUZZ
@given(data=st.data())
def test_any_file_of_any_format(tmp_path_factory: pytest.TempPathFactory, log_format: str, data: st.DataObject) -> None:
    spoilt = data.draw(spoilt_files(log_format))
    root = tmp_path_factory.getbasetemp() / f"fuzz-{log_format}"
    home, *quickly = outcome(root, log_format, spoilt)
    if can_be_columns(home.landing / "g" / spoilt.name, load_formats()[log_format]):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(quick, "can_be_columns", lambda *_: False)
            home, *by_lines = outcome(root, log_format, spoilt)
        assert quickly == by_lines
    found, refused, (entry,) = quickly
    for event in found:
        check_contract(event)
    assert all(r["reason"] for r in refused)
    # A file that cannot be read at all is one record, and stays one however it is packed.
    drop(home, f"g/b{spoilt.name[1:]}", spoilt.again)
    again = land_spoilt(home, log_format, spoilt)
    assert (again.accepted, again.amendments) == (0, 0)
    assert again.records_read == entry["records_read"]
    assert comparable(stored(home)) == found
    shutil.rmtree(root)
