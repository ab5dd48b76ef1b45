"""A wrong setting is refused by name, with its file and line; everything has a default."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.init import make_home, template
from pipelines.settings import Settings, load_settings
from tests.landing.homes import CANONICAL, drop, event, events, land

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '[[sources]]\nname = "calls"\nformat = "mapped"\n'
OPENAI = '[[sources]]\nname = "a"\nformat = "openai"\n'
REST = (
    '[sources.constants]\nprovider = "openai"\nmodel = "gpt-4"\norganization_id = "acme"\n'
    '[sources.columns]\noccurred_at = "at"\n'
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without a settings file."""
    return Home(tmp_path)


def refused(home: Home, text: str) -> MeterhouseError:
    """The error that a settings file is refused with."""
    home.config.write_text(text, encoding="utf-8")
    with pytest.raises(MeterhouseError) as caught:
        load_settings(home)
    assert str(home.config) in str(caught.value)
    return caught.value


def test_no_file_and_the_template_are_the_defaults(home: Home) -> None:
    assert load_settings(home) == Settings()
    assert make_home(home)
    assert home.config.read_text(encoding="utf-8") == template()
    assert load_settings(home) == Settings()
    assert not make_home(home)


def test_every_value_is_read(home: Home) -> None:
    home.config.write_text(
        'reporting_currency = "EUR"\nbilling_time_zone = "Europe/Paris"\n[pricing]\ncost_card = "ours"\n'
        f"[limits]\nmax_quarantined_records = 0\n{SOURCE}files = '*.csv'\n{REST}",
        encoding="utf-8",
    )
    settings = load_settings(home)
    assert (settings.reporting_currency, settings.billing_time_zone) == ("EUR", "Europe/Paris")
    assert (settings.pricing.cost_card, settings.pricing.revenue_card) == ("ours", "list")
    assert settings.limits.max_quarantined_records == 0
    source = settings.source("calls")
    assert source is not None
    assert (source.files, source.columns) == ("*.csv", {"occurred_at": "at"})
    assert settings.source("other") is None


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ('colour = "blue"', 1, "colour", "unknown setting"),
        ('# a\n\n[pricing]\nrevenue_card = "list"\ncost = 1', 5, "pricing.cost", "unknown setting"),
        ('[watch]\nwindow_days = "x"', 2, "watch.window_days", "integer"),
        ("[watch]\nwindow_days = 3", 2, "watch.window_days", "greater than or equal to 7"),
        ("[limits]\nmax_quarantined_share = 1.5", 2, "limits.max_quarantined_share", "less than or equal to 1"),
        ('[site]\ntitle = "x"\n\ndemo = "perhaps"', 4, "site.demo", "boolean"),
        ('\nbilling_time_zone = "Paris"', 2, "billing_time_zone", "'Paris' is not a time zone"),
        ('reporting_currency = "dollars"', 1, "reporting_currency", "match"),
        (SOURCE + REST + 'size = "x"', 8, "sources.0.columns", "'size' is not a canonical column"),
        (SOURCE + REST.replace("organization_id", "organisation"), 4, "sources.0.constants", "'organisation'"),
        ('[[sources]]\nname = "a"\nformat = "csv"', 3, "sources.0.format", "canonical"),
        (OPENAI + '\n[[sources]]\nname = "b"\nformat = "csv"', 7, "sources.1.format", "openai"),
        (OPENAI + 'path = "x"', 4, "sources.0.path", "unknown setting"),
        ('[[sources]]\nname = "../a"\nformat = "openai"', 2, "sources.0.name", "match"),
        ('[[sources]]\nformat = "openai"', 1, "sources.0.name", "required"),
        (SOURCE + '[sources.columns]\noccurred_at = "at"\n', 1, "sources.0", "organization_id, provider, model"),
        (SOURCE + REST + 'model = "M"\n', 1, "sources.0", "both mapped and constant: model"),
        (OPENAI + '[sources.columns]\nmodel = "m"', 1, "sources.0", "columns are for format 'mapped'"),
        (OPENAI * 2, None, None, "source named twice: a"),
        ('[site]\ndemo = "yes"', 2, "site.demo", "boolean"),
        ("[site]\ndemo = 1", 2, "site.demo", "boolean"),
        ('[limits]\nmax_quarantined_records = "5"', 2, "limits.max_quarantined_records", "integer"),
        ("[limits]\nmax_quarantined_records = 5.0", 2, "limits.max_quarantined_records", "integer"),
        ('[limits]\nmax_unpriced_share = "0.5"', 2, "limits.max_unpriced_share", "number"),
        ("[limits]\nmax_unpriced_share = nan", 2, "limits.max_unpriced_share", "finite"),
        ("[site]\ntitle = 5", 2, "site.title", "string"),
        (OPENAI + 'files = ""', 4, "sources.0.files", "match"),
        (OPENAI + 'files = " "', 4, "sources.0.files", "match"),
        (SOURCE + REST + 'input_tokens = ""', 10, "sources.0.columns.input_tokens", "at least 1 character"),
    ],
)  # fmt: skip
def test_wrong_setting_is_named(home: Home, text: str, line: int | None, field: str | None, message: str) -> None:
    error = refused(home, text)
    assert message in error.cause
    assert error.field == field
    assert error.line == line
    assert error.way_out


