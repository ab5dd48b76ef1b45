"""The site as its readers meet it: figures equal to the marts, audiences apart, files sound."""

from __future__ import annotations

import gzip
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import duckdb
import plotly.graph_objects as go
import pytest

from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.publish import numbers
from pipelines.publish import site as site_module
from pipelines.publish.names import slug
from pipelines.publish.site import build_site
from pipelines.settings import Settings
from tests.publish.fixture import FLAGGED, HOSTILE_FORMULA, HOSTILE_HTML, change_rated
from tests.publish.reading import amount, read, specs, table, tiles

if TYPE_CHECKING:
    from pathlib import Path

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
    )
)


def ask(published: Path, sql: str) -> Any:
    """One row from the mart."""
    with duckdb.connect() as con:
        con.execute(f"create view spend as from '{published / 'spend_daily.parquet'}'")
        return con.execute(sql).fetchone()


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def test_tiles_equal_the_mart(site: Path, published: Path) -> None:
    wanted = ask(
        published,
        """select sum(revenue_amount), sum(cost_amount), sum(margin_amount), sum(requests),
        sum(total_tokens), sum(unpriced_requests) from spend""",
    )
    shown = tiles(read(site / "finance/index.html"))
    labels = ("Revenue", "Cost", "Margin", "Requests", "Tokens", "Not priced")
    assert [Decimal(shown[label][1]) for label in labels] == [Decimal(value) for value in wanted]


@pytest.mark.parametrize(
    ("path", "table_id"),
    [
        ("finance/index.html", "organizations-table"),
        ("finance/index.html", "models-table"),
        ("finance/organizations/index.html", "organizations-table"),
        ("finance/products/index.html", "products-table"),
        ("platform/models.html", "tiers-table"),
        ("platform/models.html", "models-table"),
        ("finance/margin.html", "thin-table"),
        ("finance/organizations/org-lark-000.html", "products-table"),
        ("finance/products/search.html", "organizations-table"),
    ],
)
def test_breakdowns_add_up_to_their_total(site: Path, path: str, table_id: str) -> None:
    """Both in full, and as written with the rounding row."""
    page = read(site / path)
    rows, foot = table(page, table_id), table(page, table_id, "tfoot")
    total, others = foot[-1], foot[:-1]
    exact = [r for r in others if next(iter(r.values())) != "Rounding"]
    for head in ("requests", "revenue (USD)", "cost (USD)", "margin (USD)"):
        full = sum((amount(r[head + "*"]) for r in [*rows, *exact]), Decimal(0))
        assert full == amount(total[head + "*"]), head
        written = sum((amount(r[head]) for r in [*rows, *others]), Decimal(0))
        assert written == amount(total[head]), head


def test_overview_total_is_the_tile(site: Path) -> None:
    page = read(site / "finance/index.html")
    total = table(page, "organizations-table", "tfoot")[-1]
    assert total["revenue (USD)*"] == tiles(page)["Revenue"][1]
    months = table(page, "months-table", "tfoot")[-1]
    assert months["revenue (USD)*"] == total["revenue (USD)*"]


def test_every_organization_page_equals_the_mart(site: Path, published: Path) -> None:
    with duckdb.connect() as con:
        rows = con.execute(
            f"""select organization_id, sum(revenue_amount), sum(requests)
            from '{published / "spend_daily.parquet"}' group by all"""
        ).fetchall()
    assert len(rows) == 40
    for name, revenue, requests in rows:
        shown = tiles(read(site / f"finance/organizations/{slug(name)}.html"))
        own = tiles(read(site / f"organizations/{slug(name)}/index.html"))
        assert Decimal(shown["Revenue"][1]) == Decimal(own["Charge"][1]) == revenue
        assert int(shown["Requests"][1]) == requests


def test_bridge_adds_up_as_written(site: Path) -> None:
    page = read(site / "finance/index.html")
    steps = [amount(v) for v in page.xpath("//ol[@class='bridge']//span[@class='bv']/text()")]
    assert sum(steps[:-1], Decimal(0)) == steps[-1]


