"""The evidence pack: one organisation's own figures and nothing of another's."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pytest
from lxml import html

from pipelines.cases.evidence import packs
from pipelines.cases.evidence_files import digest_of, write_packs
from pipelines.cases.notice import one_line
from pipelines.errors import MeterhouseError
from pipelines.settings import Settings, Watch
from tests.cases.conftest import GROUP, HOSTILE, MEMBERS, OTHERS, SINGLE

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

SETTINGS = Settings(watch=Watch(notice_contact="trust@example.com"))
DATED = date(2026, 3, 11)
FILES = {"evidence.json", "evidence.html", "notice.txt", "notice.html"}


def written(home: Home, case: str, out: Path) -> dict[Path, dict[str, str]]:
    """Folder → file → text."""
    return {
        folder: {path.name: path.read_text() for path in folder.iterdir()}
        for folder, _ in write_packs(home, SETTINGS, case, out, DATED)
    }


def test_figures_are_those_of_the_organisation_in_the_days_of_the_case(home: Home) -> None:
    (pack,) = packs(home, SINGLE)
    assert pack["schema"] == "meterhouse.evidence/1"
    assert pack["case"]["organization_id"] == "acme"
    assert pack["case"]["linked_accounts"] == 0
    priced, unpriced = pack["usage"]
    assert (priced["billing_currency"], priced["requests"], priced["failed_requests"]) == ("USD", 6, 3)
    assert (priced["output_tokens"], priced["input_tokens"], str(priced["revenue_amount"].normalize())) == (
        6_000, 660, "0.75",
    )  # fmt: skip
    assert (unpriced["billing_currency"], unpriced["revenue_amount"], unpriced["unpriced_requests"]) == (None, None, 3)
    assert [(m["model"], m["base_model"], m["model_tier"], m["requests"]) for m in pack["models"]] == [
        ("ft:gpt-4o:0", "gpt-4o", "fine_tuned", 3), ("gpt-4o", None, "base", 3), ("gpt-4o", None, "base", 3),
    ]  # fmt: skip
    assert [(str(d["usage_date"]), d["in_case"]) for d in pack["days"]] == [
        (f"2026-03-{n:02}", n >= 5) for n in range(1, 8)
    ]
    assert pack["usual_before"] == {"active_days": 4, "median_requests": 3, "median_output_tokens": 3_000}
    assert len(pack["sample"]) == 9
    assert {row["api_key_id"] for row in pack["sample"]} == {"key-of-acme"}
    assert pack["versions"]["meterhouse"] == "0.1.0"
    assert len(pack["versions"]["price_book"]) == 32


def test_of_many_requests_the_same_twenty_are_shown(home: Home) -> None:
    folder = home.exports / "published"
    with duckdb.connect() as con:
        con.execute(f"create table flags as from '{folder}/extraction_flags.parquet'")
        con.execute("update flags set first_seen = '2026-03-01', last_seen = '2026-03-10'")
        con.execute(f"copy flags to '{folder}/extraction_flags.parquet'")
    (pack,) = packs(home, SINGLE)
    assert sum(row["requests"] for row in pack["usage"]) == 30
    assert len(pack["sample"]) == 20
    assert packs(home, SINGLE) == [pack]


def test_peers_are_a_percentile_alone(home: Home) -> None:
    (pack,) = packs(home, SINGLE)
    # The lowest of seven: none below, one of seven equal, and that is itself.
    assert {day["peer_percentile"] for day in pack["days"]} == {7.1}


def test_columns_and_reasons_of_any_detector_are_kept_without_names(home: Home) -> None:
    (pack,) = packs(home, SINGLE)
    assert pack["case"]["other"] == {"tokens_at_risk": 77, "kin": "like [another organisation]"}
    first, second = pack["reasons"]
    assert first == {
        "code": "unexplained_output", "value": 4200, "unit": "output tokens", "own_baseline": 900.5,
        "peer_percentile": 99.7, "nearest": "[another organisation]",
        "text": "Output like that of [another organisation], [another organisation] and [another organisation] "
        "(own_baseline: usual output)",
    }  # fmt: skip
    assert second == {"text": "More than [another organisation] and acme made before"}


def test_what_reviewers_wrote_for_each_other_is_in_no_file(home: Home, tmp_path: Path) -> None:
    flags = home.root / "exports" / "published" / "extraction_flags.parquet"
    if not flags.exists():
        (flags,) = home.root.rglob("extraction_flags.parquet")
    with duckdb.connect() as con:
        con.execute(f"""
            create table flags as
            select *, 'ana-the-reviewer' as reviewer, 'we suspect them' as why,
                timestamp '2026-03-10 08:00:00' as decided_at, 'abc123def456' as detector_version
            from read_parquet('{flags}')""")
        con.execute(f"copy flags to '{flags}'")
    (pack,) = packs(home, SINGLE)
    assert pack["versions"]["detectors"] == "abc123def456"
    for files in written(home, SINGLE, tmp_path / "out").values():
        for text in files.values():
            assert "ana-the-reviewer" not in text
            assert "suspect" not in text


@pytest.mark.parametrize("case", [SINGLE, GROUP])
def test_no_file_of_a_pack_holds_an_id_of_another(home: Home, tmp_path: Path, case: str) -> None:
    found = written(home, case, tmp_path / "out")
    assert len(found) == (1 if case == SINGLE else 3)
    for folder, files in found.items():
        assert set(files) == FILES
        own = json.loads(files["evidence.json"])["case"]["organization_id"]
        for name, text in files.items():
            for other in {*MEMBERS, *OTHERS} - {own}:
                for shape in {other, one_line(other), html_of(other), json.dumps(other)[1:-1]}:
                    # A name that is a part of the own one is looked for in the rest.
                    rest = text.replace(own, "") if shape in own else text
                    assert shape not in rest, (folder.name, name, other)
            # What the queue says of all members together.
            assert "1122334455" not in text
            assert "5544332211" not in text


def html_of(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_a_case_of_several_accounts_gives_each_its_own_figures(home: Home) -> None:
    found = packs(home, GROUP)
    assert [pack["case"]["organization_id"] for pack in found] == list(MEMBERS)
    assert {pack["case"]["linked_accounts"] for pack in found} == {2}
    assert [sum(u["output_tokens"] for u in pack["usage"]) for pack in found] == [9_000, 9_009, 9_018]
    for pack in found:
        assert len(pack["sample"]) == 9
        assert pack["case"]["other"] == {}
        assert pack["reasons"][0]["own_baseline"] is None
        assert "own_baseline" not in pack["reasons"][0]["text"]


def test_the_page_needs_nothing_else_and_shows_text_as_text(home: Home, tmp_path: Path) -> None:
    found = written(home, GROUP, tmp_path)
    (files,) = [f for f in found.values() if HOSTILE in json.loads(f["evidence.json"])["case"]["organization_id"]]
    for name in ("evidence.html", "notice.html"):
        page = html.fromstring(files[name])
        assert not page.xpath("//img | //script | //link | //iframe | //@src | //@href | //@onerror")
        assert "<img" not in files[name]
        assert "default-src 'none'" in files[name]
    tables = {t.get("id") for t in html.fromstring(files["evidence.html"]).xpath("//table")}
    assert tables == {"reasons", "counter-evidence", "usage", "models", "days", "sample"}


def test_the_digest_is_that_of_the_file_and_of_every_figure_in_it(home: Home, tmp_path: Path) -> None:
    ((folder, digest),) = write_packs(home, SETTINGS, SINGLE, tmp_path, DATED)
    whole = json.loads((folder / "evidence.json").read_text())
    assert whole["digest"] == digest == digest_of(whole)
    assert digest in (folder / "evidence.html").read_text()
    whole["days"][0]["output_tokens"] += 1
    assert digest_of(whole) != digest


def test_the_same_tables_give_the_same_bytes(home: Home, tmp_path: Path) -> None:
    one, two = written(home, GROUP, tmp_path / "a"), written(home, GROUP, tmp_path / "b")
    assert list(one.values()) == list(two.values())
    assert list(written(home, GROUP, tmp_path / "a").values()) == list(one.values())


def test_evidence_that_is_there_is_not_overwritten(home: Home, tmp_path: Path) -> None:
    ((folder, _),) = write_packs(home, SETTINGS, SINGLE, tmp_path, DATED)
    (folder / "notice.html").unlink()
    (folder / "evidence.json").write_text("{}")
    with pytest.raises(MeterhouseError, match="not overwritten") as raised:
        write_packs(home, SETTINGS, SINGLE, tmp_path, DATED)
    assert raised.value.file == folder / "evidence.json"
    assert not (folder / "notice.html").exists()
    assert (folder / "evidence.json").read_text() == "{}"


def test_what_is_written_is_for_its_owner_alone(home: Home, tmp_path: Path) -> None:
    ((folder, _),) = write_packs(home, SETTINGS, SINGLE, tmp_path, DATED)
    assert [p.stat().st_mode & 0o077 for p in (folder, *folder.iterdir())] == [0] * 5


def test_a_case_that_is_not_there_is_told_with_those_most_alike(home: Home) -> None:
    with pytest.raises(MeterhouseError, match=SINGLE):
        packs(home, SINGLE[:-1] + "e")
    with pytest.raises(MeterhouseError, match="trust & safety page"):
        packs(home, "zzz")


def test_a_home_without_published_tables_is_told(home: Home) -> None:
    (home.exports / "published" / "extraction_flags.parquet").unlink()
    with pytest.raises(MeterhouseError, match="meterhouse run"):
        packs(home, SINGLE)


def test_days_without_published_requests_are_told(home: Home) -> None:
    folder = home.exports / "published"
    with duckdb.connect() as con:
        con.execute(f"create table flags as from '{folder}/extraction_flags.parquet'")
        con.execute("update flags set first_seen = '2025-01-01', last_seen = '2025-01-02'")
        con.execute(f"copy flags to '{folder}/extraction_flags.parquet'")
    with pytest.raises(MeterhouseError, match="2025-01-01 to 2025-01-02"):
        packs(home, SINGLE)
