"""Pages of a home with a day or two of data: axes, losses, words for one of a kind, what the watch could judge."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest

from dashboards.pages.organizations import kinds_card
from pipelines.home import Home
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import change_rated
from tests.publish.reading import read, specs, table

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.facts import Facts

DAY_MS = 86_400_000
NOTE = "history too short: a day is judged when 28 days of data come before it"
# A figure of one before a plural; not `v1 models` nor `1.1 requests`.
ONE_OF_MANY = re.compile(
    r"(?<![\w.,\u2212])1 (requests|models|files|records|reasons|days|organisations|products|tokens|cases|duplicates)\b"
)


def replace_table(folder: Path, name: str, select: str) -> None:
    path, made = folder / f"{name}.parquet", folder / "made"
    with duckdb.connect() as con:
        con.execute(f"create view t as from '{path}'")
        con.execute(f"copy ({select}) to '{made}' (format parquet)")
    shutil.move(made, path)


def small(published: Path, place: Path, first: str, rated: str = "from t") -> Path:
    """A site of the days from `first` to 30 May 2026, nothing judged, each request three times as dear as listed."""
    folder = change_rated(
        published,
        place / "p",
        f"""select * replace (
            (cost_amount * case when charge_date = '2026-05-30' then 4 else 3 end)::decimal(38, 18) as cost_amount
        ) from ({rated}) where charge_date >= '{first}'""",
    )
    replace_table(folder, "extraction_flags", "from t where false")
    replace_table(
        folder,
        "watch_summary",
        f"""select * replace (
            0::bigint as organization_days, 80::bigint as unjudged_days, 0::decimal(18, 6) as alerts_allowed,
            '{NOTE}' as note) from t""",
    )
    through = "timestamp '2026-05-30 23:30:00' as data_through"
    replace_table(folder, "build", f"select * replace (timestamp '{first}' as data_from, {through}) from t")
    replace_table(folder, "ingested_files", "from t order by file desc limit 1")
    replace_table(folder, "quarantined_records", "select * replace (null::bigint as line) from t limit 1")
    home = Home(place / "home")
    build_site(folder, home, Settings())
    return home.site


@pytest.fixture(scope="module")
def two_days(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(published, tmp_path_factory.mktemp("two"), "2026-05-29")


def test_what_was_dropped_is_counted_where_something_was(two_days: Path, published: Path, tmp_path: Path) -> None:
    page = read(two_days / "platform/quality.html")
    assert "dropped" not in table(page, "sources-table", "tfoot")[-1]
    assert "dropped" not in table(page, "files-table")[0]
    folder = change_rated(published, tmp_path / "p", "from t")
    dropped = "select * replace (quarantined - 1 as quarantined, 1::bigint as dropped) from t where quarantined > 0"
    replace_table(folder, "ingested_files", f"{dropped} limit 1")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "platform/quality.html")
    row = table(page, "sources-table", "tfoot")[-1]
    assert (row["quarantined"], row["dropped"], row["difference"]) == ("2", "1", "0")
    assert table(page, "files-table")[0]["dropped"] == "1"
    assert "2 quarantined, 1 dropped" in page.xpath("string(//*[@id='sources'])")


@pytest.fixture(scope="module")
def one_request(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A single request on a single day, without a price."""
    rated = "select * from t where model = 'no-such-model-9' and charge_date = '2026-05-30' order by event_id limit 1"
    return small(published, tmp_path_factory.mktemp("one"), "2026-05-30", rated)


@pytest.mark.parametrize("path", ["finance/index.html", "platform/index.html", "finance/margin.html"])
def test_axes_of_two_days_have_two_days(two_days: Path, path: str) -> None:
    for spec in specs(read(two_days / path)):
        axis = spec["layout"]["xaxis"]
        assert axis["range"] == ["2026-05-28 12:00", "2026-05-30 12:00"]
        assert (axis["tick0"], axis["dtick"]) == ("2026-05-29", DAY_MS)
        assert all(t["width"] <= DAY_MS / 5 for t in spec["data"] if t["type"] == "bar")


def test_axes_of_many_days_are_of_those_days(site: Path) -> None:
    (spec,) = specs(read(site / "finance/index.html"))
    assert spec["layout"]["xaxis"] == {"range": ["2026-03-31 12:00", "2026-05-30 12:00"]}
    assert not any("width" in t for t in spec["data"])


