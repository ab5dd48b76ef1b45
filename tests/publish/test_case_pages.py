"""What a case page says of its window: which days stand out, the highest, and whether it is much at all."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from dashboards.page import Card, paired
from dashboards.pages.case import standing_out
from pipelines.home import Home
from pipelines.publish.period import make_period
from pipelines.publish.render import code_html
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import FLAGGED
from tests.publish.reading import read, specs, table, tiles

if TYPE_CHECKING:
    from pathlib import Path

PERIOD = make_period(
    datetime(2026, 4, 1).date(),  # noqa: DTZ001
    datetime(2026, 4, 8).date(),  # noqa: DTZ001
    datetime(2026, 4, 8, 23, 30),  # noqa: DTZ001
    "UTC",
)
NAMED = [{"text": "Output from 2026-04-06 to 2026-04-07 that nothing explains"}]


def test_days_that_stand_out_are_named_or_above_all_before() -> None:
    output = [10, 40, 20, 90, 5, 30, 0, 41]
    assert standing_out([], PERIOD, output, 3, 7) == [3, 7]
    assert standing_out(NAMED, PERIOD, output, 3, 7) == [3, 5, 7]
    assert standing_out([], PERIOD, output, 0, 7) == [3]
    assert standing_out([], PERIOD, [0, 0, 0, 7, 0, 9, 8, 0], 2, 7) == [3, 5, 6]
    assert standing_out(NAMED, PERIOD, output, 8, 9) == []


def test_headline_names_the_highest_day_of_the_window(site: Path, published: Path) -> None:
    with duckdb.connect() as con:
        day, most = con.execute(
            f"""select charge_date, sum(output_tokens) as output from '{published / "spend_daily.parquet"}'
            where organization_id in ({", ".join(f"'{o}'" for o in FLAGGED)}) and charge_date >= '2026-05-11'
            group by all order by output desc, charge_date limit 1"""
        ).fetchone()
    page = read(site / "trust-safety/cases/case-001a1.html")
    title = page.xpath("string(//h2[@id='h-summary'])")
    assert f"on {day.day} May 2026, " in title
    rows = table(page, "days-table")
    (row,) = [r for r in rows if r["day"] == day.isoformat()]
    assert (row["output tokens*"], row["stands out"]) == (str(most), "yes")
    marked = sum(r["stands out"] == "yes" for r in rows)
    assert page.xpath("string(//h2[@id='h-days'])").startswith(f"{marked} of 20 days stand")
    (spec,) = specs(page)
    assert spec["data"][0]["marker"]["color"].count("#e26612") == marked


def test_next_to_nothing_is_said_to_be_little(published: Path, site: Path, tmp_path: Path) -> None:
    assert "It is little usage" not in read(site / "trust-safety/cases/case-001a1.html").text_content()
    folder = tmp_path / "p"
    shutil.copytree(published, folder)
    path, made = folder / "extraction_flags.parquet", folder / "made"
    with duckdb.connect() as con:
        con.execute(
            f"""copy (select * replace (
                120::bigint as output_tokens, 0.1174::decimal(38, 18) as revenue_amount
            ) from '{path}') to '{made}' (format parquet)"""
        )
    shutil.move(made, path)
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "trust-safety/cases/case-002a1.html")
    text = page.xpath("string(//section[@id='summary'])")
    assert "It is little usage: 120 output tokens in " in text
    assert "$0.1174 of revenue" in text
    assert "$0.1174" in page.xpath("//div[@class='tile']/p/text()")


def test_case_of_one_has_no_empty_card(site: Path) -> None:
    page = read(site / "trust-safety/cases/case-002a1.html")
    assert not page.xpath("//*[@id='linked']")
    assert "The watch links no other organisation to it." in page.text_content()


def test_no_half_stands_beside_nothing(site: Path) -> None:
    for path in sorted(site.rglob("*.html")):
        run = 0
        for card in read(path).xpath("//div[@class='cards']/section"):
            if "half" in card.get("class").split():
                run += 1
            else:
                assert run % 2 == 0, path
                run = 0
        assert run % 2 == 0, path


def test_the_card_left_over_takes_the_whole_width() -> None:
    cards = [Card(str(n), "", "", half=half) for n, half in enumerate([True, True, True, False, True])]
    assert [c.half for c in paired(cards)] == [True, True, False, False, False]
    assert [c.id for c in paired(cards)] == list("01234")


def test_commands_in_texts_are_code_and_all_is_escaped() -> None:
    assert str(code_html("run `a <b>` & go")) == "run <code>a &lt;b&gt;</code> &amp; go"


def test_rows_of_the_queue_carry_their_heads_for_narrow_screens(site: Path) -> None:
    (queue,) = read(site / "trust-safety/index.html").xpath("//table[@id='queue-table'][@class='stack']")
    heads = [th.text_content() for th in queue.xpath("./thead/tr/th")]
    for row in queue.xpath("./tbody/tr"):
        assert [td.get("data-l") for td in row.xpath("./td")] == heads[1:]


def test_titles_are_findings(site: Path) -> None:
    titles = {
        (path, name): read(site / path).xpath(f"string(//h2[@id='h-{name}'])")
        for path, name in (
            ("finance/margin.html", "models"),
            ("finance/margin.html", "products"),
            ("platform/models.html", "kinds"),
            ("finance/quality.html", "files"),
        )
    }
    assert titles["finance/margin.html", "models"].startswith("gpt-4o \u00b7 fine-tuned earns most: $")
    assert "% of its revenue" in titles["finance/margin.html", "products"]
    assert "came from the cache" in titles["platform/models.html", "kinds"]
    assert titles["finance/quality.html", "files"].startswith("60 files bring ")
    assert titles["finance/quality.html", "files"].endswith("the newest of 2026-05-30 19:58 UTC")


def decided_site(published: Path, folder: Path, *, detector: str, state: str, until: str) -> Home:
    """The site where the first case was decided twice, up to a day."""
    shutil.copytree(published, folder / "p")
    flags, decisions = (folder / "p" / f"{name}.parquet" for name in ("extraction_flags", "case_decisions"))
    with duckdb.connect() as con:
        con.execute(f"create table flags as from '{flags}'")
        con.execute(
            f"""update flags set detector = '{detector}', state = '{state}', reviewer = 'ana', why = 'their <backfill>',
            decided_at = timestamp '2026-05-29 10:00:00', until = date '{until}' where case_id = 'case-001a1'"""
        )
        con.execute(f"copy flags to '{folder / 'made'}' (format parquet)")
        shutil.move(folder / "made", flags)
        con.execute(f"create table decisions as from '{decisions}'")
        con.execute(
            f"""insert into decisions values
            (1, 'case-001a1', 'o', '{detector}', 'watching', 'ben', timestamp '2026-05-28 09:00:00', 'asked', null,
                '[]', 'aaaabbbbccccdddd0000'),
            (2, 'case-001a1', 'o', '{detector}', '{state}', 'ana', timestamp '2026-05-29 10:00:00', 'their <backfill>',
                date '{until}', '[{{"cap_output_tokens_per_day": 5000}}, {{"cap_output_tokens_per_day": 7000}}]',
                null)"""
        )
        con.execute(f"copy decisions to '{folder / 'made'}' (format parquet)")
        shutil.move(folder / "made", decisions)
    home = Home(folder / "home")
    build_site(folder / "p", home, Settings())
    return home


def test_case_page_shows_state_and_history(published: Path, tmp_path: Path) -> None:
    home = decided_site(published, tmp_path, detector="mass_shape", state="watching", until="2026-06-30")
    page = read(home.site / "trust-safety/cases/case-001a1.html")
    assert "Case case-001a1 · watching" in page.text_content()
    assert page.xpath("string(//h2[@id='h-history'])") == "Watching: decided by ana on 29 May 2026"
    rows = table(page, "history-table")
    assert [(r["state"], r["reviewer"], r["why"]) for r in rows] == [
        ("watching", "ana", "their <backfill>"), ("watching", "ben", "asked"),
    ]  # fmt: skip
    assert [r["output tokens allowed a day*"] for r in rows] == ["7000", ""]
    assert [r["digest*"] for r in rows] == ["not sealed", "aaaabbbbccccdddd0000"]
    assert table(read(home.site / "trust-safety/index.html"), "queue-table")[0]["state"] == "watching"


def test_what_no_longer_holds_is_due_and_to_be_reviewed(published: Path, tmp_path: Path) -> None:
    for number, (state, until, told, waiting) in enumerate(
        (
            ("watching", "2026-06-30", "watching", "1"),
            ("watching", "2026-05-29", "watching, due again", "2"),
            ("benign_batch", "2026-06-30", "benign batch, came back", "2"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = decided_site(published, folder, detector="mass_shape", state=state, until=until)
        queue = read(home.site / "trust-safety/index.html")
        assert table(queue, "queue-table")[0]["state"] == told
        assert tiles(queue)["Cases to review"][0] == waiting


def test_audit_sample_is_not_said_to_be_flagged(published: Path, tmp_path: Path) -> None:
    home = decided_site(published, tmp_path, detector="audit_sample", state="benign_other", until="2026-06-30")
    text = read(home.site / "trust-safety/cases/case-001a1.html").xpath("string(//section[@id='summary'])")
    assert "was drawn at random from the organisations that no detector flagged" in text
    assert "flagged for review" not in text
    queue = read(home.site / "trust-safety/index.html").text_content()
    assert "1 in the queue, cut at the alert budget; 1 drawn at random beside it" in queue
    assert "1 case to review" in queue
