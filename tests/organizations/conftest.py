"""A bare home, and what its file of facts comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.home import Home
from pipelines.organizations.facts import read_facts

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.organizations.facts import Facts


class Place:
    """Writes a file of facts into a home and reads it."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        root.mkdir()

    def csv(self, text: str | bytes) -> Facts:
        return self.file("organizations.csv", text)

    def yaml(self, text: str | bytes) -> Facts:
        return self.file("organizations.yaml", text)

    def file(self, name: str, text: str | bytes) -> Facts:
        (self.home.root / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return read_facts(self.home)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "home")


def ids(facts: Facts) -> list[str]:
    return facts.rows["organization_id"].to_pylist() if facts.rows is not None else []