def test_change_is_that_of_the_mart(site: Path, published: Path) -> None:
    before, now = ask(
        published,
        """select sum(revenue_amount) filter (charge_date between '2026-04-04' and '2026-05-01'),
        sum(revenue_amount) filter (charge_date between '2026-05-02' and '2026-05-29')
        from spend""",
    )
    page = read(site / "finance/index.html")
    bars = page.xpath("//ol[@class='bridge']//span[@class='bv']/@title")
    assert (Decimal(bars[0]), Decimal(bars[-1])) == (before, now)
    assert "most of it volume at org-heron-014" in page.xpath("string(//h2[@id='h-days'])")


def test_unpriced_is_named_and_never_zero(site: Path) -> None:
    row = next(r for r in table(read(site / "finance/index.html"), "models-table") if r["model"] == "no-such-model-9")
    assert row["revenue (USD)"] == row["cost (USD)"] == "not priced"
    page = read(site / "finance/quality.html")
    (unpriced,) = table(page, "unpriced-table")
    assert (unpriced["model"], unpriced["reason"]) == ("no-such-model-9", "no rate for this model")
    assert page.xpath("//*[@id='unpriced']")


def test_ledger_is_equal(site: Path) -> None:
    rows = table(read(site / "finance/quality.html"), "ledger-table")
    assert len(rows) == 6
    assert {r["check"] for r in rows} == {"equal"}


def test_quarantine_and_files_are_conserved(site: Path) -> None:
    row = table(read(site / "finance/quality.html"), "sources-table", "tfoot")[-1]
    read_, *parts = (amount(row[k]) for k in ("records read", "accepted", "duplicates", "amendments", "quarantined"))
    assert read_ == sum(parts)
    assert row["difference"] == "0"


def test_audiences_are_apart(site: Path) -> None:
    flagged, cost = [], []
    for path in pages(site):
        audience = path.relative_to(site).parts[0]
        text = path.read_text(encoding="utf-8")
        if audience != "trust-safety" and ("case-001a1" in text or "flagged" in text.lower()):
            flagged.append(path)
        if audience in {"trust-safety", "organizations"} and (
            "Margin" in text or "cost (USD)" in text or ">Cost" in text or "Cost card" in text
        ):
            cost.append(path)
    assert not flagged
    assert not cost


def test_own_folder_names_no_other_organization(site: Path) -> None:
    for path in (site / "organizations/org-fox-001").rglob("*"):
        text = path.read_text(encoding="utf-8")
        assert "org-heron" not in text
        assert "org-lark" not in text


def test_every_flag_has_a_case_page_with_its_evidence(site: Path) -> None:
    queue = table(read(site / "trust-safety/index.html"), "queue-table")
    assert [r["organisation"] for r in queue] == [FLAGGED[1], FLAGGED[0]]
    page = read(site / "trust-safety/cases/case-001a1.html")
    reasons = table(page, "reasons-table")
    assert reasons[0]["own baseline"] == "64,000"
    assert reasons[0]["peer percentile"] == "99.7"
    assert len(table(page, "sample-table")) == 20
    assert page.xpath("//a[@href='../organizations/org-otter-007.html']")
    text = page.text_content()
    assert "What would make this benign" in text
    for word in ("theft", "thief", "attacker", "steal"):
        assert word not in text.lower()


def test_pages_are_closed_to_the_outside(site: Path) -> None:
    for path in pages(site):
        text = path.read_text(encoding="utf-8")
        page = read(path)
        assert page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [CSP], path
        for address in page.xpath("//@src | //@href | //@action | //@data-assets | //@data-jump"):
            assert "//" not in address, (path, address)
            assert not address.lower().startswith(("http", "javascript:")), (path, address)
        assert not page.xpath("//@onclick | //@onerror | //@onload"), path
        assert all(s.get("src") or s.get("type") == "application/json" for s in page.xpath("//script"))
        assert "url(" not in text, path