def test_the_line_of_a_single_day_is_seen(published: Path, tmp_path: Path) -> None:
    site = small(published, tmp_path, "2026-05-30")
    (spec,) = specs(read(site / "finance/index.html"))
    lines = [t for t in spec["data"] if t["type"] == "scatter"]
    assert lines
    assert {t["mode"] for t in lines} == {"markers"}
    assert "most on" not in read(site / "platform/index.html").xpath("string(//h2[@id='h-failed'])")


def test_margin_tile_says_that_the_loss_grew(two_days: Path) -> None:
    (tile,) = read(two_days / "finance/index.html").xpath("//div[@class='tile'][string(h2)='Margin']")
    (delta,) = tile.xpath("./p[starts-with(@class, 'd ')]")
    assert delta.get("class") == "d down"
    assert re.fullmatch(r"loss grew by \$[\d.]+ on prior 1 d", delta.text_content().replace("\u00a0", " "))
    assert "%" not in delta.text_content()


def test_comparison_of_a_single_day_is_said_in_words(two_days: Path) -> None:
    text = read(two_days / "finance/index.html").text_content()
    assert "the last completed day against the one before" in text
    assert "1 completed days" not in text


def test_one_of_a_kind_is_singular_on_every_page(two_days: Path, one_request: Path) -> None:
    seen = 0
    for site in (two_days, one_request):
        for path in sorted(site.rglob("*.html")):
            page = read(path)
            texts = page.xpath("//h1 | //h2 | //p | //footer/span | //div[@class='banner']/span | //figcaption")
            for node in texts:
                assert not ONE_OF_MANY.search(node.text_content()), (path, node.text_content())
            alts = page.xpath("//@aria-label | //span/@title")
            assert not [a for a in alts if ONE_OF_MANY.search(a)], path
            seen += len(texts)
    assert seen > 1000


def test_watch_says_that_nothing_was_judged(two_days: Path) -> None:
    page = read(two_days / "trust-safety/index.html")
    text = page.text_content()
    assert page.xpath("string(//h2[@id='h-queue'])") == "Nothing was judged"
    assert NOTE[1:] in text
    assert "unusual enough" not in text
    assert "80 not judged" in text
    assert "0 organisation-days judged up to 2026-05-30, 80 not; the alert budget for them is 0 cases." in text


def test_watch_says_what_was_judged(site: Path) -> None:
    text = read(site / "trust-safety/index.html").text_content()
    assert "1,500 organisation-days judged up to 2026-05-30, 240 not; the alert budget for them is 1.5 cases." in text


def test_a_judged_home_without_cases_may_be_reassured(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(published, folder)
    replace_table(folder, "extraction_flags", "from t where false")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "trust-safety/index.html")
    assert page.xpath("string(//h2[@id='h-queue'])") == "No case in the queue"
    assert "No usage was unusual enough for the alert budget." in page.text_content()


def test_a_record_without_a_line_has_none(two_days: Path) -> None:
    for audience in ("finance", "platform", "trust-safety"):
        page = read(two_days / audience / "quality.html")
        (row,) = table(page, "quarantine-table")
        assert row["example place"].endswith(".jsonl.gz")
        assert "None" not in page.text_content()


def test_platform_of_a_first_day_with_usage_says_how_much(published: Path, tmp_path: Path) -> None:
    """A day without usage before it: no `Tokens new, requests new`."""
    site = small(published, tmp_path, "2026-05-28", "from t where charge_date <> '2026-05-29'")
    title = read(site / "platform/index.html").xpath("string(//h2[@id='h-days'])").replace("\u00a0", " ")
    assert re.fullmatch(r"[\d.]+ M tokens and \d+ requests in 1 day, none in the one before", title)


def test_share_of_a_part_of_the_data_is_labelled(published: Path, tmp_path: Path) -> None:
    """More days than are shown: the strip is of the shown ones, the command line of all."""
    early = """select * replace (
        charge_date - 30 as charge_date, usage_date - 30 as usage_date, event_id || 'x' as event_id
    ) from t"""
    folder = change_rated(published, tmp_path / "p", f"from t union all by name {early}")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    banner = read(home.site / "finance/index.html").xpath("//div[@class='banner']//b/text()")
    assert "Priced in the days shown" in banner


def test_a_single_reasoning_token_is_one(facts: Facts) -> None:
    assert "Reasoning, 1 token, is" in kinds_card({**facts.total, "reasoning_tokens": 1}).how
    assert "Reasoning, 2 tokens, is" in kinds_card({**facts.total, "reasoning_tokens": 2}).how
