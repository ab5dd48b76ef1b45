"""Counts the moments at which a run changes what is on disk, and ends the process at one of them.

Only a child that is meant to die imports this: it changes functions of `os` and DuckDB for the whole process.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = ("replace", "rename", "unlink", "remove", "rmdir", "mkdir", "symlink", "link", "fsync")
_WRITES = os.O_WRONLY | os.O_RDWR


class Points:
    """Numbers the moments from 1: before and after each call of `os` or DuckDB, before a file is opened to write.

    At moment `last` the run dies as the system would end it: nothing is flushed, closed or given back. With `in_dbt`
    the moments are those of dbt, which is a fork of the run, and the run dies with it. `dbt_names` is the file to which
    dbt tells its moments.
    """

    def __init__(self, root: Path, dbt_names: Path, last: int | None = None, *, in_dbt: bool = False) -> None:
        self.names: list[str] = []
        self.dbt_names = dbt_names
        self._root, self._last, self._in_dbt, self._is_dbt = str(root), last, in_dbt, False

    def install(self) -> None:
        """Watch this process from now on."""
        for name in _CALLS:
            setattr(os, name, self._around(f"os.{name}", getattr(os, name)))
        for name in ("execute", "close"):
            whole = getattr(duckdb.DuckDBPyConnection, name)
            setattr(duckdb.DuckDBPyConnection, name, self._around(f"duckdb.{name}", whole))
        sys.addaudithook(self._audit)
        os.register_at_fork(after_in_child=self._enter_dbt)

    def _enter_dbt(self) -> None:
        self.names, self._is_dbt = [], True

    def _around(self, name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            told = self._told(name, args)
            self._pass(f"before {told}")
            result = whole(*args, **kwargs)
            self._pass(f"after {told}")
            return result

        return watched

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(args[2], int) and args[2] & _WRITES
        if (opened and str(args[0]).startswith(self._root)) or event == "subprocess.Popen":
            self._pass(f"before {event} {str(args[0]).removeprefix(self._root)}")

    def _told(self, name: str, args: tuple[Any, ...]) -> str:
        words = [" ".join(str(a).removeprefix(self._root).split())[:70] for a in args if isinstance(a, str | Path)]
        return " ".join([name, *words])

    def _pass(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self._last and self._is_dbt == self._in_dbt:
            os.killpg(0, signal.SIGKILL)
