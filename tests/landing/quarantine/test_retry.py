"""After a fix, quarantined records are read again through the one way of landing: once, and nothing else with them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

import pipelines.landing.quarantine.retry as step
from pipelines import warehouse
from pipelines.errors import MeterhouseError
from pipelines.landing.quarantine.held import Selection
from pipelines.landing.quarantine.retry import RetrySummary, retry
from pipelines.settings import load_settings
from tests.landing.homes import CANONICAL, commits, drop, drop_parquet, event, events, land, make_home, stored
from tests.landing.quarantine.homes import counts, fix, held, nameless, standing, try_again
from tests.landing.test_conservation import mapped_by

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

LINES = [
    event("good", organization_id="other"),
    nameless("late", occurred_at="2024-03-02T12:00:00Z"),
    "broken",
    nameless("again", occurred_at="2024-03-03T12:00:00Z"),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with one accepted event, two that lack who pays, and a broken line."""
    made = make_home(tmp_path / "home", CANONICAL)
    drop(made, "g/a.jsonl", LINES)
    assert land(made).quarantined == 3
    return made


def ids(home: Home) -> list[str]:
    return [e["event_id"] for e in events(home)]


def test_fixed_records_leave_quarantine_and_touch_only_their_days(home: Home) -> None:
    fix(home)
    assert land(home).files == 0
    found = try_again(home)
    assert (found.files, found.tried, found.accepted, found.quarantined) == (1, 3, 2, 1)
    assert found.days == ("2024-03-02", "2024-03-03")
    assert commits(home)[1]["touched_days"] == ["2024-03-02", "2024-03-03"]
    assert ids(home) == ["again", "good", "late"]
    assert [e["organization_id"] for e in events(home)] == ["acme", "other", "acme"]
    assert [(line, reason) for _, _, line, _, reason, _ in held(home)] == [(3, "not valid JSON")]
    [entry] = standing(home).values()
    assert (entry["records_read"], entry["accepted"], entry["quarantined"]) == (4, 3, 1)
    assert (entry["first_occurred_at"], entry["last_occurred_at"]) == ("2024-03-01 12:00:00", "2024-03-03 12:00:00")


def test_a_second_retry_writes_nothing(home: Home) -> None:
    fix(home)
    try_again(home)
    before = sorted((p, p.stat().st_mtime_ns) for f in (home.events, home.quarantine) for p in f.rglob("*"))
    found = try_again(home)
    assert (found.tried, found.accepted, found.quarantined, found.days) == (1, 0, 1, ())
    assert sorted((p, p.stat().st_mtime_ns) for f in (home.events, home.quarantine) for p in f.rglob("*")) == before
    assert land(home).files == 0


def test_without_a_fix_nothing_is_written(home: Home) -> None:
    found = try_again(home)
    assert (found.tried, found.quarantined) == (3, 3)
    assert len(commits(home)) == 1


def test_an_empty_quarantine_is_no_error(tmp_path: Path) -> None:
    assert try_again(make_home(tmp_path / "home", CANONICAL)) == RetrySummary()


def test_only_the_chosen_records_are_taken(home: Home) -> None:
    fix(home)
    assert try_again(home, place="a.jsonl:4").accepted == 1
    assert ids(home) == ["again", "good"]
    assert [line for _, _, line, *_ in held(home)] == [2, 3]
    assert try_again(home, reason="NOT valid").quarantined == 1
    assert try_again(home, source="g", reason="organization_id is missing").accepted == 1
    assert [line for _, _, line, *_ in held(home)] == [3]


def test_a_choice_that_fits_nothing_is_refused(home: Home) -> None:
    for selection in (Selection(source="h"), Selection(reason="no such"), Selection(place="a.jsonl:1")):
        with pytest.raises(MeterhouseError, match="none of the 3 records"):
            retry(home, load_settings(home), selection)


def test_what_was_accepted_is_not_taken_again_however_it_is_mapped_now(home: Home) -> None:
    """The fix also gives every record another product: what stands keeps what it had."""
    fix(home)
    home.config.write_text(home.config.read_text() + 'product_id = "chat"\n', encoding="utf-8")
    try_again(home)
    assert [(e["event_id"], e["product_id"]) for e in events(home)] == [
        ("again", "chat"),
        ("good", None),
        ("late", "chat"),
    ]


def test_a_record_that_has_landed_elsewhere_is_a_duplicate(home: Home) -> None:
    drop(home, "g/mended.jsonl", [event("late", occurred_at="2024-03-02T12:00:00Z")])
    land(home)
    fix(home)
    found = try_again(home)
    assert (found.accepted, found.duplicates, found.quarantined) == (1, 1, 1)
    assert found.days == ("2024-03-03",)
    assert len(stored(home)) == 3


