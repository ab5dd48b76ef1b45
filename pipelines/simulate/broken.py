"""Spoils a few lines of logs already written, as crashes and bugs do: cut, negative, undated.

Whole lines belong in `delivery.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator

    from pipelines.simulate.delivery import LogFormat

BROKEN_KINDS = ("truncated", "negative_tokens", "missing_timestamp")


def break_lines(
    rng: Generator, folder: Path, files: list[str], log_format: LogFormat, *, each: int
) -> dict[str, dict[str, int]]:
    """Puts `each` broken lines of every kind into plain files: counts by file and kind.

    A broken line is a changed copy of a whole one under an id of its own, so it replaces nothing.
    """
    plain = [f for f in files if f.endswith(".jsonl") and not f.startswith(("batch-", "late-"))]
    put: dict[str, dict[str, int]] = {}
    if not plain:
        return put
    for ordinal in range(each * len(BROKEN_KINDS)):
        kind = BROKEN_KINDS[ordinal % len(BROKEN_KINDS)]
        file = plain[int(rng.integers(len(plain)))]
        lines = (folder / file).read_bytes().splitlines(keepends=True)
        at = int(rng.integers(len(lines)))
        whole = next((r for line in lines[at:] + lines[:at] if (r := _successful(line))), None)
        if whole is None:
            continue
        lines.insert(at, (_broken(whole, kind, log_format, f"broken-{ordinal}") + "\n").encode())
        (folder / file).write_bytes(b"".join(lines))
        put.setdefault(file, dict.fromkeys(BROKEN_KINDS, 0))[kind] += 1
    return put


def _successful(line: bytes) -> dict[str, Any] | None:
    """The record of a line that is whole, not one of ours, and of a call that was answered."""
    if b"broken-" in line:
        return None
    record: dict[str, Any] = json.loads(line)
    status = record.get("status_code", record.get("status"))
    return record if status in {200, "success"} else None


def _broken(record: dict[str, Any], kind: str, log_format: LogFormat, new_id: str) -> str:
    id_field, times, tokens = {
        "canonical": ("event_id", ("occurred_at",), ("output_tokens", "raw_output_tokens")),
        "litellm": ("request_id", ("startTime", "endTime"), ("completion_tokens",)),
        "openai": ("id", ("created",), ("completion_tokens",)),
    }[log_format]
    record[id_field] = new_id
    if kind == "missing_timestamp":
        for field in times:
            del record[field]
    if kind == "negative_tokens":
        usage = record.get("metadata", {}).get("usage_object") or record.get("usage")
        for holder in (record, usage or {}):
            for field in tokens:
                if field in holder:
                    holder[field] = -17
    text = json.dumps(record, separators=(",", ":"))
    return text[: len(text) // 2] if kind == "truncated" else text
