"""A real trace through the mapped format: every request, every token."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.landing.homes import events, land, make_home

TRACE = Path(__file__).parents[3] / "shared/traces/azure_llm_2023_conv/AzureLLMInferenceTrace_conv.csv"
MAPPED = """
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
"""


@pytest.mark.skipif(not TRACE.exists(), reason="the Azure trace is not beside the repository")
def test_azure_conversations(tmp_path: Path) -> None:
    with TRACE.open(newline="", encoding="utf-8") as file:
        rows = [(int(r["ContextTokens"]), int(r["GeneratedTokens"])) for r in csv.DictReader(file)]
    home = make_home(tmp_path / "home", MAPPED)
    (home.landing / "azure-conv").mkdir()
    (home.landing / "azure-conv/conv.csv").write_bytes(TRACE.read_bytes())
    summary = land(home)
    assert (summary.records_read, summary.accepted, summary.quarantined) == (19_366, 19_366, 0)
    got = events(home)
    assert Counter((e["input_tokens"], e["output_tokens"]) for e in got) == Counter(rows)
    assert sum(e["input_tokens"] for e in got) == sum(i for i, _ in rows)
    assert sum(e["output_tokens"] for e in got) == sum(o for _, o in rows)
    times = sorted(e["occurred_at"].isoformat() for e in got)
    assert (times[0], times[-1]) == ("2023-11-16T18:15:46.680590", "2023-11-16T19:14:08.402527")
    assert {(e["model"], e["organization_id"], e["product_id"]) for e in got} == {("gpt-4-0613", "azure-conv", "chat")}
    assert land(home).files == 0
