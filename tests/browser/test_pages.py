"""The pages in a real browser, from disk and offline."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.publish.fixture import HOSTILE_FORMULA, HOSTILE_HTML

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

SMOKE = (
    "finance/index.html",
    "finance/organizations/index.html",
    "finance/organizations/org-heron-014.html",
    "finance/margin.html",
    "finance/prices.html",
    "platform/models.html",
    "trust-safety/index.html",
    "trust-safety/cases/case-001a1.html",
    "organizations/org-lark-000/index.html",
    "organizations/img-src-x-onerror-alert-1-63b586b4/index.html",
)


class Visit:
    """A page with everything it asked for and complained about."""

    def __init__(self, page: Any, site: Path) -> None:
        self.page, self.site = page, site
        self.problems: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", lambda dialog: self.problems.append("dialog: " + dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: str) -> Any:
        self.page.goto((self.site / path.partition("?")[0]).as_uri() + "".join(path.partition("?")[1:]))
        return self.page

    def draw_all(self) -> None:
        """Scroll so that every chart comes near the view, and wait until all are drawn."""
        for figure in self.page.query_selector_all("figure.chart"):
            figure.scroll_into_view_if_needed()
            self.page.wait_for_function("f => f.querySelector('.main-svg')", arg=figure)

    def check(self) -> None:
        assert self.problems == []
        root = self.site.as_uri()
        assert [u for u in self.requests if not u.startswith((root, "data:", "blob:"))] == []


@pytest.fixture
def visit(browser: Any, site: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A fresh context; `request.param` gives options of it."""
    options = {
        "viewport": {"width": 1280, "height": 900},
        "offline": True,
        **getattr(request, "param", {}),
    }
    context = browser.new_context(**options)
    yield Visit(context.new_page(), site)
    context.close()


@pytest.mark.parametrize("path", SMOKE)
def test_page_is_quiet_and_draws_what_it_says(visit: Visit, path: str) -> None:
    page = visit.open(path)
    visit.draw_all()
    for figure in page.query_selector_all("figure.chart"):
        wanted = figure.eval_on_selector(".spec", "s => JSON.parse(s.textContent).data.map(t => t.type)")
        drawn = figure.eval_on_selector(".plot", "g => g._fullData.map(t => t.type)")
        assert drawn == wanted
        context = figure.eval_on_selector(
            ".plot",
            "g => ['showSendToCloud', 'displayModeBar', 'plotlyServerURL'].map(k => g._context[k])",
        )
        assert context == [False, False, ""]
    assert page.locator(".modebar-btn").count() == 0
    assert "Share chart" not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelectorAll('*').length") <= 4000
    visit.check()


def test_first_view_is_light(visit: Visit) -> None:
    page = visit.open("finance/index.html")
    page.wait_for_selector(".main-svg", state="attached")
    assert page.evaluate("document.querySelectorAll('*').length") <= 2600
    assert page.locator(".tile").count() == 7


def test_table_sorts_and_says_so(visit: Visit) -> None:
    page = visit.open("finance/organizations/index.html")
    head = page.locator("#organizations-table thead th", has_text="Requests").first
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    cells = page.locator("#organizations-table tbody td:nth-child(2)").all_inner_texts()
    figures = [int(c.replace(",", "")) for c in cells]
    assert figures == sorted(figures, reverse=True)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.locator("th[aria-sort]").count() == 1
    assert "organizations-table.s=1a" in page.url
    page.reload()
    assert head.get_attribute("aria-sort") == "ascending"
    visit.check()


def test_filter_is_live_and_kept_in_the_address(visit: Visit) -> None:
    page = visit.open("finance/organizations/index.html")
    page.get_by_label("Filter rows of").fill("heron")
    shown = page.locator("#organizations-table tbody tr:visible th").all_inner_texts()
    assert shown
    assert all("heron" in name for name in shown)
    assert f"{len(shown)} of 40 rows" in page.locator(".act .n").inner_text()
    assert not page.locator("#organizations-table tfoot").is_visible()
    page.reload()
    assert page.get_by_label("Filter rows of").input_value() == "heron"
    page.get_by_label("Filter rows of").fill("nothing like it")
    assert "clear the filter" in page.locator(".act .n").inner_text()


def test_csv_has_full_figures_and_no_formula(visit: Visit) -> None:
    page = visit.open("finance/organizations/index.html")
    with page.expect_download() as download:
        page.locator("#organizations .act button", has_text="CSV").click()
    assert download.value.suggested_filename.startswith("finance_organizations_index_organizations_2026-04-01")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    total = next(r for r in rows if r["organisation"] == "Total")
    parts = sum((Decimal(r["revenue (USD)"]) for r in rows if r is not total), Decimal(0))
    assert parts == Decimal(total["revenue (USD)"])
    names = {r["organisation"] for r in rows}
    assert HOSTILE_HTML in names
    assert "'" + HOSTILE_FORMULA in names
    assert not [n for n in names if n.startswith("=")]


