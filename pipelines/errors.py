"""The error a user is meant to read: one paragraph with the cause and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class MeterhouseError(Exception):
    """Something the user can mend. Names the file, line and field where there is one."""

    def __init__(
        self,
        cause: str,
        *,
        way_out: str,
        file: Path | str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.cause, self.way_out, self.file, self.line, self.field = (
            cause,
            way_out,
            file,
            line,
            field,
        )
        super().__init__(self.paragraph())

    def paragraph(self) -> str:
        """The whole message: where, what, and what to do."""
        where = ", ".join(
            part
            for part in (
                str(self.file) if self.file else "",
                f"line {self.line}" if self.line else "",
                f"field {self.field}" if self.field else "",
            )
            if part
        )
        return f"{where + ': ' if where else ''}{self.cause} {self.way_out}"
