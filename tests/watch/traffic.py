"""Activity tables for the watch's tests: from ten-minute cells, and a small seeded population.

Everything here is written without the project's SQL, so that a test compares two ways of computing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tests.watch.tables import make_tables

if TYPE_CHECKING:
    import duckdb

START = date(2024, 3, 4)
SLOTS = 144


@dataclass
class Population:
    """Requests, input and output tokens by organisation, and ten-minute slot of the whole period."""

    days: int
    seed: int = 1
    ids: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    requests: list[np.ndarray] = field(default_factory=list)
    inputs: list[np.ndarray] = field(default_factory=list)
    outputs: list[np.ndarray] = field(default_factory=list)
    networks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def add(self, kind: str, model: str = "m-1") -> int:
        """An organisation without traffic; returns its number."""
        name = f"org-{len(self.ids):04d}"
        self.ids.append(name)
        self.models.append(model)
        self.kinds[name] = kind
        for table in (self.requests, self.inputs, self.outputs):
            table.append(np.zeros(self.days * SLOTS, dtype=np.int64))
        return len(self.ids) - 1

    def serve(self, number: int, day: int, counts: np.ndarray, tokens_in: float, tokens_out: float) -> None:
        """Add requests to one day, with token lengths spread exponentially about their means."""
        place = slice(day * SLOTS, (day + 1) * SLOTS)
        self.requests[number][place] += counts
        busy = counts > 0
        for table, mean in ((self.inputs, tokens_in), (self.outputs, tokens_out)):
            drawn = np.zeros(SLOTS)
            drawn[busy] = self.rng.gamma(counts[busy], mean)
            table[number][place] += np.round(drawn).astype(np.int64)

    def customers(self, many: int) -> None:
        """Settled customers with office hours, heavy-tailed sizes, own lengths, and noisy days."""
        for _ in range(many):
            number = self.add("benign", "m-1" if self.rng.random() < 0.6 else "m-2")
            size = 10 ** self.rng.uniform(1.5, 4)
            tokens_in, tokens_out = 10 ** self.rng.uniform(2, 3.3), 10 ** self.rng.uniform(1.5, 2.6)
            curve = office(self.rng.uniform(0, SLOTS))
            first = 0 if self.rng.random() < 0.85 else int(self.rng.integers(7, self.days))
            for day in range(first, self.days):
                amount = size * self.rng.lognormal(0, 0.4)
                wobble = self.rng.lognormal(0, 0.1)
                counts = self.rng.poisson(curve * amount)
                self.serve(number, day, counts, tokens_in, tokens_out * wobble)

    def tables(self, connection: duckdb.DuckDBPyConnection, *, shuffle: int | None = None) -> None:
        """Write marts.activity_daily and marts.activity_10min."""
        requests = np.array(self.requests).reshape(len(self.ids), self.days * SLOTS)
        number, place = np.nonzero(requests)
        ids = np.array(self.ids, dtype=object)
        networks = np.array([self.networks.get(name) for name in self.ids], dtype=object)
        dates = np.array([START + timedelta(days=day) for day in range(self.days)], dtype=object)
        cells = pd.DataFrame(
            {
                "organization_id": ids[number],
                "usage_date": dates[place // SLOTS],
                "slot": place % SLOTS,
                "requests": requests[number, place],
                "inputs": np.array(self.inputs).reshape(requests.shape)[number, place],
                "outputs": np.array(self.outputs).reshape(requests.shape)[number, place],
                "model": np.array(self.models, dtype=object)[number],
                "network": networks[number],
            }
        )
        write_tables(connection, cells, shuffle=shuffle)


def office(peak: float) -> np.ndarray:
    """Shares of a day's requests by slot, a hill about `peak`."""
    distance = np.abs((np.arange(SLOTS) - peak + SLOTS / 2) % SLOTS - SLOTS / 2)
    hill = np.exp(-0.5 * (distance / 22) ** 2) + 0.02
    return hill / hill.sum()


def flat() -> np.ndarray:
    """Shares of a day without rhythm."""
    return np.full(SLOTS, 1 / SLOTS)


