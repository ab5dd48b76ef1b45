"""What is printed is what was given: ids are no emoji and no markup."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pipelines
from pipelines.console import make_console
from pipelines.pricing.shown import print_table, say

ODD = ["ft:x:y::z", "anthropic.claude:rocket:0", "a[bold]b"]
SOURCES = sorted(Path(pipelines.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("text", ODD)
def test_ids_are_printed_as_they_are(text, capsys):
    make_console().print(text)
    say(text)
    print_table(["model"], [[text]], title=text)
    assert capsys.readouterr().out.count(text) == 4


def test_what_is_piped_has_the_width_asked_for():
    assert make_console(piped_width=240).width == 240


def test_no_other_module_makes_a_console():
    """Rich's own default reads ids as emoji."""
    made = [
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
    ]
    assert set(made) == {"console.py"}
