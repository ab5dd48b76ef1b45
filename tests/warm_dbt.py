"""dbt that starts at once: a process that has loaded it forks itself for each call, instead of a second of loading.

`WarmDbt.executable` stands for dbt's own: a program that hands its arguments, environment, folder and output to that
process, ends with dbt's exit code, and takes dbt with it when it is killed. What dbt does is all its own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

_CALL = """#!{python} -SE
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
call = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(server, [len(call).to_bytes(8, "big")], [1, 2])
server.sendall(call)
sys.exit(server.recv(1)[0])
"""


class WarmDbt:
    """The process and the program that calls it; close it at the end."""

    def __init__(self) -> None:
        # A short name: that of a socket may have a hundred characters.
        self._folder = tempfile.TemporaryDirectory(prefix="dbt-")
        address = str(Path(self._folder.name) / "socket")
        self.executable = Path(self._folder.name) / "dbt"
        self.executable.write_text(_CALL.format(python=sys.executable, address=address), encoding="utf-8")
        self.executable.chmod(0o755)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_dbt", address],
            cwd=Path(__file__).parents[1], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()


def serve(address: str) -> None:
    """Answer calls one after the other until the input ends."""
    import dbt.cli.main  # noqa: F401 - loaded before the forks

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            found, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in found:
                return
            call, _ = listener.accept()
            with call:
                _answer(call)


def _answer(call: socket.socket) -> None:
    head, outputs, _, _ = socket.recv_fds(call, 8, 2)
    rest, text = int.from_bytes(head, "big"), b""
    while len(text) < rest:
        text += call.recv(rest - len(text))
    child = os.fork()
    if not child:
        _be_dbt(outputs, *json.loads(text))
    for number in outputs:
        os.close(number)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        # The caller says no more: what can be read of it is its end.
        if select.select([call], [], [], 0.01)[0]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
    call.send(bytes([os.waitstatus_to_exitcode(ended[1]) % 256]))


def _be_dbt(outputs: list[int], arguments: list[str], environment: dict[str, str], folder: str) -> None:
    from dbt.cli.main import cli

    for number, standard in zip(outputs, (1, 2), strict=True):
        os.dup2(number, standard)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["dbt", *arguments]
    code: object = 1
    try:
        cli()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - told as an interpreter would
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    serve(sys.argv[1])