def write_tables(connection: duckdb.DuckDBPyConnection, cells: pd.DataFrame, *, shuffle: int | None = None) -> None:
    """The two activity tables, from one row an organisation, day and ten-minute slot."""
    daily = pd.DataFrame(columns=DAILY)
    if len(cells):
        cells = cells.assign(hour=cells["slot"] // 6)
        key = ["usage_date", "organization_id"]
        hours = cells.groupby([*key, "hour"])["requests"].sum().reset_index()
        hours["share"] = hours["requests"] / hours.groupby(key)["requests"].transform("sum")
        hours["bits"] = -hours["share"] * np.log2(hours["share"])
        daily = cells.groupby(key).agg(
            requests=("requests", "sum"), input_tokens=("inputs", "sum"), output_tokens=("outputs", "sum"),
            active_10min=("slot", "size"), active_hours=("hour", "nunique"), dominant_model=("model", "first"),
            network=("network", "first"),
        ).reset_index()  # fmt: skip
        daily = daily.merge(hours.groupby(key)["bits"].sum().round(6).reset_index())
        daily["answers"] = daily["requests"]
        daily["answer_input_tokens"] = daily["input_tokens"]
        daily["hour_entropy"] = daily.pop("bits")
        names = daily.pop("network")
        daily["top_client_networks"] = [[n] if isinstance(n, str) else [] for n in names]
        for name in DAILY:
            if name not in daily:
                daily[name] = 0
        daily["top_templates"] = [[] for _ in range(len(daily))]
        daily["billing_currency"] = "USD"
        daily["revenue_amount"] = daily["output_tokens"] * 1e-5
        daily["usage_date"] = pd.to_datetime(daily["usage_date"])
    if shuffle is not None:
        daily, cells = (t.sample(frac=1, random_state=shuffle) for t in (daily, cells))
    connection.execute("create schema if not exists marts")
    columns = ", ".join(f"{name} {kind}" for name, kind in DAILY.items())
    connection.execute(f"create or replace table marts.activity_daily ({columns})")
    connection.execute(
        "create or replace table marts.activity_10min (usage_date date, organization_id varchar, slot smallint,"
        " requests bigint, output_tokens bigint)"
    )
    if len(cells):
        connection.register("daily_rows", daily[list(DAILY)])
        connection.execute("insert into marts.activity_daily select * from daily_rows")
        connection.register("cell_rows", cells)
        names = "usage_date, organization_id, slot, requests, outputs"
        connection.execute(f"insert into marts.activity_10min select {names} from cell_rows")
    _write_parts(connection, cells if len(cells) else None)


def _write_parts(connection: duckdb.DuckDBPyConnection, cells: pd.DataFrame | None) -> None:
    """Hours, slices by model and places (the account's network), with the columns of the models."""
    make_tables(connection, ("activity_hourly", "activity_slices_daily", "activity_places_hourly"))
    if cells is None:
        return
    day = "usage_date, organization_id"
    known = "sum(requests) as requests, sum(requests) as answers, sum(inputs) as input_tokens, 0 as failed"
    connection.execute(f"""
        insert into marts.activity_hourly by name
        select {day}, usage_date + to_hours(slot // 6) as usage_hour, {known}, sum(inputs) as answer_input_tokens,
            sum(outputs) as output_tokens, count(*) as active_10min
        from cell_rows group by all;
        insert into marts.activity_slices_daily by name
        select {day}, 'model' as slice, model as named, {known}, 0 as rate_limited, 0 as cached_input_tokens,
            sum(inputs) as answer_input_tokens, sum(outputs) as output_tokens, 0 as length_finishes,
            0 as multi_answer, 0 as logprobs_requests, 0 as cold_requests, 0 as prompts, 0 as prompt_requests,
            0 as end_users, 0 as templates, count(distinct slot // 6) as active_hours, count(*) as active_10min
        from cell_rows group by all;
        insert into marts.activity_places_hourly by name
        select {day}, usage_date + to_hours(slot // 6) as usage_hour, network as client_network, model,
            sum(requests) as requests, 0 as failed, sum(outputs) as output_tokens
        from cell_rows group by all""")


DAILY = {
    "usage_date": "date", "organization_id": "varchar", "requests": "bigint", "failed": "bigint",
    "rate_limited": "bigint", "answers": "bigint", "input_tokens": "bigint", "cached_input_tokens": "bigint",
    "answer_input_tokens": "bigint", "output_tokens": "bigint", "fine_tuned_output_tokens": "bigint",
    "length_finishes": "bigint", "multi_answer": "bigint", "logprobs_requests": "bigint", "hour_entropy": "double",
    "active_hours": "bigint", "active_10min": "bigint", "keys": "bigint", "end_users": "bigint", "prompts": "bigint",
    "prompt_requests": "bigint", "templates": "bigint", "template_requests": "bigint",
    "top_template_requests": "bigint", "client_networks": "bigint", "models": "bigint", "products": "bigint",
    "dominant_model": "varchar", "dominant_model_requests": "bigint", "dominant_product": "varchar",
    "top_templates": "varchar[]", "top_client_networks": "varchar[]", "billing_currency": "varchar",
    "revenue_amount": "decimal(38,18)",
}  # fmt: skip
