"""Faulty facts: each is told with file, line, field and way out; what is sound counts, the rest does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.organizations.facts import read_facts
from pipelines.organizations.place import facts_digest
from tests.organizations.conftest import ids

if TYPE_CHECKING:
    from pipelines.errors import MeterhouseError
    from tests.organizations.conftest import Place


def only(faults: tuple[MeterhouseError, ...]) -> MeterhouseError:
    (fault,) = faults
    assert str(fault.file).rpartition("/")[2].startswith("organi")
    assert fault.way_out
    return fault


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("created_at", "31.01.2026", "neither a day like"),
        ("created_at", "2026-02-30", "neither a day like"),
        ("created_at", "=TODAY()", "formula"),
        ("suspended_from", "2026-03-01", "not an instant"),
        ("suspended_from", "1772323200", "not an instant"),
        ("suspended_from", "2026-03-01T25:00:00Z", "not an instant"),
        ("suspended_from", "tomorrow", "not an instant"),
        ("licensed_regions", "eu-west-1;;eu-north-1", "empty item"),
        ("licensed_regions", ";", "empty item"),
        ("licensed_models", '"gpt-4o,gpt-4o-mini"', "comma"),
        ("licensed_models", "=A1", "formula"),
        ("programme", '"=HYPERLINK(""x"")"', "formula"),
        ("programme", "@SUM(A1)", "formula"),
        ("programme", " trial", "blanks"),
        ("programme", '"a\nb"', "control character"),
        ("home_region", "x" * 1001, "longer"),
        ("payment_group", "+cmd|' /C calc'!A0", "formula"),
        ("signup_network", "-2+3(4)", "formula"),
    ],
)
def test_a_wrong_value_is_told_and_its_row_left_out(place: Place, field: str, value: str, cause: str) -> None:
    facts = place.csv(f"organization_id,{field}\nfirst,\nbad,{value}\nlast,\n")
    fault = only(facts.faults)
    assert (fault.line, fault.field) == (3, field)
    assert cause in fault.cause
    assert ids(facts) == ["first", "last"]


def test_a_suspension_that_does_not_count_is_said_to_be_none(place: Place) -> None:
    assert "nothing is suspended" in only(place.csv("organization_id,suspended_from\na,soon\n").faults).way_out


@pytest.mark.parametrize("name", ["", " ", " acme", "=acme"])
def test_an_id_must_be_one(place: Place, name: str) -> None:
    facts = place.csv(f"organization_id,programme\n{name},x\nb,\n")
    assert (only(facts.faults).line, only(facts.faults).field) == (2, "organization_id")
    assert ids(facts) == ["b"]


def test_of_an_organisation_with_two_rows_none_counts(place: Place) -> None:
    facts = place.csv("organization_id,programme\na,x\nb,\na,y\n")
    assert [(f.line, f.field) for f in facts.faults] == [(2, "organization_id"), (4, "organization_id")]
    assert all("'a' has more than one row, on lines 2, 4" in f.cause for f in facts.faults)
    assert ids(facts) == ["b"]


def test_of_two_rows_the_sound_one_does_not_win(place: Place) -> None:
    facts = place.csv("organization_id,created_at\na,2026-01-01\na,never\n")
    assert [(f.line, f.field) for f in facts.faults] == [(2, "organization_id"), (3, "created_at")]
    assert ids(facts) == []


def test_a_row_of_another_width_is_left_out(place: Place) -> None:
    facts = place.csv("organization_id,programme\na,x,y\nb,x\n")
    assert only(facts.faults).line == 2
    assert ids(facts) == ["b"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "empty"),
        (" \n\n", None, "empty"),
        (b"\xef\xbb\xbf", None, "empty"),
        ("organization_id,suspend_from\na,\n", 1, "Did you mean suspended_from?"),
        ("organization_id,x,x\n", 1, "unknown column 'x'"),
        ("organization_id,programme,programme\n", 1, "twice"),
        ("programme\nx\n", 1, "organization_id is missing"),
        ("organization_id;programme\na;x\n", 1, "semicolons"),
        ("organization_id\tprogramme\na\tx\n", 1, "tabs"),
        ('organization_id\n"a\n', 2, "not valid CSV"),
        ("organization_id\na\n".encode("utf-16"), None, "UTF-16"),
        ("organization_id\na\u00e9\n".encode("latin-1"), 2, "not UTF-8"),
        ("organization_id\na\0\n", 2, "no text"),
    ],
)
def test_a_file_that_is_not_clear_counts_for_nothing(
    place: Place, text: str | bytes, line: int | None, said: str
) -> None:
    facts = place.csv(text)
    fault = only(facts.faults)
    assert fault.line == line
    assert said in fault.paragraph()
    assert facts.rows is None


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "empty"),
        ("# nothing\n", 1, "not a list"),
        ("acme: {}\n", 1, "not a list"),
        ("- organization_id: [a\n", 2, "not valid YAML"),
        ("- organization_id: a\n\tprogramme: x\n", 2, "not valid YAML"),
    ],
)
def test_yaml_that_is_not_clear_counts_for_nothing(place: Place, text: str, line: int | None, said: str) -> None:
    facts = place.yaml(text)
    assert only(facts.faults).line == line
    assert said in only(facts.faults).paragraph()
    assert facts.rows is None


@pytest.mark.parametrize(
    ("entry", "field", "said"),
    [
        ("acme", None, "no mapping"),
        ("{programme: x}", None, "organization_id is missing"),
        ("{organization_id: b, programm: x}", "programm", "Did you mean programme?"),
        ("{organization_id: b, programme: x, programme: y}", "programme", "twice"),
        ("{organization_id: b, programme: [x]}", "programme", "no single value"),
        ("{organization_id: b, licensed_regions: {eu: 1}}", "licensed_regions", "no list"),
        ("{organization_id: b, licensed_regions: [a, [b]]}", "licensed_regions", "no list"),
        ("{organization_id: b, licensed_regions: ['a;b']}", "licensed_regions", "no list"),
        ("{organization_id: b, suspended_from: 2026-03-01}", "suspended_from", "not an instant"),
    ],
)
def test_a_wrong_entry_is_left_out(place: Place, entry: str, field: str | None, said: str) -> None:
    facts = place.yaml(f"- organization_id: a\n- {entry}\n")
    fault = only(facts.faults)
    assert (fault.line, fault.field) == (2, field)
    assert said in fault.paragraph()
    assert ids(facts) == ["a"]


def test_two_entries_of_one_line_are_not_taken_for_one(place: Place) -> None:
    facts = place.yaml("[{organization_id: a}, {organization_id: b}]\n")
    assert "one line" in only(facts.faults).cause
    assert ids(facts) == ["a"]


def test_an_alias_bomb_is_no_value(place: Place) -> None:
    facts = place.yaml("- &a [x, x]\n- &b [*a, *a]\n- organization_id: c\n  programme: *b\n")
    assert [f.line for f in facts.faults][:2] == [1, 2]
    assert len(facts.faults) == 3
    assert ids(facts) == []


def test_two_files_are_one_too_many(place: Place) -> None:
    place.csv("organization_id\na\n")
    facts = place.yaml("- organization_id: b\n")
    assert "organizations.yaml as well" in only(facts.faults).cause
    assert facts.rows is None


@pytest.mark.parametrize("name", ["organizations.yml", "organisations.csv"])
def test_a_name_that_is_not_read_is_told(place: Place, name: str) -> None:
    assert "organizations.csv" in only(place.file(name, "organization_id\na\n").faults).way_out


def test_a_folder_of_that_name_or_a_link_to_nothing_is_told(place: Place) -> None:
    file = place.home.root / "organizations.csv"
    empty = facts_digest(place.home)
    file.mkdir()
    assert "cannot be read" in only(read_facts(place.home).faults).cause
    file.rmdir()
    file.symlink_to(place.home.root / "gone.csv")
    assert "cannot be read" in only(read_facts(place.home).faults).cause
    assert facts_digest(place.home) != empty


def test_lines_are_counted_as_an_editor_does_whatever_is_in_a_value(place: Place) -> None:
    facts = place.csv("organization_id,programme\r\na,x\u2028y\r\nb,\x0cz\r\nc,\nd,bad \n")
    assert [(f.line, f.field) for f in facts.faults] == [(n, "programme") for n in (2, 3, 5)]
    assert ids(facts) == ["c"]


def test_yaml_that_is_nested_without_end_stops_nothing(place: Place) -> None:
    facts = place.yaml("- " + "[" * 100_000)
    assert len(facts.faults) == 1
    assert facts.rows is None
