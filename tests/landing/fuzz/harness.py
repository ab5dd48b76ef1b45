"""Coverage-guided fuzzing with atheris: `make fuzz` runs every target for some minutes, this one alone for ten:

    .venv-fuzz/bin/python -m tests.landing.fuzz.harness csv -max_total_time=600

Targets `lines`, `array` and `csv` hold the readers against slow ones; `land` takes the bytes through the whole landing
step. libFuzzer's options and corpus folders may follow. A crash prints its bytes: they become a test in
`test_readers.py` or `test_limits.py`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipelines.landing"]):
    from tests.landing.fuzz.checks import check_array, check_csv, check_home, check_lines

from tests.landing.fuzz.mutations import ODD_LINES
from tests.landing.golden import FORMATS, samples

# A byte of the input chooses the size of a chunk, and for `land` the file's type and format.
_SIZES = (1, 2, 3, 7, 64, 8 << 20)
_TYPES = ("jsonl", "json", "csv", "parquet", "jsonl.gz", "csv.zst")


def _seeds(folder: Path) -> None:
    """The beginnings of the golden samples, as a corpus."""
    for log_format in FORMATS:
        for number, sample in enumerate(samples(log_format)):
            content = b"\n".join(sample.read_bytes().splitlines()[:3])
            kind = _TYPES.index(sample.suffix[1:])
            head = bytes([5, kind, FORMATS.index(log_format)])
            (folder / f"{log_format}-{number}").write_bytes(head + content)
    for number, line in enumerate(ODD_LINES):
        (folder / f"odd-{number}").write_bytes(bytes([3, 0, 0]) + line)


def main() -> None:
    """Fuzz the target that the first argument names."""
    target, *options = sys.argv[1:]
    scratch = Path(tempfile.mkdtemp(prefix="meterhouse-fuzz-"))
    corpus = scratch / "corpus"
    corpus.mkdir()
    _seeds(corpus)

    def one(data: bytes) -> None:
        if len(data) < 3:
            return
        size, kind, log_format, content = _SIZES[data[0] % len(_SIZES)], data[1], data[2], data[3:]
        if target == "lines":
            check_lines(scratch, content, size)
        elif target == "array":
            check_array(b"[" + content, size)
        elif target == "csv":
            check_csv(scratch, content, size)
        else:
            name = FORMATS[log_format % len(FORMATS)]
            check_home(scratch, content, f"a.{_TYPES[kind % len(_TYPES)]}", name if name != "mapped" else "canonical")

    # atheris leaks some hundred bytes a step of traced code: half a MiB an array that is read byte by byte.
    atheris.Setup([sys.argv[0], "-max_len=4096", "-rss_limit_mb=8192", *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
