"""The readers against slow ones that are plainly right, and inputs that a fuzzer found them wrong on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.landing.fuzz.checks import CHUNKS, check_array, check_csv, check_lines

if TYPE_CHECKING:
    from pathlib import Path

PIECES = (
    b"\n", b"\r", b" ", b"\t", b'"', b'""', b",", b";", b"a", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b"\0", b"{",
    b"}", b"[",
    b"]", b"\\", b"1", b":", b'"a":', b'{"a":1}', b"x" * 20, b" " * 20,
)  # fmt: skip
BYTES = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)
FUZZ = settings(max_examples=150, deadline=None)


@FUZZ
@given(content=BYTES, chunk=st.sampled_from(CHUNKS))
def test_lines(tmp_path_factory: pytest.TempPathFactory, content: bytes, chunk: int) -> None:
    check_lines(tmp_path_factory.getbasetemp(), content, chunk)


@FUZZ
@given(content=BYTES, chunk=st.sampled_from(CHUNKS))
def test_array(content: bytes, chunk: int) -> None:
    check_array(b"[" + content, chunk)


@FUZZ
@given(content=BYTES, chunk=st.sampled_from(CHUNKS))
def test_csv(tmp_path_factory: pytest.TempPathFactory, content: bytes, chunk: int) -> None:
    check_csv(tmp_path_factory.getbasetemp(), b"a,b\n" + content, chunk)


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "content",
    [
        b"\n\na\n\n1\n",
        b'\n{a": 5}":("\n{a":',
        b'a,b\n"\n',
        b'a,b\n""\n"',
        b'a,b\n1,"""\n"\n',
        b'a\n"x',
        b"",
        b"\n",
        b'a,b\n1,x"y"\n"',
    ],
)
def test_csv_that_was_got_wrong(tmp_path: Path, content: bytes, chunk: int) -> None:
    check_csv(tmp_path, content, chunk)