def test_a_conflict_stays(home: Home) -> None:
    drop(home, "g/b.jsonl", [event("good", organization_id="third")])
    land(home)
    before = held(home)
    found = try_again(home, reason="conflicts")
    assert (found.tried, found.quarantined) == (1, 1)
    assert held(home) == before
    assert len(commits(home)) == 2


def test_a_mended_time_zone_moves_no_event_that_was_accepted(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL + 'time_zone = "Europe/Berlin"\n')
    # At 2 o'clock that night the clocks of Berlin were put forward to 3.
    drop(home, "g/a.jsonl", [event("before", occurred_at="2024-03-31T01:30:00"),
                             event("never", occurred_at="2024-03-31T02:30:00")])  # fmt: skip
    assert land(home).quarantined == 1
    [before] = stored(home)
    home.config.write_text(CANONICAL + 'time_zone = "UTC"\n', encoding="utf-8")
    assert try_again(home).accepted == 1
    at = {e["event_id"]: e["occurred_at"].isoformat() for e in stored(home)}
    assert at == {"before": "2024-03-31T00:30:00", "never": "2024-03-31T02:30:00"}
    assert before in stored(home)


def test_an_older_revision_that_comes_late_is_an_amendment_that_does_not_count(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [nameless("1"), event("1", revision=1, output_tokens=5)])
    land(home)
    fix(home)
    assert try_again(home).amendments == 1
    assert [(e["event_id"], e["revision"]) for e in events(home)] == [("1", 1)]
    assert counts(home)["accepted"] == 1


def test_a_file_that_is_gone_is_named_and_its_records_stay(home: Home) -> None:
    fix(home)
    drop(home, "g/b.jsonl", [event("more"), nameless("extra")])
    home.config.write_text(CANONICAL)
    land(home)
    fix(home)
    text = (home.landing / "g/a.jsonl").read_bytes()
    (home.landing / "g/a.jsonl").unlink()
    found = try_again(home)
    assert (found.tried, found.accepted) == (1, 1)
    [left] = found.left
    assert (left.source, left.file, left.records) == ("g", "a.jsonl", 3)
    assert "is gone" in left.why
    assert len(held(home)) == 3
    drop(home, "g/old/renamed.jsonl", text)
    found = try_again(home)
    assert (found.accepted, found.left) == (2, ())
    assert {file for _, file, *_ in held(home)} == {"a.jsonl"}


def test_another_file_under_its_name_is_not_it(home: Home) -> None:
    fix(home)
    drop(home, "g/a.jsonl", [nameless("late"), nameless("other"), nameless("third"), nameless("again")])
    found = try_again(home)
    assert found.tried == 0
    assert [left.records for left in found.left] == [3]
    assert len(commits(home)) == 1


def test_a_file_that_was_unreadable_is_read_whole(tmp_path: Path) -> None:
    entry = '[[sources]]\nname = "g"\nformat = "{}"\n'
    home = make_home(tmp_path / "home", entry.format("openai_jobs"))
    drop(home, "g/a.csv", "event_id,occurred_at,organization_id,provider,model\n1,2024-03-01,o,p,m\n2,never,o,p,m\n")
    assert land(home).records_read == 1
    home.config.write_text(entry.format("canonical"))
    found = try_again(home)
    assert (found.tried, found.accepted, found.quarantined) == (1, 1, 1)
    [entry_now] = standing(home).values()
    assert (entry_now["records_read"], entry_now["format"]) == (2, "canonical")
    assert land(home).files == 0


def test_a_file_whose_records_are_counted_otherwise_now_is_left(home: Home) -> None:
    before = held(home)
    home.config.write_text('[[sources]]\nname = "g"\nformat = "openai_jobs"\n')
    text = json.dumps({"data": [event("1"), event("2")]})
    drop(home, "g/b.jsonl", [text, event("good2")])
    home.config.write_text(CANONICAL)
    land(home)
    home.config.write_text('[[sources]]\nname = "g"\nformat = "openai_jobs"\n')
    found = try_again(home, place="b.jsonl")
    [left] = found.left
    assert "otherwise now" in left.why
    assert found.tried == 0
    assert len(held(home)) == len(before) + 1
    assert len(commits(home)) == 2


