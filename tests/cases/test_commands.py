"""The commands on a whole home: a reviewer lists, shows, decides and runs; what was changed by hand is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from click.testing import CliRunner

from pipelines.assets import MeterhouseHome, decisions_verify
from pipelines.cases.decisions import load_decisions
from pipelines.cases.listing import all_cases
from pipelines.cli import main
from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.conftest import ask, digests

if TYPE_CHECKING:
    from pipelines.cases.listing import Listed
    from pipelines.home import Home

TODAY = datetime.now(UTC).date()


def call(home: Home, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["cases", *arguments, "--home", str(home.root)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, " ".join(result.output.split())


def decide(home: Home, case_id: str, state: str, *more: str) -> tuple[int, str]:
    return call(home, "decide", case_id, "--state", state, "--reviewer", "ana", "--why", "looked at it", *more)


def run(home: Home) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["run", "--home", str(home.root)])
    return result.exit_code, " ".join(result.output.split())


def queue(home: Home) -> list[Listed]:
    return [case for case in all_cases(home, load_decisions(home)) if case.rank is not None]


@pytest.fixture
def home(copy_of_finished: Home) -> Home:
    return copy_of_finished


def flagged(home: Home) -> Listed:
    return next(case for case in queue(home) if case.detector != "audit_sample")


def sample(home: Home) -> Listed:
    return next(case for case in queue(home) if case.detector == "audit_sample")


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["decide"], ["seal"]])
def test_help_has_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(main, ["cases", *command, "--help"])
    assert result.exit_code == 0
    assert "meterhouse cases" in result.output.split("Example:", 1)[1]


def test_a_home_has_cases_before_anything_is_decided(home: Home) -> None:
    code, text = call(home, "list")
    assert code == 0
    assert "to review" in text
    assert flagged(home).case_id in text
    assert "recall not known: no case of the audit sample is decided yet" in text
    code, text = call(home, "show", flagged(home).case_id[:6])
    assert code == 0
    for words in (
        "What is unusual",
        "Output tokens by day",
        "Nothing is decided yet",
        flagged(home).organization_ids[0],
    ):
        assert words in text


def test_a_benign_decision_lets_the_case_go_until_it_ends(home: Home) -> None:
    case = flagged(home)
    code, text = decide(home, case.case_id[:8], "benign_batch")
    assert code == 0, text
    (entry,) = load_decisions(home).entries
    assert entry.snapshot == case.snapshot
    assert entry.until == entry.time.date() + timedelta(days=90)
    days = ask(
        home,
        f"""select organization_id, max(output_tokens) from marts.activity_daily
        where usage_date between '{case.snapshot.first_seen}' and '{case.snapshot.last_seen}' group by all""",
    )
    assert [(n.organization_id, n.cap_output_tokens_per_day) for n in entry.allow] == [
        (name, dict(days)[name]) for name in case.organization_ids
    ]
    # Decided, but the queue is from before: it has not come back.
    assert "came back" not in call(home, "list")[1]
    summary = run_all(home, load_settings(home))
    assert summary.changed
    assert (summary.reviewed.decisions, summary.reviewed.head) == (1, entry.digest)
    assert case.case_id not in {c.case_id for c in queue(home)}
    assert case.case_id not in call(home, "list")[1]
    code, text = call(home, "list", "--all", "--state", "benign_batch")
    assert f"{case.case_id} left the queue: {case.organization_ids[0]}" in text
    assert "Decisions 1. " in call(home, "show", case.case_id)[1]
    assert ask(home, "select case_id, state, reviewer from published.case_decisions") == [
        (case.case_id, "benign_batch", "ana")
    ]
    logged = json.loads((home.root / "runs.jsonl").read_text().splitlines()[-1])
    assert logged["reviewed"] == {"decisions": 1, "head": entry.digest, "unsealed": 0, "faults": []}
    assert not run_all(home, load_settings(home)).changed


def test_a_case_above_its_cap_stays_and_is_to_review_again(home: Home) -> None:
    case = flagged(home)
    code, text = decide(home, case.case_id, "benign_other", "--cap", "1", "--until", str(TODAY + timedelta(days=9)))
    assert "above that, so the case stays in the queue" in text
    code, text = run(home)
    assert code == 0
    assert f"decisions 1, head {load_decisions(home).head.digest[:16]}" in text
    (now,) = [c for c in queue(home) if c.case_id == case.case_id]
    assert now.snapshot.counter_evidence[-1]["code"] == "allow_note"
    code, text = call(home, "list")
    assert "came back, no allow-note covers it" in text
    page = (home.site / "trust-safety" / "cases" / f"{case.case_id}.html").read_text()
    assert "came back" in page
    assert "looked at it" in page


@pytest.mark.parametrize(
    ("state", "more", "said"),
    [
        ("reinstated", [], "cannot become reinstated: nothing was suspended"),
        ("watching", ["--cap", "5"], "--cap is for a benign decision"),
        ("watching", ["--until", "2020-01-01"], "2020-01-01 has passed already"),
        ("benign_other", ["--until", str(TODAY + timedelta(days=367))], "366 days at most"),
        ("harmless", [], "Invalid value for '--state'"),
    ],
)
def test_what_makes_no_sense_is_refused(home: Home, state: str, more: list[str], said: str) -> None:
    code, text = decide(home, flagged(home).case_id, state, *more)
    assert code
    assert said in text
    assert not home.decisions.exists()


def test_an_unknown_case_is_refused(home: Home) -> None:
    assert "there is no case 'zzz'" in call(home, "show", "zzz")[1]
    assert "cases begin with" in call(home, "show", "")[1] or "there is no case ''" in call(home, "show", "")[1]


def test_an_audited_case_allows_nothing_and_counts_for_recall(home: Home) -> None:
    _, text = decide(home, sample(home).case_id, "benign_other")
    assert "nothing needs to be allowed" in text
    assert load_decisions(home).entries[0].allow == []
    assert decide(home, flagged(home).case_id, "confirmed_extraction")[0] == 0
    _code, text = call(home, "list")
    assert "recall 100%, 95 % interval " in text
    assert "Too few to go by" in text
    assert "1 case done" in text
    assert decide(home, sample(home).case_id, "benign_other", "--cap", "5")[0] == 1


def test_a_date_that_has_passed_makes_a_case_due(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    case = flagged(home)
    decide(home, case.case_id, "watching", "--until", str(TODAY))
    assert "due again" not in call(home, "list")[1]
    monkeypatch.setattr("pipelines.cases.commands._today", lambda: TODAY + timedelta(days=1))
    _code, text = call(home, "list", "--organization", case.organization_ids[0])
    assert "1 case to review" in text
    assert "due again" in text


def test_a_file_changed_by_hand_is_told_and_stops_nothing(home: Home) -> None:
    case = flagged(home)
    decide(home, case.case_id, "benign_batch")
    run(home)
    assert case.case_id not in {c.case_id for c in queue(home)}
    before = digests(home)
    text = home.decisions.read_text()
    home.decisions.write_text(text.replace("looked at it", "had a look"))
    code, said = run(home)
    assert code == 1
    assert "DECISIONS DO NOT VERIFY: entry 1 (line 3): it was edited" in said
    assert "no allow-note counts" in said
    assert case.case_id in {c.case_id for c in queue(home)}
    for table in ("spend_daily", "rated_usage"):
        assert digests(home)[table] == before[table]
    check = decisions_verify(MeterhouseHome(root=str(home.root)))
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "it was edited" in str(check.metadata["faults"].value)
    for command in (["list"], ["show", case.case_id]):
        code, said = call(home, *command)
        assert code == 1
        assert "entry 1 (line 3): it was edited" in said
    assert decide(home, case.case_id, "watching")[0] == 1
    home.decisions.write_text(text)
    assert run(home)[0] == 0
    assert digests(home) == before
    assert decisions_verify(MeterhouseHome(root=str(home.root))).passed


def test_a_decision_by_hand_counts_and_its_note_once_it_is_sealed(home: Home) -> None:
    case = flagged(home)
    names = "".join(
        f"\n  - {{organization_id: {n}, detector: {case.detector}, cap_output_tokens_per_day: 1000000000}}"
        for n in case.organization_ids
    )
    home.decisions.parent.mkdir()
    home.decisions.write_text(
        f"- case_id: {case.case_id}\n  organization_ids: {json.dumps(case.organization_ids)}\n"
        f"  detector: {case.detector}\n  state: benign_launch\n  reviewer: ana\n  time: {TODAY}T00:00:00Z\n"
        f"  why: by hand\n  until: {TODAY + timedelta(days=30)}\n  allow:{names}\n"
    )
    code, said = run(home)
    assert code == 0
    assert "1 not sealed" in said
    (there,) = [c for c in queue(home) if c.case_id == case.case_id]
    assert there.state == "benign_launch"
    code, said = call(home, "seal")
    assert said.startswith("1 sealed. Decision 1, head ")
    assert load_decisions(home).entries[0].snapshot == there.snapshot
    assert run(home)[0] == 0
    assert case.case_id not in {c.case_id for c in queue(home)}
    assert call(home, "seal")[1].startswith("0 sealed. Decision 1, head ")
