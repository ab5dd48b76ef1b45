"""`meterhouse cases ...`: the group. Each command is a module of its own beside this one."""

from __future__ import annotations

import click

from pipelines.cases.export_command import export


@click.group("cases", epilog="Example: meterhouse cases export 0123456789abcdef --out evidence")
def cases() -> None:
    """Work on the cases of the extraction watch."""


cases.add_command(export)
