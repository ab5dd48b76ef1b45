"""A wrong setting is refused by name, with its file and line; everything has a default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.init import make_home, template
from pipelines.settings import Settings, load_settings

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
    ],
)  # fmt: skip
def test_wrong_setting_is_named(home: Home, text: str, line: int | None, field: str | None, message: str) -> None:
    error = refused(home, text)
    assert message in error.cause
    assert error.field == field
    assert error.line == line
    assert error.way_out


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
