"""Plain text in two columns for a terminal: a label, and text that wraps beside it and never within a word.

Lines have no blanks behind, so that what is piped is clean. Tables of many rows are rich's.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

Line = tuple[str, str]
_LABEL = 15
_WIDEST = 110


def heading(console: Console, text: str, *, above: int = 0) -> None:
    """A line that stands out, with empty lines above it."""
    for _ in range(above):
        console.print()
    console.print(Text(text, style="bold"), soft_wrap=True)


def lines(console: Console, found: Iterable[Line], *, label_width: int = _LABEL) -> None:
    """Each label with its text; an empty label goes on with the one above."""
    width = min(console.width, _WIDEST)
    for label, text in found:
        begin = f"  {label:<{label_width}} "
        if not label.strip() and text == "":
            console.print()
            continue
        wrapped = textwrap.wrap(
            text, width, initial_indent=begin, subsequent_indent=" " * (label_width + 3),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for line in wrapped:
            console.print(Text(line), soft_wrap=True)


def verbatim(console: Console, label: str, found: Iterable[str]) -> None:
    """Lines that are copied elsewhere: as they are, from the first column on."""
    console.print(Text(f"  {label}"), soft_wrap=True)
    for line in found:
        console.print(Text(line), soft_wrap=True)


def print_table(console: Console, table: Table) -> None:
    """A table, without blanks behind its lines where it is not for a terminal."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)
