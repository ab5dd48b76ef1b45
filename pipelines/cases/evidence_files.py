"""Writes packs: evidence.json with its digest, evidence.html, and the notice. What is in a pack is in `evidence.py`.

Same case, same published tables: same bytes. A file that is there and says something else is never overwritten.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pipelines.cases.evidence import packs
from pipelines.cases.notice import Notice, make_notice, one_line
from pipelines.errors import MeterhouseError
from pipelines.publish.names import slug

if TYPE_CHECKING:
    from pipelines.cases.evidence import Pack
    from pipelines.home import Home
    from pipelines.settings import Settings

_TEMPLATES = Path(__file__).with_name("templates")


def write_packs(home: Home, settings: Settings, case_id: str, out: Path, dated: date) -> list[tuple[Path, str]]:
    """Write every pack of the case below `out`; returns folder and digest of each."""
    made = packs(home, case_id)
    files: dict[Path, str] = {}
    told = []
    for pack in made:
        # A case of several accounts: a folder each, to be handed on alone.
        folder = out / slug(case_id) / slug(pack["case"]["organization_id"]) if len(made) > 1 else out / slug(case_id)
        whole = {**pack, "digest": digest_of(pack)}
        files[folder / "evidence.json"] = json.dumps(whole, indent=1, ensure_ascii=False, default=plain) + "\n"
        files[folder / "evidence.html"] = _environment().get_template("evidence.html.j2").render(pack=whole)
        if notice := make_notice(pack, settings, dated):
            files |= {folder / name: text for name, text in _notices(notice).items()}
        told.append((folder, whole["digest"]))
    _write(files)
    return told


def digest_of(pack: Pack) -> str:
    """SHA-256 of the pack without its digest, as JSON with sorted keys and no blanks."""
    bare = {name: value for name, value in pack.items() if name != "digest"}
    text = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=plain)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def plain(value: Any) -> str:
    """Amounts with all their digits, days and instants in ISO 8601."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a pack")


def _notices(notice: Notice) -> dict[str, str]:
    return {
        name: _environment().get_template(f"{name}.j2").render(notice=notice) for name in ("notice.txt", "notice.html")
    }


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise MeterhouseError(
                "the file is there already and says something else. Evidence is not overwritten.",
                file=path,
                way_out="Name another folder with --out, or move the old one away. Nothing was written.",
            )
    for path, text in files.items():
        # For those who work on the case alone.
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{path.name}.tmp")
        beside.touch(mode=0o600)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)


@cache
def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"one_line": one_line, "figure": _figure, "cell": _cell}
    return env


def _figure(value: Any) -> str:
    """A figure as people read it; a dash where there is none."""
    if value is None or value == "":
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float | Decimal):
        return f"{Decimal(str(value)).normalize():,f}"
    return str(value)


def _cell(value: Any) -> str:
    """A value of a table; instants to the second."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "\u2013" if value is None or value == "" else str(value)