def test_a_file_that_cannot_be_read_any_more_is_left_with_the_cause(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.csv", "event_id,occurred_at,organization_id,provider,model\n1,2024-03-01,o,p,m\n2,never,o,p,m\n")
    land(home)
    home.config.write_text('[[sources]]\nname = "g"\nformat = "openai_jobs"\n')
    [left] = try_again(home).left
    assert "does not read csv files" in left.why
    assert len(held(home)) == 1


def _packed(home: Home) -> None:
    drop(home, "g/a.jsonl.gz", gzip.compress("".join(json.dumps(r) + "\n" for r in LINES if r != "broken").encode()))


def _array(home: Home) -> None:
    drop(home, "g/a.json", json.dumps([r for r in LINES if r != "broken"]))


def _csv(home: Home) -> None:
    rows = "good,2024-03-01,other\nlate,2024-03-02,\nagain,2024-03-03,\n"
    drop(home, "g/a.csv", "event_id,occurred_at,organization_id,provider,model\n" + rows.replace("\n", ",openai,m\n"))


def _parquet(home: Home) -> None:
    columns = {"event_id": ["good", "late", "again"], "organization_id": ["other", None, None]}
    same = {"occurred_at": ["2024-03-01"] * 3, "provider": ["openai"] * 3, "model": ["m"] * 3}
    drop_parquet(home, "g/a.parquet", columns | same)


@pytest.mark.parametrize("drop_in", [_packed, _array, _csv, _parquet])
def test_any_kind_of_file_can_be_retried(tmp_path: Path, drop_in: object) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop_in(home)  # type: ignore[operator]
    land(home)
    fix(home)
    found = try_again(home)
    assert (found.tried, found.accepted) == (2, 2)
    assert ids(home) == ["again", "good", "late"]
    assert held(home) == []


def test_records_within_one_line_are_told_apart(tmp_path: Path) -> None:
    """Jobs of one answer: the second lacks who pays, the third has a wrong count."""
    entry = '[[sources]]\nname = "g"\nformat = "openai_jobs"\n'
    home = make_home(tmp_path / "home", entry)
    job = {
        "object": "fine_tuning.job", "status": "succeeded", "model": "gpt-4o-mini-2024-07-18",
        "fine_tuned_model": "ft:gpt-4o-mini-2024-07-18:acme::1", "created_at": 1709290000,
        "finished_at": 1709294400, "trained_tokens": 10,
    }  # fmt: skip
    jobs = [{**job, "id": "j1", "organization_id": "a"}, {**job, "id": "j2"}, {**job, "id": "j3", "trained_tokens": -1}]
    drop(home, "g/a.jsonl", [json.dumps({"object": "list", "data": jobs})])
    land(home)
    assert [(line, field) for _, _, line, field, *_ in held(home)] == [(2, "organization_id"), (3, "trained_tokens")]
    home.config.write_text(entry + '[sources.constants]\norganization_id = "acme"\n')
    assert try_again(home).accepted == 1
    assert [line for _, _, line, *_ in held(home)] == [3]
    assert (counts(home)["records_read"], counts(home)["accepted"]) == (3, 2)


def test_equal_rows_without_an_id_stay_as_many_as_they_are(tmp_path: Path) -> None:
    """Their ids count equal rows of the file: a retry of some must not give them the ids of others."""
    entry = (
        '[[sources]]\nname = "g"\nformat = "mapped"\n[sources.columns]\noccurred_at = "at"\n{}'
        '[sources.constants]\nprovider = "p"\nmodel = "m"\n'
    )
    home = make_home(tmp_path / "home", entry.format('organization_id = "who"\n'))
    rows = [{"at": "2024-03-01", "team": "t"}] * 3
    drop(home, "g/a.jsonl", [{"at": "2024-03-01", "who": "w", "team": "t"}, *rows])
    land(home)
    home.config.write_text(entry.format('organization_id = "team"\n'))
    try_again(home, place="a.jsonl:3")
    assert (len(events(home)), len(held(home))) == (2, 2)
    try_again(home)
    assert (len(events(home)), len(held(home))) == (4, 0)


def test_it_waits_for_no_one(home: Home) -> None:
    with warehouse.writer_lock(home), pytest.raises(MeterhouseError, match="another run"):
        try_again(home)


def test_a_retry_that_dies_leaves_nothing_visible(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fix(home)
    before = (events(home), held(home))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, "write_commit", dies)
        with pytest.raises(KeyboardInterrupt):
            try_again(home)
    assert (events(home), held(home)) == before
    # Another choice writes files of the same names: those of the dead retry must not come with them.
    assert try_again(home, place="a.jsonl:2").accepted == 1
    assert ids(home) == ["good", "late"]
    assert try_again(home).accepted == 1
    assert ids(home) == ["again", "good", "late"]


def test_a_mapping_that_loses_chosen_records_takes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fix(home)
    before = held(home)
    with monkeypatch.context() as patch:
        mapped_by(patch, lambda body: body + " where line != 4")
        [left] = try_again(home).left
    assert "numbered otherwise" in left.why
    assert (held(home), len(commits(home))) == (before, 1)
    assert try_again(home).accepted == 2
