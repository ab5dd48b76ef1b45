"""File names and colours."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish.names import PALETTE, colours, slug


@given(st.text(max_size=80))
def test_slug_is_a_safe_file_name(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(name))
    assert slug(name) == slug(name)


@given(st.lists(st.text(max_size=20), unique=True, max_size=40))
def test_slugs_of_different_names_differ(names: list[str]) -> None:
    assert len({slug(n) for n in names}) == len(names)


def test_slug_keeps_plain_names() -> None:
    assert slug("org-heron-014") == "org-heron-014"
    assert slug("index") != "index"  # the name of the list itself
    assert slug("Acme Corp").startswith("acme-corp-")


def test_first_six_families_have_colours_of_their_own() -> None:
    given_colours = colours([f"model-{n}" for n in range(8)])
    assert [given_colours[f"model-{n}"] for n in range(6)] == list(PALETTE)