def test_png_is_made_on_the_page(visit: Visit) -> None:
    page = visit.open("finance/index.html")
    with page.expect_download() as download:
        page.locator("#days .act button", has_text="PNG").click()
    assert Path(download.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    visit.check()


def test_theme_is_remembered(visit: Visit) -> None:
    page = visit.open("finance/index.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".theme").click()
    page.locator(".theme").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert page.locator(".theme").get_attribute("aria-label") == "Theme: dark"


def test_keyboard_leads_from_queue_to_case(visit: Visit) -> None:
    page = visit.open("trust-safety/index.html")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "cases/" in (page.evaluate("document.activeElement.getAttribute('href')") or ""):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/**")
    assert page.locator("h1").inner_text() == "org-heron-014"


def test_jump_box_goes_to_an_organization(visit: Visit) -> None:
    page = visit.open("finance/products/search.html")
    box = page.locator(".jump input")
    box.focus()
    page.wait_for_selector("#jump-list option", state="attached")
    assert page.locator("#jump-list option").count() == 40
    box.fill("org-fox-009")
    box.press("Enter")
    page.wait_for_url("**/finance/organizations/org-fox-009.html")


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_without_script_figures_are_there(visit: Visit) -> None:
    page = visit.open("finance/index.html")
    assert page.locator(".tile").first.inner_text().startswith("Revenue")
    assert page.locator("#organizations-table tbody tr").count() == 40
    assert "same figures are in the table below" in page.locator(".plot").first.inner_text()
    page.locator("summary").first.click()
    assert page.locator("#revenue-days-data tbody tr").first.is_visible()


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": {"width": 390, "height": 844}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
    ],
    indirect=True,
)
def test_phone_has_no_sideways_scroll(visit: Visit) -> None:
    for path in (
        "finance/index.html",
        "trust-safety/cases/case-001a1.html",
        "finance/quality.html",
    ):
        page = visit.open(path)
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("visit", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_phone_shows_what_matters_without_scrolling(visit: Visit) -> None:
    """The page's own tab, why a case is in the queue, and hours of the day in one line."""

    def within(selector: str) -> bool:
        box = visit.page.locator(selector).first.bounding_box()
        return box["x"] >= 0 and box["x"] + box["width"] <= 390

    visit.open("finance/prices.html")
    assert within("nav [aria-current]")
    visit.open("trust-safety/index.html")
    assert within("#queue-table td.w")
    assert not visit.page.locator("#queue-table thead").is_visible()
    assert visit.page.evaluate("getComputedStyle(document.querySelector('#queue-table td.w'), '::before').content") == (
        '"Why"'
    )
    page = visit.open("trust-safety/cases/case-001a1.html")
    heights = page.eval_on_selector_all(".hours b", "all => all.map(b => b.getBoundingClientRect().height)")
    assert heights
    assert max(heights) < 25


def test_prices_show_their_days_without_scrolling(visit: Visit) -> None:
    page = visit.open("finance/prices.html")
    for name in ("Valid from", "Valid to"):
        box = page.locator("#history-table thead th", has_text=name).bounding_box()
        assert box["x"] + box["width"] <= 1280


@pytest.mark.parametrize("visit", [{"color_scheme": "dark"}], indirect=True)
def test_cost_line_and_its_swatch_are_one_colour_in_the_dark(visit: Visit) -> None:
    page = visit.open("finance/index.html")
    visit.draw_all()
    ink = page.evaluate("getComputedStyle(document.body).color")
    line = page.locator("#days .plot .js-line").last
    assert line.evaluate("e => getComputedStyle(e).stroke") == ink
    swatch = page.locator("#days .legend .ln").evaluate("e => getComputedStyle(e)")
    assert swatch["backgroundColor"] == ink
    assert swatch["borderTopWidth"] == "0px"


@pytest.mark.parametrize("visit", [{}, {"color_scheme": "dark"}], indirect=True)
@pytest.mark.parametrize("path", ["finance/index.html", "trust-safety/cases/case-001a1.html"])
def test_accessibility(visit: Visit, path: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = visit.open(path)
    visit.draw_all()
    results = axe.Axe().run(page, options={"preload": False})
    found = [(v["id"], v["nodes"][0]["target"]) for v in results.response["violations"]]
    assert found == []


def test_prints_within_the_paper(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("finance/index.html")
    visit.draw_all()
    page.pdf(path=tmp_path / "page.pdf", format="A4", print_background=True)
    pages = (tmp_path / "page.pdf").read_bytes().count(b"/Type /Page\n")
    assert 2 <= pages <= 6


def test_axes_write_amounts_as_money(visit: Visit) -> None:
    """`$500m` is half a dollar in SI and half a billion to a reader."""
    for path in ("finance/index.html", "finance/organizations/org-otter-039.html", "platform/index.html"):
        page = visit.open(path)
        visit.draw_all()
        page.wait_for_function("document.querySelector('.ytick text')")
        ticks = [t.text_content() for t in page.query_selector_all(".ytick text")]
        assert ticks
        assert not [t for t in ticks if t[-1] in "m\u00b5nG"], (path, ticks)


def test_axis_of_a_closer_look_names_no_day_twice(visit: Visit) -> None:
    page = visit.open("finance/index.html")
    visit.draw_all()
    plot = page.locator("#days .plot")
    plot.evaluate("g => Plotly.relayout(g, { 'xaxis.range': ['2026-05-03 12:00', '2026-05-05 12:00'] })")
    ticks = page.locator("#days .xtick text").all_text_contents()
    assert len(ticks) > 1
    assert len(set(ticks)) == len(ticks)
