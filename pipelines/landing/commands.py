"""Commands about logs that can be taken in. Thin: what a format is stands in `formats/`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.home import resolve_home
from pipelines.options import home_option
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.landing.formats import Format


@click.command("formats", epilog="Example: meterhouse formats litellm")
@click.argument("name", required=False)
def formats(name: str | None) -> None:
    """List the log formats that can be taken in, and by what each is recognised.

    With a NAME, that format alone, and which of the source's fields each column is made from.
    """
    from pipelines.console import make_console
    from pipelines.errors import MeterhouseError
    from pipelines.landing.formats import load_formats
    from pipelines.pricing.page import heading, lines

    console = make_console()
    found = load_formats()
    if name is not None and name not in found:
        raise MeterhouseError(f"{name!r} is not a format; known: {', '.join(found)}.", way_out="Name one of these.")
    for number, fmt in enumerate([found[name]] if name else found.values()):
        heading(console, fmt.name, above=min(number, 1))
        known = " or ".join(", ".join(fields) for fields in fmt.recognise)
        lines(
            console,
            [
                ("what", fmt.title),
                ("files", ", ".join(fmt.file_types)),
                ("recognised by", known or "nothing: name it in meterhouse.toml"),
            ],
        )
        if name:
            _print_columns(console, fmt)


def _print_columns(console: Console, fmt: Format) -> None:
    """Which fields each column of a format is made from and chosen by."""
    from pipelines.landing.lineage.text import OF_ALL, told
    from pipelines.pricing.page import heading, lines

    columns = told(fmt)
    heading(console, "Columns, and the fields they are made from", above=1)
    for column, made, chosen in columns.rows:
        by = [("  chosen by", chosen)] if chosen else []
        lines(console, [(column, made or "chosen alone"), *by], label_width=21)
    if not isinstance(fmt.shape, dict):
        lines(console, [("all others" if columns.rows else "all", OF_ALL[fmt.shape])], label_width=21)
    if columns.below:
        lines(console, [("†", f"or the same below {columns.below}")], label_width=21)


@click.command("check", epilog="Example: meterhouse check spend_logs.jsonl --lines")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@home_option
@click.option("--source", help="Read the files as this source of meterhouse.toml would be.")
@click.option("--format", "log_format", help="Read the files as this format, whatever their content says.")
@click.option("--lines", "each", is_flag=True, help="Print what would become of every line.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, one object a line.")
def check(
    files: tuple[Path, ...], home: Path, source: str | None, log_format: str | None, *, each: bool, as_json: bool
) -> None:
    """Say which format a file is, and what would become of its lines if it landed now.

    Nothing is written. Duplicates are told against what the home has taken in from the same source: that of
    the file's folder under landing/, or of --source. Ends with 1 if a line would be quarantined.
    """
    from pipelines.console import make_console
    from pipelines.landing.check import checked
    from pipelines.landing.check_text import json_lines, print_file, print_lines

    place = resolve_home(home)
    with checked(place, load_settings(place), list(files), source, log_format) as (found, con):
        console = make_console()
        if as_json:
            for text in json_lines(con, found):
                click.echo(text)
        else:
            for number, file in enumerate(found):
                print_file(console, con, number, file)
            if each:
                console.print()
                print_lines(console, con, found)
        refused = con.execute("select 1 from checked where outcome = 'quarantined' limit 1").fetchone()
    if refused:
        sys.exit(1)
