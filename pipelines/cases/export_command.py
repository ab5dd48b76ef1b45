"""`meterhouse cases export`: the evidence pack of a case and the notice. Thin: the work is done beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.home import resolve_home
from pipelines.options import home_option

if TYPE_CHECKING:
    from datetime import datetime


@click.command("export", epilog="Example: meterhouse cases export 0123456789abcdef --out evidence --home data")
@click.argument("case")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write into; a folder named after the case is made in it.",
)
@click.option(
    "--date",
    "dated",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date of the notice, from which the days to answer are counted. Not given: today.",
)
@home_option
def export(case: str, out: Path, dated: datetime | None, home: Path) -> None:
    """Write the evidence of CASE, and a notice to the organisation.

    Evidence (evidence.json, evidence.html) has figures and metadata of that organisation alone, with a
    digest. The notice (notice.txt, notice.html) says what was seen and asks what it is; it is written where
    `notice_contact` is set under [watch]. A case of several accounts gives a folder for each of them.
    """
    from datetime import UTC
    from datetime import datetime as clock

    from pipelines.cases.evidence_files import write_packs
    from pipelines.settings import load_settings

    place = resolve_home(home)
    settings = load_settings(place)
    on = dated.date() if dated else clock.now(UTC).date()
    for folder, digest in write_packs(place, settings, case, out, on):
        click.echo(f"{folder}  {digest}")
    if not settings.watch.notice_contact:
        click.echo(f"No notice was written: set notice_contact under [watch] in {place.config}, and export again.")
