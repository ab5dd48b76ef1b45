"""A warm process that forks a child for every line of JSON on its input, and kills it if it is told to.

Forking from here, where no thread runs, is quick and safe; forking from pytest would be neither.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from pipelines.machine import machine_error
from tests.crash import deliveries
from tests.crash.actions import act
from tests.crash.points import Points


def serve() -> None:
    """Take in one delivery, so that children find loaded what is loaded once; then answer each order with one line.

    An order has action, home, at, point, in_dbt, delay, alone, count, log and told (the file for the child's answer).
    """
    with tempfile.TemporaryDirectory() as folder:
        act("land", str(deliveries.make(Path(folder) / "home").root), deliveries.FIRST_AT)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_obey(json.loads(line))) + "\n")
        sys.stdout.flush()


def _obey(order: dict[str, Any]) -> dict[str, Any]:
    told, dbt_told = Path(order["told"]), Path(order["told"] + ".dbt")
    for file in (told, dbt_told):
        file.unlink(missing_ok=True)
    began = time.monotonic()
    child = os.fork()
    if not child:
        _be_the_run(order, told, dbt_told)
    status = _wait(child, order["delay"])
    if not order["alone"]:
        # What the run started dies with it, as when the machine does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    answer = json.loads(told.read_text()) if told.exists() else {"error": None, "points": []}
    in_dbt = json.loads(dbt_told.read_text()) if dbt_told.exists() else []
    return {"killed": os.WIFSIGNALED(status), "seconds": time.monotonic() - began, "dbt_points": in_dbt, **answer}


def _be_the_run(order: dict[str, Any], told: Path, dbt_told: Path) -> None:
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    points, error = None, None
    try:
        if order["point"] or order["count"]:
            points = Points(Path(order["home"]), dbt_told, order["point"], in_dbt=order["in_dbt"])
            points.install()
        act(order["action"], order["home"], order["at"], points)
    except BaseException as caught:  # noqa: BLE001 - it is told to the test
        # As the command line tells it.
        shown = machine_error(caught) or caught
        error = f"{type(shown).__name__}: {shown}"
        traceback.print_exc()
    told.write_text(json.dumps({"points": list(points.names) if points else [], "error": error}))
    os._exit(0)


def _wait(child: int, delay: float | None) -> int:
    """Exit status of the child; after `delay` seconds it is killed."""
    until = None if delay is None else time.monotonic() + delay
    while True:
        done, status = os.waitpid(child, os.WNOHANG if until else 0)
        if done:
            return status
        if until and time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            until = None
        else:
            time.sleep(0.002)


if __name__ == "__main__":
    serve()