WRONG = [
    ('service_tier = "bathc"', "service_tier = 'bathc' is none of standard, batch, flex, priority, scale"),
    ('input_tokens = "abc"', "input_tokens = 'abc' is not a number"),
    ("input_tokens = 1.5", "input_tokens = 1.5 is not a whole number"),
    ("input_tokens = -1", "is not between 0 and 1,000,000,000,000"),
    ("input_tokens = 1000000000001", "is not between 0 and 1,000,000,000,000"),
    ("input_tokens = true", "input_tokens = True is true or false"),
    ('input_tokens = "1_000"', "is not a number"),
    ("input_tokens = inf", "is not a number"),
    ("status = 3000000000", "is not between"),
    ("revision = -1", "is not between 0"),
    ("temperature = nan", "is not a number"),
    ("training_hours = 0.0000001", "training_hours = 1e-07 has more than 6 decimals"),
    ('hosting_hours = "1e999"', "is not between 0 and"),
    ('reported_cost = "free"', "is not a number"),
    ("gateway_cache_hit = 1", "is not true or false"),
    ("region = true", "is true or false"),
    ('region = " "', "says nothing"),
    ('occurred_at = "yesterday"', "is not a time"),
    ('occurred_at = "2024-02-30"', "is not a time"),
    ("occurred_at = 20240301", "is before 2015-01-01"),
    ('occurred_at = "9999-01-01"', "is in the future"),
]


@pytest.mark.parametrize(("constant", "message"), WRONG)
def test_a_constant_that_no_record_could_have_is_refused(home: Home, constant: str, message: str) -> None:
    error = refused(home, OPENAI + "[sources.constants]\n" + constant)
    assert message in error.cause
    assert (error.field, error.line) == ("sources.0.constants", 4)


RIGHT = [
    ("service_tier", '"Batch"', "batch"),
    ("service_tier", '"fast"', "priority"),
    ("service_tier", '"auto"', "standard"),
    ("service_tier", '"on_demand"', "standard"),
    ("input_tokens", "12", 12),
    ("input_tokens", '"12.0"', 12),
    ("input_tokens", "1e3", 1000),
    ("cached_input_tokens", "1000000000000", 10**12),
    ("status", "200", 200),
    ("temperature", "0.5", 0.5),
    ("reported_cost", '"0.000000000001"', Decimal("0.000000000001")),
    ("reported_cost", "0.25", Decimal("0.25")),
    ("training_hours", "0.25", Decimal("0.25")),
    ("gateway_cache_hit", "true", True),
    ("gateway_cache_hit", '"False"', False),
    ("region", '"eu"', "eu"),
    ("product_id", "7", "7"),
    ("occurred_at", '"2024-03-01"', datetime.fromisoformat("2024-03-01")),
    ("occurred_at", '"2024-03-01T13:00:00.5+01:00"', datetime.fromisoformat("2024-03-01T12:00:00.500000")),
    ("occurred_at", '"2024-03-01 12:00Z"', datetime.fromisoformat("2024-03-01T12:00:00")),
    ("occurred_at", "1709294400", datetime.fromisoformat("2024-03-01T12:00:00")),
    ("occurred_at", "1709294400000", datetime.fromisoformat("2024-03-01T12:00:00")),
]


@pytest.mark.parametrize(("name", "constant", "value"), RIGHT)
def test_a_constant_that_is_taken_is_taken_by_the_landing_step_too(
    home: Home, name: str, constant: str, value: object
) -> None:
    entry = CANONICAL + f"[sources.constants]\n{name} = {constant}\n"
    home.config.write_text(entry, encoding="utf-8")
    record = {k: v for k, v in event("1").items() if k != name}
    drop(home, "g/a.jsonl", [record])
    assert land(home).accepted == 1
    assert events(home)[0][name] == value


@pytest.mark.parametrize("text", ["a = \n", "[pricing\n", "x = 1\nx = 2\n"])
def test_broken_toml_says_where(home: Home, text: str) -> None:
    error = refused(home, text)
    assert "not valid TOML" in error.cause
    assert f"line {text.count(chr(10))}" in error.cause


def test_message_is_one_paragraph(home: Home) -> None:
    message = str(refused(home, 'billing_time_zone = "Mars"'))
    assert "\n" not in message
    assert "line 1" in message
    assert "field billing_time_zone" in message