def test_links_resolve_and_ids_are_unique(site: Path) -> None:
    known: dict[Path, set[str]] = {}
    for path in pages(site):
        ids = read(path).xpath("//@id")
        assert len(ids) == len(set(ids)), path
        known[path] = set(ids)
    for path in known:
        for address in read(path).xpath("//a/@href | //link[@rel='stylesheet']/@href | //script/@src"):
            target, fragment = urldefrag(unquote(address))
            found = (path.parent / target).resolve() if target else path
            assert found.is_file(), (path, address)
            assert site in found.parents
            if fragment:
                assert fragment in known[found], (path, address)


def test_links_stay_in_their_audience(site: Path) -> None:
    for path in pages(site):
        parts = path.relative_to(site).parts
        own = site / parts[0] / (parts[1] if parts[0] == "organizations" else "")
        for address in read(path).xpath("//a/@href"):
            target = urldefrag(address)[0]
            if target:
                assert own in (path.parent / target).resolve().parents, (path, address)


def test_names_from_data_are_text(site: Path) -> None:
    listed = table(read(site / "finance/organizations/index.html"), "organizations-table")
    names = {r["organisation"] for r in listed}
    assert {HOSTILE_HTML, HOSTILE_FORMULA} <= names
    for path in pages(site):
        assert not read(path).xpath("//img"), path
    for path in site.rglob("jump.js"):
        assert "<img" not in path.read_text(encoding="utf-8")


def test_chart_specs_are_valid_plotly(site: Path) -> None:
    seen = 0
    for path in pages(site):
        for spec in specs(read(path)):
            figure = go.Figure(data=spec["data"], layout=spec["layout"])
            assert len(figure.data) <= 9
            marks = sum(len(t["y"]) for t in spec["data"] if t["type"] == "bar")
            assert marks <= 450, path
            assert all(len(t["y"]) == len(spec["x"]) for t in spec["data"])
            seen += 1
    assert seen > 80


def test_chart_bars_add_up_to_the_tile(site: Path) -> None:
    page = read(site / "finance/index.html")
    (spec,) = specs(page)
    bars = sum(sum(t["y"]) for t in spec["data"] if t["type"] == "bar")
    assert abs(Decimal(bars) - Decimal(tiles(page)["Revenue"][1])) < Decimal("0.001")


def test_budgets(site: Path) -> None:
    for path in pages(site):
        data = path.read_bytes()
        assert len(data) <= 150_000, path
        assert len(gzip.compress(data)) <= 40_000, path
        page = read(path)
        assert all(len(t.xpath("./tbody/tr")) <= 500 for t in page.xpath("//table"))
        assert len(page.xpath("//figure")) <= 8
    assets = site / "assets"
    assert sum((assets / n).stat().st_size for n in ("app.js", "style.css")) <= 40_000


