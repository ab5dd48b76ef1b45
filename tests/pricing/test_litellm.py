"""LiteLLM's price map as a source: units, tiers, ids, regions, and exact numbers."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipelines.landing
from pipelines.errors import MeterhouseError
from pipelines.pricing.append import append_rows
from pipelines.pricing.importer import propose
from pipelines.pricing.litellm import read_map
from pipelines.pricing.litellm_ids import PROVIDERS, Id, id_of
from pipelines.pricing.tables import RATES, read_rows

CHAT = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06}


@pytest.fixture
def map_of(tmp_path):
    """Reads a map with these entries."""

    def read(entries: dict, providers=()):
        path = tmp_path / "model_prices_and_context_window.json"
        path.write_text(json.dumps(entries), encoding="utf-8")
        return read_map(path, providers)

    return read


def prices(source):
    """Model, model tier, service tier, region, unit and context_from -> price and per."""
    return {
        (s.model, s.model_tier, s.service_tier, s.region, s.unit, s.context_from): (
            str(s.changes[0].price.normalize()),
            s.changes[0].per,
        )
        for s in source.series
    }


def of_one(source):
    return {key[2:]: price for key, price in prices(source).items()}


def test_units_tiers_and_lengths(map_of):
    found = map_of(
        {
            "m": {
                "litellm_provider": "openai",
                "mode": "chat",
                "input_cost_per_token": 1e-06,
                "input_cost_per_token_batches": 5e-07,
                "input_cost_per_token_priority": 2e-06,
                "input_cost_per_token_flex": 4e-07,
                "input_cost_per_token_above_200k_tokens": 3e-06,
                "input_cost_per_token_above_200k_tokens_priority": 4e-06,
                "input_cost_per_token_flex_above_272k_tokens": 6e-07,
                "output_cost_per_token": 9e-06,
                "cache_read_input_token_cost": 1e-07,
                "cache_creation_input_token_cost": 1.25e-06,
                "cache_creation_input_token_cost_above_1hr": 2e-06,
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 4e-06,
                "input_cost_per_audio_token": 1e-05,
                "output_cost_per_audio_token": 2e-05,
                "input_cost_per_image_token": 3e-05,
                "output_cost_per_image_token": 4e-05,
                "input_cost_per_request": 0.005,
                "file_search_cost_per_1k_calls": 2.5,
                "search_context_cost_per_query": {
                    "search_context_size_low": 0.01,
                    "search_context_size_medium": 0.01,
                    "search_context_size_high": 0.01,
                },
                "max_tokens": 1000,
                "supports_vision": True,
            }
        }
    )
    assert of_one(found) == {
        ("standard", "", "input", 0): ("1", 1_000_000),
        ("batch", "", "input", 0): ("0.5", 1_000_000),
        ("priority", "", "input", 0): ("2", 1_000_000),
        ("flex", "", "input", 0): ("0.4", 1_000_000),
        ("standard", "", "input", 200_001): ("3", 1_000_000),
        ("priority", "", "input", 200_001): ("4", 1_000_000),
        ("flex", "", "input", 272_001): ("0.6", 1_000_000),
        ("standard", "", "output", 0): ("9", 1_000_000),
        ("standard", "", "cached_input", 0): ("0.1", 1_000_000),
        ("standard", "", "cache_write_5m", 0): ("1.25", 1_000_000),
        ("standard", "", "cache_write_1h", 0): ("2", 1_000_000),
        ("standard", "", "cache_write_1h", 200_001): ("4", 1_000_000),
        ("standard", "", "audio_input", 0): ("1E+1", 1_000_000),
        ("standard", "", "audio_output", 0): ("2E+1", 1_000_000),
        ("standard", "", "image_input", 0): ("3E+1", 1_000_000),
        ("standard", "", "image_output", 0): ("4E+1", 1_000_000),
        ("standard", "", "request", 0): ("0.005", 1),
        ("standard", "", "file_search", 0): ("2.5", 1_000),
        ("standard", "", "web_search", 0): ("1E+1", 1_000),
    }
    assert found.left_out == []


@pytest.mark.parametrize(
    ("key", "provider", "expected"),
    [
        ("gpt-4o", "openai", Id("openai", "gpt-4o", "base", "")),
        ("ft:gpt-4o-2024-08-06", "openai", Id("openai", "gpt-4o-2024-08-06", "fine_tuned", "")),
        ("ft:davinci-002", "text-completion-openai", Id("openai", "davinci-002", "fine_tuned", "")),
        ("azure/gpt-4o", "azure", Id("azure", "gpt-4o", "base", "")),
        ("azure/eu/gpt-4o-2024-08-06", "azure", Id("azure", "gpt-4o-2024-08-06", "base", "eu")),
        ("azure_ai/Phi-4", "azure_ai", Id("azure", "Phi-4", "base", "")),
        ("gemini/gemini-2.5-pro", "gemini", Id("google", "gemini-2.5-pro", "base", "")),
        ("vertex_ai/claude-opus-4", "vertex_ai-anthropic_models", Id("google", "claude-opus-4", "base", "")),
        ("gemini-2.5-pro", "vertex_ai-language-models", Id("google", "gemini-2.5-pro", "base", "")),
        ("eu.anthropic.claude-v1:0", "bedrock_converse", Id("bedrock", "eu.anthropic.claude-v1:0", "base", "")),
        ("bedrock/us-gov-west-1/amazon.nova", "bedrock", Id("bedrock", "amazon.nova", "base", "us-gov-west-1")),
        ("bedrock/eu-west-1/6-month-commitment/claude", "bedrock", None),
        ("together_ai/Qwen/Qwen3", "together_ai", Id("together", "Qwen/Qwen3", "base", "")),
        ("fireworks_ai/accounts/f/models/m", "fireworks_ai", Id("fireworks", "accounts/f/models/m", "base", "")),
        ("deepinfra/meta-llama/L", "deepinfra", Id("deepinfra", "meta-llama/L", "base", "")),
        ("hd/1024-x-1792/dall-e-3", "openai", None),
    ],
)
def test_keys_name_models_as_events_do(key, provider, expected):
    assert id_of(key, provider) == expected


def test_providers_are_named_as_the_landing_step_names_them():
    text = (Path(pipelines.landing.__file__).parent / "macros.sql").read_text(encoding="utf-8")
    start = text.index("create or replace macro provider_name(t)")
    with duckdb.connect() as con:
        con.execute(text[start : text.index(";", start)])
        landed = {name: con.execute("select provider_name(?)", [name]).fetchone()[0] for name in PROVIDERS}
    contradicted = {name: ours for name, ours in PROVIDERS.items() if landed[name] not in {ours, name}}
    assert contradicted == {}


def test_a_region_gets_the_whole_set_of_the_model(map_of):
    entry = {
        **CHAT,
        "output_cost_per_token": 1e-05,
        "input_cost_per_token_batches": 1.25e-06,
        "input_cost_per_request": 0.005,
        "regional_processing_uplift_multiplier_eu": 1.1,
    }
    found = of_one(map_of({"m": entry}))
    assert {key: price for key, price in found.items() if key[1] == "eu"} == {
        ("standard", "eu", "input", 0): ("2.75", 1_000_000),
        ("standard", "eu", "output", 0): ("11", 1_000_000),
        ("batch", "eu", "input", 0): ("1.375", 1_000_000),
        ("standard", "eu", "request", 0): ("0.005", 1),
    }


def test_a_region_that_would_be_incomplete_is_left_out_whole(map_of):
    entry = {**CHAT, "output_cost_per_token": 1e-12, "regional_processing_uplift_multiplier_us": 1.15}
    found = map_of({"m": entry})
    assert {key[1] for key in of_one(found)} == {""}
    assert {one.reason for one in found.left_out} == {"a price of this region has more than six decimals"}
    assert len(found.left_out) == 2


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"off_peak_pricing": {"windows": []}}, "time of day"),
        ({"tiered_pricing": [{"range": [0, 1]}]}, "list of prices by length"),
        ({"source": "Defaulting to base model pricing"}, "stand-in"),
        ({"output_cost_per_token": 1e-06, "output_cost_per_reasoning_token": 2e-06}, "reasoning tokens have a price"),
        ({"input_cost_per_video_token": 1e-06}, "video tokens have a price"),
    ],
)
def test_entries_that_cannot_be_rated_exactly_are_told(map_of, entry, reason):
    found = map_of({"m": {**CHAT, **entry}})
    assert found.series == []
    assert reason in found.left_out[0].reason


def test_reasoning_at_the_price_of_output_is_output(map_of):
    entry = {**CHAT, "output_cost_per_token": 1e-06, "output_cost_per_reasoning_token": 1e-06}
    found = map_of({"m": entry})
    assert (len(found.series), found.left_out) == (2, [])


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("output_cost_per_token", 0.0, "may also mean unknown"),
        ("output_cost_per_second", 0.001, "another unit or tier"),
        ("input_cost_per_token_ultrafast", 0.001, "another unit or tier"),
        ("output_cost_per_token", "free", "not one price"),
        ("output_cost_per_token", None, "not one price"),
        ("search_context_cost_per_query", {"low": 0.005, "high": 0.01}, "not one price"),
        ("regional_endpoint_uplift_multiplier", 1.1, "regional endpoints cost × 1.1"),
    ],
)
def test_what_is_not_taken_of_an_entry_is_told(map_of, field, value, reason):
    found = map_of({"m": {**CHAT, field: value}})
    assert [s.unit for s in found.series] == ["input"]
    (told,) = found.left_out
    assert reason in told.reason
    assert told.entry.startswith("m")


def test_output_of_an_embedding_model_is_nothing_to_tell(map_of):
    assert map_of({"m": {**CHAT, "mode": "embedding", "output_cost_per_token": 0.0}}).left_out == []


def test_cached_images_are_not_taken_for_cached_text(map_of):
    entry = {**CHAT, "cache_read_input_token_cost": 1e-06, "cache_read_input_image_token_cost": 2e-06}
    found = map_of({"m": entry})
    assert [s.unit for s in found.series] == ["input"]
    assert "cached images" in found.left_out[0].reason or "cached images" in found.left_out[1].reason


def test_entries_of_one_model_must_agree(map_of):
    google = {**CHAT, "litellm_provider": "gemini"}
    vertex = {**CHAT, "litellm_provider": "vertex_ai-language-models"}
    assert len(map_of({"gemini/m": google, "m": vertex}).series) == 1
    found = map_of({"gemini/m": google, "m": {**vertex, "input_cost_per_token": 3e-06}})
    assert found.series == []
    assert "gemini/m: input_cost_per_token and m: input_cost_per_token" in found.left_out[0].entry


def test_only_the_providers_asked_for(map_of):
    entries = {"m": CHAT, "gemini/g": {**CHAT, "litellm_provider": "gemini"}, "x": {"note": "no provider"}}
    assert {s.provider for s in map_of(entries, ["google"]).series} == {"google"}
    assert map_of(entries, ["google"]).left_out == []
    assert {s.provider for s in map_of(entries).series} == {"google", "openai"}
    assert [one.reason for one in map_of(entries).left_out] == ["it names no provider"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", r"line 1: not valid JSON"),
        ('{"a": 1}', "no entry of it names a litellm_provider"),
        ("[1]", "no entry of it names a litellm_provider"),
        ('{"m": {"litellm_provider": "x"}, "m": {"litellm_provider": "y"}}', "'m' stands twice"),
    ],
)
def test_another_file_is_refused(tmp_path, text, said):
    path = tmp_path / "map.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MeterhouseError, match=said):
        read_map(path)
    path.write_bytes(b"\xff")
    with pytest.raises(MeterhouseError, match="not UTF-8"):
        read_map(path)


@given(st.integers(1, 10**9), st.integers(0, 12), st.booleans())
def test_numbers_are_exact(tmp_path_factory, digits, places, scientific):
    price = Decimal(digits).scaleb(-places)
    path = tmp_path_factory.mktemp("map") / "map.json"
    text = f"{price:e}" if scientific else f"{price:f}"
    path.write_text(f'{{"m": {{"litellm_provider": "x", "input_cost_per_token": {text}}}}}', encoding="utf-8")
    (one,) = read_map(path).series
    assert one.changes[0].price == price * 1_000_000


def test_a_price_that_a_float_spoiled_is_not_rounded(map_of):
    source = map_of({"m": {**CHAT, "output_cost_per_token": 8.900000000000001e-07}})
    found = propose([], source, date(2026, 11, 22))
    assert [row["unit"] for row in found.rows] == ["input"]
    assert "more than six decimals" in found.left_out[0].reason


def test_rows_name_file_digest_and_entry_and_a_second_import_adds_nothing(map_of, tmp_path):
    source = map_of({"m": CHAT, "ft:m": {**CHAT, "input_cost_per_token": 5e-06}})
    path = tmp_path / "own.csv"
    append_rows(path, propose([], source, date(2026, 11, 22)).rows)
    rows = read_rows(RATES, [path]).to_pylist()
    assert [(r["model"], r["model_tier"], r["price"], r["valid_from"]) for r in rows] == [
        ("m", "base", "2.50", "2026-11-22T00:00:00Z"),
        ("m", "fine_tuned", "5.00", "2026-11-22T00:00:00Z"),
    ]
    assert rows[1]["source"].startswith("LiteLLM model_prices_and_context_window.json sha256 ")
    assert rows[1]["source"].endswith(", entry ft:m")
    again = propose(rows, source, date(2027, 1, 1))
    assert (again.rows, again.unchanged) == ([], 2)
