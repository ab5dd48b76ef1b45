"""The pages: read the published tables once, render every audience's folder, swap the whole site in.

What a page says is in dashboards/; what is read is in facts.py. Same input, same bytes: nothing of the run is in a
page. A reader sees the old site or the new one, never half of each.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dashboards
from dashboards.frame import AUDIENCE_NAMES, Frame, make_frame
from dashboards.pages import (
    glossary,
    margin,
    models,
    organizations,
    overview,
    prices,
    products,
    quality,
    watch,
    worth,
)
from pipelines.errors import MeterhouseError
from pipelines.money import exact
from pipelines.publish.facts import Facts, load_facts
from pipelines.publish.ledger import require_equal
from pipelines.publish.names import slug
from pipelines.publish.plotly_js import ensure_plotly
from pipelines.publish.render import environment, script_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment

    from dashboards.page import Audience, Page
    from pipelines.home import Home
    from pipelines.publish.series import Row
    from pipelines.settings import Settings

MAX_BYTES = 50 * 2**20
MAX_FILES = 2000
STATIC = Path(dashboards.__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """What was built: pages, bytes without the chart library, and the first page of each audience."""

    pages: int
    bytes: int
    entries: dict[str, Path] = field(default_factory=dict)


class Folder(NamedTuple):
    """A folder of the site: who reads it, and its pages; `organization` is the row of the one whose own it is."""

    path: str
    audience: Audience
    pages: list[Page]
    organization: Row | None = None


def build_site(published: Path, home: Home, settings: Settings) -> SiteSummary:
    """Render the site from the Parquet below `published` into `home.site`.

    Raises MeterhouseError when totals differ between two stages, or when the site would pass its limits of files or
    bytes; the old site stays.
    """
    with exact():
        facts = load_facts(published, home, settings)
        require_equal(facts, published)
        return _build(facts, home)


def _build(facts: Facts, home: Home) -> SiteSummary:
    beside = home.site.with_name(home.site.name + ".new")
    _remove(beside)
    beside.mkdir(parents=True)
    env = environment()
    pages = size = 0
    for folder in _folders(facts):
        frame = make_frame(facts, folder.audience, folder.path, folder.organization)
        target = beside / folder.path
        for page in folder.pages:
            size += _write(target / page.path, _render(env, page, frame))
            pages += 1
        if frame.jump:
            size += _write(target / "jump.js", _jump(facts))
    _check_limits(pages, size)
    _copy_assets(beside / "assets")
    _swap(beside, home.site)
    audiences: list[str] = [name for name in AUDIENCE_NAMES if name != "organization"]
    entries = {name: home.site / name / "index.html" for name in audiences}
    return SiteSummary(pages, size, entries)


def _folders(facts: Facts) -> Iterable[Folder]:
    """Every folder of the site. What a reader must not see is not in their folder."""
    if facts.period is None:
        for name in ("finance", "platform"):
            yield Folder(
                name, name, [overview.page(facts, name), quality.page(facts, name), glossary.page(facts, name)]
            )
        yield Folder(
            "trust-safety",
            "trust-safety",
            [
                *watch.pages(facts),
                worth.page(),
                quality.page(facts, "trust-safety"),
                glossary.page(facts, "trust-safety"),
            ],
        )
        return
    yield Folder(
        "finance",
        "finance",
        [
            overview.page(facts, "finance"),
            organizations.listing(facts, "finance"),
            *organizations.pages(facts, "finance", facts.paged_organizations),
            products.listing(facts, "finance"),
            *products.pages(facts, "finance"),
            margin.page(facts),
            prices.page(facts),
            quality.page(facts, "finance"),
            glossary.page(facts, "finance"),
        ],
    )
    yield Folder(
        "platform",
        "platform",
        [
            overview.page(facts, "platform"),
            products.listing(facts, "platform"),
            *products.pages(facts, "platform"),
            models.page(facts, "platform"),
            organizations.listing(facts, "platform"),
            quality.page(facts, "platform"),
            glossary.page(facts, "platform"),
        ],
    )
    yield Folder(
        "trust-safety",
        "trust-safety",
        [
            *watch.pages(facts),
            worth.page(),
            *organizations.pages(facts, "trust-safety", facts.flagged_organizations),
            quality.page(facts, "trust-safety"),
            glossary.page(facts, "trust-safety"),
        ],
    )
    by_name = {row["organization_id"]: row for row in facts.organizations}
    for name in facts.paged_organizations:
        row = by_name[name]
        yield Folder(f"organizations/{slug(name)}", "organization", [organizations.own(facts, row)], row)


def _render(env: Environment, page: Page, frame: Frame) -> str:
    up = "../" * (page.path.count("/") + frame.depth)
    return env.get_template(page.template).render(
        page=page,
        frame=frame.at(up, page.path),
        glossary="" if frame.audience == "organization" else f"{page.root}glossary.html",
        **page.context,
    )


def _write(path: Path, text: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(data)
    return len(data)


def _jump(facts: Facts) -> str:
    places = [[name, f"organizations/{slug(name)}.html"] for name in facts.paged_organizations]
    return f"window.METERHOUSE_JUMP={script_json(places)};\n"


def _check_limits(pages: int, size: int) -> None:
    if pages > MAX_FILES or size > MAX_BYTES:
        raise MeterhouseError(
            f"the site would have {pages:,} pages and {size / 2**20:.0f} MB; the limits are "
            f"{MAX_FILES:,} and "
            f"{MAX_BYTES // 2**20} MB.",
            way_out="Lower max_organization_pages under [site] in meterhouse.toml and run again.",
            field="site.max_organization_pages",
        )


def _copy_assets(target: Path) -> None:
    target.mkdir(parents=True)
    for name in ("app.js", "style.css"):
        shutil.copyfile(STATIC / name, target / name)
    shutil.copyfile(ensure_plotly(), target / "plotly.min.js")


def _swap(new: Path, site: Path) -> None:
    """Two renames: between them there is no site for an instant, never a mixed one."""
    old = site.with_name(site.name + ".old")
    _remove(old)
    if site.exists():
        site.rename(old)
    new.rename(site)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
