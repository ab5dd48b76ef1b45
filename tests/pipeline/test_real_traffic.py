"""The whole main job on recorded customers: fourteen days of real rhythm and lengths."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipelines.home import Home
from pipelines.run import run_all
from pipelines.settings import load_settings
from pipelines.simulate.replay import STAND_INS, replay_servegen
from tests.conftest import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_recorded_customers_are_metered_and_rated_exactly(traces: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    told = replay_servegen(traces / "servegen", home.landing / "replay", clients=40, thin=100_000, seed=7)
    summary = run_all(home, load_settings(home))
    assert summary.ingest.accepted == summary.requests == told.requests > 10_000
    assert summary.ingest.quarantined == summary.ingest.duplicates == 0
    ((tokens_in, tokens_out),) = ask(home, "select sum(input_tokens), sum(output_tokens) from published.usage_events")
    assert (tokens_in, tokens_out) == (told.input_tokens, told.output_tokens)
    by_name = dict(ask(home, "select organization_id, sum(requests) from published.spend_daily group by all"))
    assert by_name == told.organizations
    by_day = dict(
        ask(
            home,
            "select charge_date::varchar, sum(requests) from published.spend_daily group by all",
        )
    )
    assert by_day == told.days
    assert len(by_day) == 14
    # Rates of the two stand-ins on all fourteen days, USD per million tokens.
    prices = {
        "gpt-4o-2024-08-06": (Decimal("2.50"), Decimal("10.00")),
        "gpt-4o-mini": (Decimal("0.15"), Decimal("0.60")),
    }
    assert set(prices) == set(STAND_INS.values())
    due = sum(
        (prices[model][0] * tin + prices[model][1] * tout) / 1_000_000
        for model, tin, tout in ask(
            home,
            "select model, sum(input_tokens), sum(output_tokens) from published.usage_events group by all",
        )
    )
    (money,) = summary.money
    assert money.revenue == due
    assert (home.site / "finance" / "index.html").exists()


@pytest.mark.slow
def test_recorded_chat_service_is_charged_exactly(traces: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (file,) = (traces / "azure_llm_2023_conv").glob("*.csv")
    folder = home.landing / "azure-conv"
    folder.mkdir(parents=True)
    (folder / file.name).write_bytes(file.read_bytes())
    home.config.write_text("""
[[sources]]
name = "azure-conv"
format = "mapped"
files = "*.csv"
[sources.columns]
occurred_at = "TIMESTAMP"
input_tokens = "ContextTokens"
output_tokens = "GeneratedTokens"
[sources.constants]
provider = "openai"
model = "gpt-4-0613"
organization_id = "azure-conv"
product_id = "chat"
""")
    summary = run_all(home, load_settings(home))
    with file.open() as lines:
        rows = [line.rstrip().rsplit(",", 2) for line in lines][1:]
    tokens_in, tokens_out = (sum(int(row[n]) for row in rows) for n in (1, 2))
    assert summary.requests == len(rows) == 19_366
    (money,) = summary.money
    # 30 and 60 USD per million tokens, the list price of the time.
    assert money.revenue == (Decimal(30) * tokens_in + Decimal(60) * tokens_out) / 1_000_000
