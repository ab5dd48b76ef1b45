"""Small simulated homes, and a reader of their logs that shares no code with the project."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipelines.home import Home
from pipelines.simulate.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.simulate.truth import Truth

FORMATS = ("canonical", "litellm", "openai")
SMALL = {"days": 20, "organizations": 60, "requests": 3_000, "seed": 11}


def _lines(path: Path) -> Iterator[str]:
    if path.suffix == ".gz":
        data = gzip.decompress(path.read_bytes())
    elif path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as stream:
            data = stream.read()
    else:
        data = path.read_bytes()
    yield from data.decode().splitlines()


def _plain(record: dict[str, Any], log_format: str) -> dict[str, Any]:
    """The few fields all formats have, under common names; raises KeyError where one is missing."""
    if log_format == "canonical":
        return {
            "id": record["event_id"],
            "day": record["occurred_at"][:10],
            "organization": record["organization_id"],
            "product": record["product_id"],
            "key": record["api_key_id"],
            "model": record["model"],
            "batch": record["service_tier"] == "batch",
            "ok": record["status"] == 200,
            "tokens": (
                record["input_tokens"],
                record["cached_input_tokens"],
                record["output_tokens"],
            ),
        }
    if log_format == "litellm":
        usage = record["metadata"]["usage_object"] or {"prompt_tokens_details": {}}
        cached = usage["prompt_tokens_details"].get("cached_tokens", 0)
        return {
            "id": record["request_id"],
            "day": record["endTime"][:10],
            "organization": record["organization_id"],
            "product": record["metadata"]["user_api_key_project_id"],
            "key": record["api_key"],
            "model": record["model"],
            "batch": record["metadata"]["cost_breakdown"]["service_tier"] == "batch",
            "ok": record["status"] == "success",
            "tokens": (record["prompt_tokens"] - cached, cached, record["completion_tokens"]),
        }
    return _plain_openai(record)


def _plain_openai(record: dict[str, Any]) -> dict[str, Any]:
    batch = "custom_id" in record
    body = record["response"]["body"] if batch else record
    whose = body["metadata"] if batch else record
    usage = body["usage"] or {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "prompt_tokens_details": {},
    }
    cached = usage["prompt_tokens_details"].get("cached_tokens", 0)
    return {
        "id": body["id"],
        "day": datetime.fromtimestamp(body["created"], UTC).date().isoformat(),
        "organization": whose["organization"],
        "product": whose["project"],
        "key": whose["api_key_id"],
        "model": body["model"],
        "batch": batch,
        "ok": (record["response"] if batch else record)["status_code"] == 200,
        "tokens": (usage["prompt_tokens"] - cached, cached, usage["completion_tokens"]),
    }


Reading = tuple[list[dict[str, Any]], dict[str, int]]


@pytest.fixture(scope="session")
def read() -> Callable[[Path, str], Reading]:
    """Whole records of a folder (duplicates included), and how many lines are broken and how."""

    def reader(folder: Path, log_format: str) -> Reading:
        whole: list[dict[str, Any]] = []
        broken = {"truncated": 0, "negative_tokens": 0, "missing_timestamp": 0}
        for path in sorted(folder.iterdir()):
            for line in _lines(path):
                try:
                    plain = _plain(json.loads(line), log_format)
                except json.JSONDecodeError:
                    broken["truncated"] += 1
                except KeyError:
                    broken["missing_timestamp"] += 1
                else:
                    if min(plain["tokens"]) < 0:
                        broken["negative_tokens"] += 1
                    else:
                        whole.append(plain)
        return whole, broken

    return reader


@pytest.fixture(scope="session", params=FORMATS)
def simulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Truth]:
    """A small home in each format."""
    home = Home(tmp_path_factory.mktemp(request.param))
    return home, simulate(home, **SMALL, log_format=request.param)


@pytest.fixture(scope="session")
def larger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Truth]:
    """200 organisations over 30 days, enough requests to see shapes."""
    home = Home(tmp_path_factory.mktemp("larger"))
    return home, simulate(home, days=30, organizations=200, requests=40_000, seed=7)
