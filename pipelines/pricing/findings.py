"""What a check of the price tables reports: one thing wrong or odd with one row.

Which things are wrong or odd belongs in `check_*.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelines.errors import MeterhouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong (error) or odd (warning) with one row, and what to do about it.

    `field` is empty where it is the whole row or file.
    """

    severity: Severity
    file: str
    line: int | None
    field: str
    cause: str
    way_out: str = "Correct that row and run again."

    def paragraph(self) -> str:
        """The whole message on one line: place, cause and way out."""
        line = f", line {self.line}" if self.line else ""
        field = f", field {self.field}" if self.field else ""
        return f"{self.severity}: {self.file}{line}{field}: {self.cause}. {self.way_out}"


def ask(
    con: duckdb.DuckDBPyConnection, severity: Severity, sql: str, way_out: str = "Correct that row and run again."
) -> list[Finding]:
    """Findings of a query that gives file, line, field and cause; in the order of files and lines."""
    found = con.execute(f"select file, line, field, cause from ({sql}) as found order by all").fetchall()
    return [Finding(severity, file, line, field, cause, way_out) for file, line, field, cause in found]


def raise_first(findings: Sequence[Finding]) -> None:
    """Raise MeterhouseError for the first error, saying how many more there are; warnings pass."""
    errors = [found for found in findings if found.severity == "error"]
    if errors:
        first = errors[0]
        rest = len(errors) - 1
        more = f" ({rest} more error{'s' if rest > 1 else ''}; `meterhouse prices check` lists them.)" if rest else ""
        raise MeterhouseError(
            f"{first.cause}.{more}", file=first.file, line=first.line, field=first.field or None, way_out=first.way_out
        )