def test_same_input_gives_same_bytes(site: Path, published: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    build_site(published, home, Settings())
    first = {p.relative_to(site): p.read_bytes() for p in site.rglob("*") if p.is_file()}
    again = {p.relative_to(home.site): p.read_bytes() for p in home.site.rglob("*") if p.is_file()}
    assert first == again


def test_cap_on_organization_pages_does_not_tell_who_is_flagged(published: Path, tmp_path: Path) -> None:
    """Of the two flagged organisations only one is among the three largest: the other has no page outside the watch."""
    home = Home(tmp_path / "home")
    build_site(published, home, Settings.model_validate({"site": {"max_organization_pages": 3}}))
    large, small = FLAGGED[1], FLAGGED[0]
    names = {p.stem for p in (home.site / "finance/organizations").glob("*.html")} - {"index"}
    assert len(names) == 3
    assert large in names
    assert {p.name for p in (home.site / "organizations").iterdir()} == names
    assert len(list((home.site / "trust-safety/organizations").glob("*.html"))) == 2
    assert f"organizations/{small}" not in (home.site / "finance/jump.js").read_text(encoding="utf-8")
    for path in pages(home.site / "finance"):
        assert small not in "".join(read(path).xpath("//@href")), path
    drawn = {
        row.xpath("string(th)")
        for row in read(home.site / "finance/index.html").xpath("//table[@id='organizations-table']/tbody/tr[.//svg]")
    }
    assert drawn == names


def test_site_past_its_limits_is_refused_and_the_old_one_stays(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    home.site.mkdir(parents=True)
    (home.site / "old").touch()
    monkeypatch.setattr(site_module, "MAX_FILES", 10)
    with pytest.raises(MeterhouseError, match="max_organization_pages"):
        build_site(published, home, Settings())
    assert (home.site / "old").exists()


def variant(published: Path, folder: Path, where: str, *, chosen: str = "*", **build: str) -> Path:
    """The published folder with fewer requests, `chosen` of them, and other facts of the build."""
    change_rated(published, folder, f"select {chosen} from t where {where}")
    with duckdb.connect() as con:
        changes = ", ".join(f"{value} as {key}" for key, value in build.items())
        con.execute(f"create table b as select * replace ({changes}) from '{folder / 'build.parquet'}'")
        con.execute(f"copy b to '{folder / 'build.parquet'}'")
        con.execute(f"create table f as from '{folder / 'extraction_flags.parquet'}' where false")
        con.execute(f"copy f to '{folder / 'extraction_flags.parquet'}'")
    return folder


def test_home_without_usage_says_what_to_do(published: Path, tmp_path: Path) -> None:
    folder = variant(
        published,
        tmp_path / "p",
        "false",
        data_from="null::timestamp",
        data_through="null::timestamp",
    )
    home = Home(tmp_path / "home")
    summary = build_site(folder, home, Settings())
    assert set(summary.entries) == {"finance", "platform", "trust-safety"}
    for entry in summary.entries.values():
        assert "meterhouse run" in read(entry).text_content()


def test_cost_at_list_price_is_said_and_margin_is_not_shown(published: Path, tmp_path: Path) -> None:
    folder = variant(
        published,
        tmp_path / "p",
        "charge_date = '2026-05-10'",
        chosen="* replace (revenue_amount as cost_amount)",
        cost_card="'list'",
        data_through="timestamp '2026-05-10 13:00:00'",
    )
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "finance/index.html")
    assert "no cost card is set" in page.xpath("string(//div[@class='banner'])")
    assert tiles(page)["Margin"][0] == "nil"
    own = read(home.site / "organizations/org-lark-000/index.html")
    assert "cost" not in own.text_content().lower()


def test_a_margin_that_terms_make_is_shown_without_a_cost_card_too(published: Path, tmp_path: Path) -> None:
    folder = variant(published, tmp_path / "p", "true", cost_card="'list'")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "finance/index.html")
    assert "no cost card is set" not in page.xpath("string(//div[@class='banner'])")
    assert tiles(page)["Margin"][0] != "nil"
    assert "by construction" not in read(home.site / "finance/margin.html").text_content()


def test_all_unpriced_shows_no_amount(published: Path, tmp_path: Path) -> None:
    folder = variant(published, tmp_path / "p", "model = 'no-such-model-9'", demo="false")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    page = read(home.site / "finance/index.html")
    assert tiles(page)["Revenue"][0] == "not priced"
    assert "$0" not in page.text_content()
    assert "Demo data" not in page.text_content()


def test_no_axis_writes_thousandths_as_letters(site: Path) -> None:
    """`~s` would write $0.50 as $500m."""
    for path in pages(site):
        for spec in specs(read(path)):
            assert "s" not in spec["layout"]["yaxis"].get("tickformat", ""), path


def test_linked_organizations_count_as_flagged_once(site: Path) -> None:
    """The organisation of the second case is linked to the first."""
    shown = tiles(read(site / "trust-safety/index.html"))
    assert shown["Organisations flagged"][0] == "2"


