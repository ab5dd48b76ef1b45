"""The notice: facts and questions, in words that accuse nobody."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from lxml import html

from pipelines.cases.evidence import packs
from pipelines.cases.evidence_files import write_packs
from pipelines.cases.notice import make_notice
from pipelines.settings import Settings, Site, Watch
from tests.cases.conftest import GROUP, HOSTILE, SINGLE

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

SETTINGS = Settings(
    watch=Watch(notice_contact="trust & safety <trust@example.com>", notice_days=10), site=Site(title="A & B")
)
DATED = date(2026, 3, 25)
ACCUSING = re.compile(r"theft|thief|steal|stole|attack|abus|crim|illegal|malicious|violat|fraud|guilt|suspicio", re.I)


def notices(home: Home, out: Path, case: str = SINGLE) -> list[tuple[str, str]]:
    """Text and page of each notice of a case."""
    folders = [folder for folder, _ in write_packs(home, SETTINGS, case, out, DATED)]
    return [((f / "notice.txt").read_text(), (f / "notice.html").read_text()) for f in folders]


def test_it_says_what_was_seen_what_is_asked_how_to_answer_and_by_when(home: Home, tmp_path: Path) -> None:
    ((text, page),) = notices(home, tmp_path)
    shown = html.fromstring(page).xpath("//main")[0].text_content()
    for said in (
        "2026-03-25",
        "acme",
        SINGLE,
        "Unusual harvesting-like usage of your account came up for review",
        "From 2026-03-05 to 2026-03-07 (days in UTC) your account made 9 requests, whose answers came to 9,000 output",
        "The day with most output was 2026-03-07: 3,000 output tokens.",
        "On the 4 active days in the four weeks before, the middle day had 3,000 output tokens in 3 requests.",
        "Models used: ft:gpt-4o:0, gpt-4o.",
        "What is this usage for?",
        "trust & safety <trust@example.com>",
        "2026-04-04",
        "10 days",
        "A & B",
    ):
        assert said in text, said
        assert said in " ".join(shown.split()), said
    assert "Demo" not in text


@pytest.mark.parametrize("case", [SINGLE, GROUP])
def test_it_accuses_nobody_and_gives_no_detector_away(home: Home, tmp_path: Path, case: str) -> None:
    for both in notices(home, tmp_path, case):
        for text in both:
            assert not ACCUSING.search(text)
            for inner in ("mass_shape", "mass shape", "score", "percentile", "peer", "linked", "detector"):
                assert inner not in text.lower(), inner


def test_a_name_cannot_write_lines_of_its_own(home: Home, tmp_path: Path) -> None:
    ((text, page),) = [both for both in notices(home, tmp_path, GROUP) if "onerror" in both[0]]
    assert HOSTILE not in text
    assert len([line for line in text.splitlines() if line.startswith("Subject:")]) == 1
    assert "<img" not in page


def test_usage_without_a_history_is_said_to_have_none(home: Home) -> None:
    (pack,) = packs(home, SINGLE)
    notice = make_notice({**pack, "usual_before": {"active_days": 0}}, SETTINGS, DATED)
    assert notice
    assert any("no usage to compare it with" in line for line in notice.seen)


def test_many_models_are_counted_and_demo_data_says_so(home: Home) -> None:
    (pack,) = packs(home, SINGLE)
    models = [{"model": f"m{n}"} for n in range(7)]
    notice = make_notice({**pack, "models": models, "is_demo": True}, SETTINGS, DATED)
    assert notice
    assert notice.seen[-1] == "Models used: m0, m1, m2, m3, m4 and 2 more."
    assert notice.is_demo


@pytest.mark.parametrize("contact", ["", " \n"])
def test_without_anybody_to_answer_to_there_is_no_notice(home: Home, tmp_path: Path, contact: str) -> None:
    ((folder, _),) = write_packs(home, Settings(watch=Watch(notice_contact=contact)), SINGLE, tmp_path, DATED)
    assert {p.name for p in folder.iterdir()} == {"evidence.json", "evidence.html"}
