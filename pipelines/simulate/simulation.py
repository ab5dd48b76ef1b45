"""Writes a demo home: logs, settings, cost card, salt and the truth about them.

This module says in which order; what is drawn, written and counted belongs in its neighbours.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import numpy as np

from pipelines.errors import MeterhouseError
from pipelines.settings import load_settings
from pipelines.simulate.broken import BROKEN_KINDS, break_lines
from pipelines.simulate.catalogue import COST_CARD, CURRENCY
from pipelines.simulate.delivery import (
    LogFormat,
    add_requests,
    create_dimensions,
    hold_back,
    redeliver,
    write_logs,
)
from pipelines.simulate.outcome import plots
from pipelines.simulate.plotting import newcomers, plant
from pipelines.simulate.population import everyday, settle
from pipelines.simulate.prices import load_book, price_book_path, write_cost_card
from pipelines.simulate.streams import Codes
from pipelines.simulate.traffic import Crowd, allocate, draw_day
from pipelines.simulate.truth import (
    COUNTS,
    Truth,
    daily_rows,
    money,
    summed,
    unknown_model,
    write_truth,
)
from pipelines.warehouse import connect

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.home import Home

START = date(2024, 9, 16)
SOURCE = "gateway"
_CONFIG = """\
# Written by `meterhouse simulate`. The salt of this home follows from the seed, so its pseudonyms can be
# undone: land real logs in a home of their own.
reporting_currency = "USD"

[site]
title = "Meterhouse demo"
demo = true

[pricing]
revenue_card = "list"
cost_card = "{cost_card}"

[[sources]]
name = "{source}"
format = "{log_format}"
"""


def simulate(
    home: Home,
    *,
    days: int = 30,
    organizations: int = 200,
    requests: int = 1_000_000,
    seed: int = 7,
    log_format: LogFormat = "canonical",
    start: date = START,
    campaigns: bool = True,
    hostile_names: bool = False,
    source: str = SOURCE,
) -> Truth:
    """Writes `requests` distinct requests of `days` UTC days, and duplicates and broken lines too.

    The same arguments give the same bytes, and the same events in each format. Raises
    MeterhouseError when the source's folder already holds files, when the home is not a demo home,
    and when it does not say so but holds other logs, events or a salt.
    """
    folder = home.landing / source
    if folder.exists() and any(folder.iterdir()):
        raise MeterhouseError(
            "this folder already holds logs.",
            file=folder,
            way_out="Choose another --home, or empty that folder first.",
        )
    _refuse_real_data(home, folder)
    book = load_book(price_book_path())
    card = home.prices / f"{COST_CARD.replace('-', '_')}.csv"
    write_cost_card(book, card)
    book += load_book(card)
    midnight = datetime.combine(start, time(), UTC)
    rng = np.random.default_rng(seed)

    codes = Codes()
    numbers = [int(n) for n in rng.permutation(organizations) + 1]
    settled = organizations - newcomers(organizations, days=days, campaigns=campaigns)
    people = settle(rng, codes, numbers[:settled], days=days, hostile_names=hostile_names)
    usual = everyday(rng, codes, people, days=days)
    planted = plant(rng, codes, people, usual, numbers[settled:], days=days, campaigns=campaigns)
    crowd = Crowd([*usual, *planted.streams], midnight)
    counts = allocate(rng, crowd, days=days, requests=requests, budgets=planted.budgets)

    with connect(home, in_memory=True) as connection:
        connection.execute("set preserve_insertion_order = true")
        late = 0
        for day, first_id in enumerate(np.cumsum(counts.sum(axis=0)) - counts.sum(axis=0)):
            rows = draw_day(rng, crowd, day, counts[:, day], int(first_id))
            rows, late_today = redeliver(rng, rows, day, days - 1)
            hold_back(rows, day, days - 1)
            late += late_today
            add_requests(connection, rows)
        create_dimensions(connection, crowd, book, seed=seed, days=days)
        written = write_logs(connection, folder, midnight, days, log_format)
        each = max(1, min(5, requests // 50_000))
        broken = break_lines(rng, folder, list(written), log_format, each=each)
        daily = daily_rows(connection, crowd, book, days)
        by_kind = {k: sum(b[k] for b in broken.values()) for k in BROKEN_KINDS}
        truth = Truth(
            arguments={
                "days": days,
                "organizations": organizations,
                "requests": requests,
                "seed": seed,
                "format": log_format,
                "start": start.isoformat(),
                "campaigns": campaigns,
                "hostile_names": hostile_names,
            },
            source=source,
            currency=CURRENCY,
            records_written=sum(written.values()) + sum(by_kind.values()),
            distinct_events=requests,
            duplicates=_duplicates(connection),
            late_events=late,
            broken_lines={"total": sum(by_kind.values())} | by_kind,
            files={
                f: {
                    "records": n + sum(broken.get(f, {}).values()),
                    "broken": sum(broken.get(f, {}).values()),
                }
                for f, n in sorted(written.items())
            },
            totals={name: sum(getattr(r, name) for r in daily) for name in COUNTS},
            unknown_model=unknown_model(daily),
            money=money(daily),
            organizations=summed(daily, "organization_id"),
            days=summed(daily, "usage_date"),
            models=summed(daily, "model"),
            campaigns=plots(connection, crowd, planted.campaigns, seed),
            look_alikes=plots(connection, crowd, planted.look_alikes, seed),
        )
    write_truth(truth, daily, home.root / "truth")
    _settle_home(home, seed=seed, source=source, log_format=log_format)
    return truth


def _refuse_real_data(home: Home, folder: Path) -> None:
    """Raise unless the home says that it is a demo, or holds nothing yet that could be real."""
    cause, field = "simulated logs must not mix with real ones, and this home", None
    found = home.config
    if home.config.exists():
        if load_settings(home).site.demo:
            return
        cause, field = f"{cause} is not marked as demo data.", "site.demo"
    else:
        others = (p for p in home.landing.glob("*") if p != folder and not p.name.startswith("."))
        kept = (p for part in (home.events, home.quarantine) for p in part.rglob("*") if p.is_file())
        used = sorted([*others, *kept, *(p for p in [home.salt_file] if p.exists())])
        if not used:
            return
        found = used[0]
        cause = f"{cause} is in use, without a meterhouse.toml that marks it as demo data."
    raise MeterhouseError(cause, file=found, field=field, way_out="Choose a --home of its own for simulated logs.")


def _duplicates(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("select count(*) from requests where copy > 0").fetchone()
    return int(row[0]) if row else 0


def _settle_home(home: Home, *, seed: int, source: str, log_format: str) -> None:
    """Settings and salt, where the home has none yet."""
    if not home.config.exists():
        home.config.write_text(
            _CONFIG.format(cost_card=COST_CARD, source=source, log_format=log_format),
            encoding="utf-8",
        )
    if not home.salt_file.exists():
        salt = hashlib.sha256(f"meterhouse demo {seed}".encode()).hexdigest()
        home.salt_file.write_text(salt + "\n", encoding="utf-8")
        home.salt_file.chmod(0o600)
