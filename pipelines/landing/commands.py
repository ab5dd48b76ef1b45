"""Commands about logs that can be taken in. Thin: what a format is stands in `formats/`."""

from __future__ import annotations

import click


@click.command("formats", epilog="Example: meterhouse formats")
def formats() -> None:
    """List the log formats that can be taken in, and by what each is recognised."""
    from rich.console import Console

    from pipelines.landing.formats import load_formats
    from pipelines.pricing.page import heading, lines

    console = Console(highlight=False)
    for number, fmt in enumerate(load_formats().values()):
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
