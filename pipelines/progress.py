"""Shows a run in a terminal: a bar a step, then counts, rate and time. Silent when not a terminal."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipelines.console import make_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


class TerminalReporter:
    """Reports steps on standard error with rich."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or make_console(stderr=True, markup=True)

    @contextmanager
    def step(self, name: str) -> Iterator[_TerminalStep]:
        """Show one step until the block ends."""
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[label]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as progress:
            shown = _TerminalStep(progress, name)
            yield shown
        if self._console.is_terminal:
            self._console.print(shown.closing_line(), highlight=False)


class _TerminalStep:
    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._task = progress.add_task(name, total=None, label="")
        self._began, self._rows, self._unit = time.monotonic(), 0, ""

    def update(self, done: int, total: int, label: str = "") -> None:
        """`done` of `total` units; `label` names the current one."""
        self._progress.update(self._task, completed=done, total=total, label=label)

    def finish(self, rows: int, unit: str) -> None:
        """Rows handled in all."""
        self._rows, self._unit = rows, unit

    def closing_line(self) -> str:
        """The line that stays: name, rows, time and rate."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        return (
            f"  [green]✓[/] {self._name:<10} {self._rows:>12,} {self._unit:<18} "
            f"{seconds:>7.1f} s {self._rows / seconds:>12,.0f} /s"
        )
