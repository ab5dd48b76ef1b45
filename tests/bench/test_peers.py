"""What peers are given, and what is said of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb

from tests.bench import peers, rating
from tests.bench.sample import sample

if TYPE_CHECKING:
    from pathlib import Path


def test_sample_is_of_the_benchmarks_own_requests(tmp_path: Path) -> None:
    rating.make(tmp_path, 4_000)
    for name in ("a", "b"):
        sample(tmp_path / "events", tmp_path / name, 2_000)
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()
    rows = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert len(rows) == 2_000
    assert {(r["provider"], r["model"], r["service_tier"]) for r in rows} == {m[:3] for m in rating.MODELS}
    failed = [r for r in rows if r["status"] == 429]
    assert failed
    assert {r["input_tokens"] + r["output_tokens"] for r in failed} == {0}
    assert len({r["occurred_at"][:10] for r in rows}) == 60
    with duckdb.connect() as con:
        known = con.execute(f"""
            select provider, model, service_tier, occurred_at, raw_input_tokens, cached_input_tokens, output_tokens
            from '{tmp_path}/events/*/*.parquet'""").fetchall()
    asked = {
        (r.provider, r.model, r.service_tier, r.at.replace(tzinfo=None), r.input_tokens, r.cached_input_tokens,
         r.output_tokens)
        for r in peers.read(tmp_path / "a")
    }  # fmt: skip
    assert asked <= set(known)


def request(model: str, tier: str = "standard", output_tokens: int = 5) -> peers.Request:
    row = {
        "provider": "openai", "model": model, "service_tier": tier, "occurred_at": "2024-10-01 00:00:00",
        "input_tokens": 10, "cached_input_tokens": 0, "output_tokens": output_tokens,
    }  # fmt: skip
    return peers._request(row)


def test_what_a_peer_cannot_price_is_counted() -> None:
    work = [
        request("a"), request("error"), request("none"), request("a", "batch"), request("half", "batch"),
        request("a", "batch", output_tokens=0),
    ]  # fmt: skip

    def price(r: peers.Request) -> Decimal | None:
        if r.model == "error":
            raise LookupError(r.model)
        if r.model == "none":
            return None
        return r.output_tokens * Decimal("0.5" if r.model == "half" and r.service_tier == "batch" else 1)

    found = peers.measured(price, work)
    assert (found.requests, found.unpriced, found.batch_as_standard) == (6, 2, 1)
    assert str(found).endswith("33.3 % unpriced, 16.7 % in a batch at the standard price")
