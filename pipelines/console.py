"""The one place that makes a console: what commands print are ids and texts of others, shown as they are.

Rich would read `ft:m:x::id` or `[eu]` as emoji and markup. How tables and columns are laid out belongs to whoever
prints them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def make_console(*, piped_width: int | None = None, stderr: bool = False, markup: bool = False) -> Console:
    """A terminal's own width, else `piped_width` characters; `markup` only for texts that are all our own."""
    from rich.console import Console

    console = Console(emoji=False, markup=markup, highlight=False, stderr=stderr)
    if piped_width is None or console.is_terminal:
        return console
    return Console(emoji=False, markup=markup, highlight=False, stderr=stderr, width=piped_width)
