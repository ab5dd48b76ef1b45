"""Generated documentation is up to date, and the README tells the truth about formats and commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import reference
from pipelines.cli import main
from pipelines.landing.formats import load_formats

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


@pytest.mark.parametrize("path", list(reference.pages()), ids=lambda p: p.name)
def test_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text() == reference.pages()[path], "run `make docs`"


def test_readme_names_every_format_with_its_file_types() -> None:
    words = {"jsonl": "JSON lines", "csv": "CSV", "parquet": "Parquet"}
    for fmt in load_formats().values():
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{fmt.name}` |")]
        assert row.rstrip(" |").endswith(", ".join(words[t] for t in fmt.file_types)), row


def test_readme_names_every_command() -> None:
    import click

    for name in main.list_commands(click.Context(main)):
        assert f"| `meterhouse {name}" in README, name


def test_links_in_the_documentation_lead_somewhere() -> None:
    import re

    root = Path(__file__).resolve().parents[1]
    for page in [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
