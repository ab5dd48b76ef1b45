"""Replays recorded customers (ServeGen traces) as organisations, thinned, in canonical form.

Counts per ten minutes, token quantiles and token means per six hours are observed; the moment
within the ten minutes and the tokens of one request are drawn from them. Nothing else is made up:
no key, user or network. Invented customers belong in `population.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.simulate.traffic import DAY_US, SECOND, SLOT_US
from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

# The traces name their models by size only: stand-ins, so that a price exists.
STAND_INS = {"m-mid": "gpt-4o-2024-08-06", "m-small": "gpt-4o-mini"}
KNOTS = np.array([0.0, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0])
_QUANTILES = '"min", p01, p05, p10, p25, p50, p75, p90, p95, p99, "max"'


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was written: sums over all files, and requests by organisation and by UTC day."""

    requests: int
    input_tokens: int
    output_tokens: int
    organizations: dict[str, int]
    days: dict[str, int]


def replay_servegen(
    traces: Path,
    landing_folder: Path,
    *,
    clients: int = 40,
    thin: int = 20_000,
    seed: int = 7,
    start: date = date(2024, 9, 16),
) -> Replayed:
    """Writes one canonical file a day for the `clients` largest customers with 14 days of traffic.

    Of each ten minutes' requests one in `thin` is kept (binomial). `traces` holds
    client_rate_10min.parquet and client_tokens_6h.parquet; customers without token rows are left
    out. Time zero of the traces is midnight UTC of `start`.
    """
    rng = np.random.default_rng(seed)
    midnight = datetime.combine(start, time(), UTC)
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        buckets = _buckets(connection, traces, clients)
        kept = rng.binomial(buckets["requests"], 1 / thin)
        bucket = np.repeat(np.arange(len(kept)), kept)
        ended = buckets["t"][bucket] * SECOND + rng.integers(0, SLOT_US // 1000, len(bucket)) * 1000
        order = np.lexsort((bucket, ended))
        bucket, ended = bucket[order], ended[order]
        drawn = {
            "ordinal": np.arange(len(bucket)),
            "bucket": bucket,
            "ended_us": ended,
            "day": ended // DAY_US,
            "input_tokens": _lengths(rng, buckets["input_knots"], bucket),
            "output_tokens": _lengths(rng, buckets["output_knots"], bucket),
        }
        connection.register("drawn", pa.table(drawn))
        _write(connection, landing_folder, midnight)
    names, per_name = np.unique(buckets["organization"][bucket], return_counts=True)
    days, per_day = np.unique(drawn["day"], return_counts=True)
    return Replayed(
        requests=len(bucket),
        input_tokens=int(drawn["input_tokens"].sum()),
        output_tokens=int(drawn["output_tokens"].sum()),
        organizations={str(n): int(c) for n, c in zip(names, per_name, strict=True)},
        days={(start + timedelta(days=int(d))).isoformat(): int(c) for d, c in zip(days, per_day, strict=True)},
    )


def _buckets(connection: duckdb.DuckDBPyConnection, traces: Path, clients: int) -> dict[str, NDArray[Any]]:
    """Ten-minute buckets of the chosen customers with the quantiles of the nearest window.

    Also leaves the temp table `bucket` (bucket, organization, stand_in), numbered alike.
    """
    rates = literal(traces / "client_rate_10min.parquet")
    tokens = literal(traces / "client_tokens_6h.parquet")
    stand_in = "case model " + " ".join(f"when {literal(k)} then {literal(v)}" for k, v in STAND_INS.items())
    connection.execute(f"""
        create temp table bucket as
        with lengths as (
            select model, client, field, window_start, [{_QUANTILES}, mean] as knots
            from {tokens} where field in ('input_tokens', 'output_tokens')
        ),
        chosen as (
            select model, client
            from {rates} join (
                select model, client from lengths group by all having count(distinct field) = 2
            ) using (model, client)
            where model in ({", ".join(map(literal, STAND_INS))})
            group by model, client
            order by sum(requests) desc, model, client
            limit {int(clients)}
        ),
        nearest as (
            select
                model, client, t, any_value(requests) as requests,
                arg_min(knots, away) filter (field = 'input_tokens') as input_knots,
                arg_min(knots, away) filter (field = 'output_tokens') as output_knots
            from (
                select *, abs(window_start + 10_800 - t) as away
                from {rates} join chosen using (model, client) join lengths using (model, client)
            )
            group by model, client, t
        )
        select
            row_number() over (order by model, client, t) - 1 as bucket,
            'servegen-' || model || '-' || client as organization,
            {stand_in} end as stand_in,
            t::bigint as t, requests::bigint as requests, input_knots, output_knots
        from nearest
    """)
    columns = connection.sql("from bucket order by bucket").to_arrow_table()
    plain = {n: columns[n].to_numpy() for n in ("organization", "t", "requests")}
    knots = {n: np.array(columns[n].to_pylist(), dtype=np.float64) for n in ("input_knots", "output_knots")}
    return plain | knots


def _lengths(rng: Generator, knots: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole lengths (at least 1) by the inverse of each row's distribution.

    A row is its quantiles at KNOTS, then its mean. Linear between quantiles up to the 99th; the
    last hundredth rises to the maximum as a power, chosen so that the recorded mean is kept where
    that is possible.
    """
    values, mean = np.maximum.accumulate(knots[:, :-1], axis=1), knots[:, -1]
    body = ((values[:, :-2] + values[:, 1:-1]) / 2 * np.diff(KNOTS[:-1])).sum(axis=1)
    last = 1 - KNOTS[-2]
    span = np.maximum(values[:, -1] - values[:, -2], 1e-9)
    excess = np.clip((mean - body) / last - values[:, -2], span / 50, span / 2)
    power = span / excess - 1
    u = rng.random(len(row))
    left = np.clip(np.searchsorted(KNOTS, u, side="right") - 1, 0, len(KNOTS) - 2)
    share = (u - KNOTS[left]) / (KNOTS[left + 1] - KNOTS[left])
    share = np.where(left == len(KNOTS) - 2, share ** power[row], share)
    length = values[row, left] + share * (values[row, left + 1] - values[row, left])
    return np.asarray(np.maximum(np.rint(length), 1), dtype=np.int64)


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, midnight: datetime) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    start = literal(midnight.strftime("%Y-%m-%d %H:%M:%S"))
    for (day,) in connection.execute("select distinct day from drawn order by day").fetchall():
        name = f"{(midnight + timedelta(days=day)).date().isoformat()}.jsonl"
        connection.execute(f"""
            copy (
                select
                    'servegen-' || ordinal as event_id,
                    strftime(timestamp {start} + to_microseconds(ended_us), '%Y-%m-%dT%H:%M:%S.%fZ')
                        as occurred_at,
                    organization as organization_id,
                    'recorded' as product_id,
                    'openai' as provider,
                    stand_in as model,
                    'chat' as operation,
                    input_tokens,
                    output_tokens,
                    200 as status
                from drawn join bucket using (bucket)
                where day = {int(day)}
                order by ordinal
            ) to {literal(folder / name)} (format json)
        """)