def test_linked_organizations_are_in_the_flagged_count(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(published, folder)
    with duckdb.connect() as con:
        path = folder / "extraction_flags.parquet"
        linked = """'["org-fox-001", "org-lark-004"]'::json as linked_organizations"""
        con.execute(f"create table f as select * replace ({linked}) from '{path}' where rank = 1")
        con.execute(f"copy f to '{path}'")
    home = Home(tmp_path / "home")
    build_site(folder, home, Settings())
    assert tiles(read(home.site / "trust-safety/index.html"))["Organisations flagged"][0] == "3"


def test_text_of_refused_records_is_for_the_platform_only(site: Path) -> None:
    for path in pages(site):
        text = read(path).text_content()
        assert ("event_id" in text) == (path == site / "platform/quality.html"), path
    for audience in ("finance", "platform", "trust-safety"):
        rows = table(read(site / audience / "quality.html"), "quarantine-table")
        assert all(r["reason"] and r["example place"].rpartition("line ")[2].isdigit() for r in rows)
        assert {r["field"] for r in rows} == {"occurred_at", "model", "\u2013"}


def test_home_whose_records_were_all_refused_says_so(published: Path, tmp_path: Path) -> None:
    folder = variant(published, tmp_path / "p", "false", data_from="null::timestamp", data_through="null::timestamp")
    with duckdb.connect() as con:
        path = folder / "ingested_files.parquet"
        con.execute(
            f"""create table i as select * replace (
                7::bigint as records_read, 0::bigint as accepted, 0::bigint as duplicates, 7::bigint as quarantined
            ) from '{path}' limit 1"""
        )
        con.execute(f"copy i to '{path}'")
    home = Home(tmp_path / "home")
    summary = build_site(folder, home, Settings())
    for entry in summary.entries.values():
        page = read(entry)
        assert "7 records read, none accepted" in page.xpath("string(//main)")
        assert "Nothing has been read" not in page.text_content()
        assert page.xpath("//main//a[@href='quality.html#quarantine']")
        assert read(entry.parent / "quality.html").xpath("//*[@id='quarantine']")


def test_platform_overview_is_about_requests(site: Path, published: Path) -> None:
    page = read(site / "platform/index.html")
    first, failed = specs(page)[:2]
    days = zip(*(t["y"] for t in first["data"]), strict=True)
    (requests,) = ask(published, "select sum(requests) from spend")
    assert sum(sum(values) for values in days) == requests
    worst, share = ask(
        published,
        """select charge_date, sum(failed_requests) / sum(requests) as share from spend
        group by charge_date order by share desc, charge_date limit 1""",
    )
    assert max(failed["data"][0]["y"]) == pytest.approx(share, abs=1e-6)
    assert f"most on {worst}: {100 * share:.1f}\u00a0%" in page.xpath("string(//h2[@id='h-failed'])")
    assert list(tiles(page))[:3] == ["Requests", "Tokens", "Failed"]
    assert not page.xpath("//*[@id='change' or @id='revenue-days']")


def test_every_page_names_its_price_book(site: Path, published: Path) -> None:
    with duckdb.connect() as con:
        (digest,) = con.execute(f"select price_book_digest from '{published / 'build.parquet'}'").fetchone()
    found = pages(site)
    assert {p.relative_to(site).parts[0] for p in found} == {"finance", "platform", "trust-safety", "organizations"}
    assert {p.name for p in found} >= {"case-001a1.html", "glossary.html", "quality.html", "index.html"}
    for path in found:
        assert f"Price book {digest[:12]}" in read(path).xpath("//footer/span/text()"), path


def test_organization_reads_how_much_of_its_usage_is_priced(site: Path, published: Path) -> None:
    for name in ("org-lark-000", "org-fox-001"):
        requests, missing = ask(
            published, f"select sum(requests), sum(unpriced_requests) from spend where organization_id = '{name}'"
        )
        assert missing
        banner = read(site / f"organizations/{name}/index.html").xpath("//div[@class='banner']")[0]
        share = numbers.percent(Decimal(int(requests - missing)) / Decimal(int(requests)))
        assert f"Priced {share} of requests, {missing:,} not priced" in banner.text_content()
        assert not banner.xpath(".//a")
