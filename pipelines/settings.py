"""Every setting of a home, read from `meterhouse.toml` and refused by name when wrong.

Machine limits (memory, threads) come from the environment instead, because the same home may be
run on different machines: METERHOUSE_MEMORY_LIMIT, METERHOUSE_THREADS.
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipelines.errors import MeterhouseError
from pipelines.landing.constants import Constant, fault_of
from pipelines.landing.contract import BY_NAME, MAPPED
from pipelines.landing.formats import load_formats

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home


class _Strict(BaseModel):
    # Strict: TOML has types of its own, so "yes" is no boolean and "5" no number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not a time zone of the tz database (as in 'Europe/Paris')")
    return value


class Source(_Strict):
    """One feed: the folder landing/<name>/ and how to read it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    format: str
    files: Annotated[str, Field(pattern=r"\S")] = "*"
    # Where an object store keeps its logs, for fsspec, and what that store needs to be opened.
    url: str | None = None
    storage: dict[str, Any] = Field(default_factory=dict)
    # Of times that name no zone.
    time_zone: str = "UTC"
    # How far ahead of ours the source's clock may be.
    future_tolerance_minutes: int = Field(default=1440, ge=0, le=525_600)
    columns: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    constants: dict[str, Constant] = Field(default_factory=dict)

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value not in load_formats():
            raise ValueError(f"{value!r} is not a format; known: {', '.join(load_formats())}")
        return value

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and "://" not in value:
            raise ValueError(f"{value!r} is no address of an object store, as in 's3://bucket/folder'")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return _zone(value)

    @field_validator("columns", "constants")
    @classmethod
    def _known_columns(cls, value: dict[str, object]) -> dict[str, object]:
        known = [c.name for c in MAPPED]
        for name in value:
            if name not in known:
                raise ValueError(f"{name!r} is not a canonical column; known: {', '.join(known)}")
        return value

    @field_validator("constants")
    @classmethod
    def _constants_are_values(cls, value: dict[str, Constant]) -> dict[str, Constant]:
        for name, constant in value.items():
            if fault := fault_of(BY_NAME[name], constant):
                raise ValueError(f"{name} = {constant!r} {fault}")
        return value

    @model_validator(mode="after")
    def _mapping_fits_format(self) -> Source:
        if self.storage and not self.url:
            raise ValueError("storage is for a source with a url")
        if self.format != "mapped" and self.columns:
            raise ValueError(f"columns are for format 'mapped', not {self.format!r}")
        if self.format == "mapped":
            both = sorted(set(self.columns) & set(self.constants))
            if both:
                raise ValueError(f"both mapped and constant: {', '.join(both)}")
            given = set(self.columns) | set(self.constants)
            missing = [c.name for c in MAPPED if c.required and c.name not in given]
            if missing:
                raise ValueError(f"a mapped source needs {', '.join(missing)} under columns or constants")
        return self


class Pricing(_Strict):
    """Which rate card each side is rated with, and how the price book stood when."""

    revenue_card: str = "list"
    cost_card: str = "list"
    known_at: datetime | None = Field(default=None, strict=False)

    def known_at_utc(self) -> datetime:
        """Instant (UTC, naive) up to which rows of the price book are known; far away where none is set."""
        if self.known_at is None:
            return datetime.fromisoformat("9999-12-31T00:00:00")
        return self.known_at.astimezone(UTC).replace(tzinfo=None) if self.known_at.tzinfo else self.known_at


class Landing(_Strict):
    """How landed files are taken in."""

    # A file that changed since and ends in the middle of something is waited for.
    quiet_seconds: float = Field(default=2.0, ge=0, le=600, allow_inf_nan=False)


class Limits(_Strict):
    """When a run that went on in spite of bad records still ends with exit code 1."""

    max_quarantined_records: int | None = Field(default=None, ge=0)
    max_quarantined_share: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    max_unpriced_share: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)


class Watch(_Strict):
    """The extraction watch: how many alerts people can review, and who answers for them."""

    alerts_per_1000_organization_days: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)
    window_days: int = Field(default=28, ge=7, le=120)
    # To whom organisations answer a notice, and within how many days.
    notice_contact: str = ""
    notice_days: int = Field(default=14, ge=1, le=365)


class Site(_Strict):
    """What the pages say about themselves."""

    title: str = "Meterhouse"
    demo: bool = False
    max_organization_pages: int = Field(default=500, ge=0)


class Settings(_Strict):
    """All of meterhouse.toml."""

    reporting_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    billing_time_zone: str = "UTC"
    pricing: Pricing = Field(default_factory=Pricing)
    landing: Landing = Field(default_factory=Landing)
    limits: Limits = Field(default_factory=Limits)
    watch: Watch = Field(default_factory=Watch)
    site: Site = Field(default_factory=Site)
    sources: tuple[Source, ...] = Field(default=(), strict=False)

    @field_validator("billing_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return _zone(value)

    @model_validator(mode="after")
    def _one_entry_a_source(self) -> Settings:
        names = [s.name for s in self.sources]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"source named twice: {', '.join(twice)}")
        return self

    def source(self, name: str) -> Source | None:
        """The entry for a landing folder, if there is one."""
        return next((s for s in self.sources if s.name == name), None)


def load_settings(home: Home) -> Settings:
    """Read a home's settings; a home without the file has the defaults."""
    if not home.config.exists():
        return Settings()
    try:
        text = home.config.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MeterhouseError(
            "not UTF-8 text.", file=home.config, way_out="Save the file as UTF-8 and run again."
        ) from error
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MeterhouseError(
            f"not valid TOML: {error}.", file=home.config, way_out="Mend that line and run again."
        ) from error
    except ValidationError as error:
        raise _readable(error, home.config, text) from error


def _readable(error: ValidationError, file: Path, text: str) -> MeterhouseError:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        cause, way_out = (
            "unknown setting.",
            "Remove it, or compare it with the file `meterhouse init` writes.",
        )
    else:
        cause = first["msg"].removeprefix("Value error, ") + "."
        way_out = "Correct the value and run again."
    return MeterhouseError(cause, file=file, line=_line_of(path, text), field=".".join(path) or None, way_out=way_out)


def _line_of(path: list[str], text: str) -> int | None:
    """Best line for a setting: tomllib keeps no positions, so look for the key below its table.

    A list index in the path (`sources.1.format`) skips that many `[[table]]` heads.
    """
    lines = text.splitlines()
    start, found = 0, None
    for depth, part in enumerate(path):
        if part.isdigit():
            heads = [i for i, line in enumerate(lines) if line.strip() == f"[[{path[depth - 1]}]]"]
            if int(part) < len(heads):
                start = found = heads[int(part)]
            continue
        pattern = re.compile(rf"^\s*(\[+[\w.]*\b{re.escape(part)}\]+|[\"']?{re.escape(part)}[\"']?\s*=)")
        hit = next((i for i in range(start, len(lines)) if pattern.match(lines[i])), None)
        if hit is not None:
            start = found = hit
    return None if found is None else found + 1
