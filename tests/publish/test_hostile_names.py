"""A whole run on names that attack: pages, their paths and exports hold them as data only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import duckdb
import lxml.html
import pytest

from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.landing.homes import CANONICAL, drop, event, make_home

if TYPE_CHECKING:
    from pipelines.home import Home

NAMES = (
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "=cmd|'/C calc'!A0", "@SUM(1+1)", "+1", "-1",
    "../../../../tmp/escaped", "/etc/passwd", "..\\..\\x", "CON", "index", "a/b", "javascript:alert(1)", "{{ 7 * 7 }}",
    "${7*7}", "\u202egnp.exe", "\x1b[31m", "a\x00b", "x" * 500, "' onmouseover='alert(1)", "\"><svg onload=alert(1)>",
    "%2e%2e",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which organisations, products, models, providers, regions and files have such names."""
    made = make_home(tmp_path_factory.mktemp("names") / "home", CANONICAL)
    records = [
        event(f"{n}", organization_id=name, product_id=name, model=name, provider=name, region=name, operation=name,
              error_type=name, finish_reason=name, client_agent=name)
        for n, name in enumerate(NAMES)
    ]  # fmt: skip
    drop(made, "g/=cmd()<img src=x onerror=alert(1)>'; drop table staged; --.jsonl", records)
    drop(
        made,
        "g/a {{ 7 * 7 }} %2e%2e b.jsonl",
        [*records[:1], event("bad", input_tokens=-1), *records],
    )
    run_all(made, load_settings(made))
    return made


@pytest.mark.slow
def test_names_are_data_on_every_page(home: Home) -> None:
    pages = sorted(home.site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        assert re.fullmatch(r"[a-z0-9.-]+", page.name), page
        text = page.read_text(encoding="utf-8")
        assert "<img src=x" not in text, page
        assert "<svg onload" not in text, page
        assert "<script>alert" not in text, page
        tree = lxml.html.fromstring(text)
        assert not [e for e in tree.iter() if any(str(name).startswith("on") for name in e.attrib)], page
        for link in tree.xpath("//a/@href | //script/@src | //link/@href"):
            assert not str(link).lower().startswith(("javascript:", "//", "file:")), (page, link)
            if not re.match(r"https?://|#|mailto:|data:", str(link)):
                target = (page.parent / str(link).split("#")[0].split("?")[0]).resolve()
                assert target.is_relative_to(home.site.resolve()), (page, link)


@pytest.mark.slow
def test_names_are_in_the_exports_as_they_came(home: Home) -> None:
    with duckdb.connect() as con:
        found = con.execute(
            "select distinct organization_id from read_parquet(?)",
            [str(home.exports / "published" / "spend_daily.parquet")],
        ).fetchall()
    assert {name for (name,) in found} == set(NAMES)


@pytest.mark.slow
def test_nothing_is_written_beside_the_home(home: Home) -> None:
    assert [p.name for p in home.root.parent.iterdir()] == ["home"]
    assert not (home.root / "tmp").exists()
