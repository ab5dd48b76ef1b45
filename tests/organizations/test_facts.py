"""Sound facts, from both kinds of file: types, lists, times, and the table that others read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.home import Home
from pipelines.organizations.columns import COLUMNS
from pipelines.organizations.facts import load_organizations
from pipelines.organizations.place import facts_digest
from tests.organizations.conftest import ids

if TYPE_CHECKING:
    from pathlib import Path

    from tests.organizations.conftest import Place

at = datetime.fromisoformat

SHAPE = [
    ("organization_id", "VARCHAR"), ("created_at", "TIMESTAMP"), ("programme", "VARCHAR"),
    ("payment_group", "VARCHAR"), ("signup_network", "VARCHAR"), ("home_region", "VARCHAR"),
    ("licensed_regions", "VARCHAR[]"), ("licensed_models", "VARCHAR[]"), ("suspended_from", "TIMESTAMP"),
]  # fmt: skip
WHOLE = {
    "organization_id": "acme", "created_at": at("2026-01-31"), "programme": "trial",
    "payment_group": "h_" + "0" * 24, "signup_network": "a" * 64, "home_region": "eu",
    "licensed_regions": ["eu-*", "us-east-1"], "licensed_models": ["gpt-4o"],
    "suspended_from": at("2026-03-01 10:30"),
}  # fmt: skip
CSV = (
    ",".join(name for name, _ in SHAPE)
    + f"\nacme,2026-01-31,trial,h_{'0' * 24},{'a' * 64},eu,us-east-1; eu-*;us-east-1,gpt-4o,2026-03-01T12:30:00+02:00\n"
    + "other,,,,,,,,\n"
)
YAML = f"""
- organization_id: acme
  created_at: 2026-01-31
  programme: trial
  payment_group: h_{"0" * 24}
  signup_network: {"a" * 64}
  home_region: eu
  licensed_regions: [us-east-1, eu-*]
  licensed_models: gpt-4o
  suspended_from: 2026-03-01T12:30:00+02:00
- {{organization_id: other, programme: null}}
"""


@pytest.mark.parametrize(("kind", "text"), [("csv", CSV), ("yaml", YAML)])
def test_both_kinds_of_file_give_the_same_rows(place: Place, kind: str, text: str) -> None:
    facts = getattr(place, kind)(text)
    assert facts.faults == ()
    first, second = facts.rows.to_pylist()
    del first["line"]
    assert first == WHOLE
    assert {name for name, value in second.items() if value is not None} == {"line", "organization_id"}


def test_the_table_has_the_shape_that_others_rely_on_with_and_without_a_file(place: Place) -> None:
    with duckdb.connect() as con:
        assert load_organizations(place.home, con).file is None
        assert [r[:2] for r in con.execute("describe watch.organizations").fetchall()] == SHAPE
        place.csv(CSV)
        load_organizations(place.home, con)
        assert [r[:2] for r in con.execute("describe watch.organizations").fetchall()] == SHAPE
        assert con.execute("select organization_id from watch.organizations order by 1").fetchall() == [
            ("acme",),
            ("other",),
        ]
        (place.home.root / "organizations.csv").unlink()
        load_organizations(place.home, con)
        assert con.execute("from watch.organizations").fetchall() == []
    assert [(c.name, c.type.upper()) for c in COLUMNS] == SHAPE
    assert all(c.meaning for c in COLUMNS)


def test_a_home_without_facts_gets_no_salt(place: Place) -> None:
    with duckdb.connect() as con:
        load_organizations(place.home, con)
    assert not place.home.salt_file.exists()


def test_columns_may_be_left_out_and_stand_in_any_order(place: Place) -> None:
    facts = place.csv("suspended_from,organization_id\n2026-03-01T00:00Z,a\n,b\n")
    assert facts.faults == ()
    assert ids(facts) == ["a", "b"]
    assert facts.rows["suspended_from"].to_pylist() == [at("2026-03-01"), None]


def test_a_time_without_a_zone_is_utc(place: Place) -> None:
    facts = place.csv("organization_id,created_at\na,2026-03-01 08:00\n")
    assert facts.rows["created_at"].to_pylist() == [at("2026-03-01 08:00")]


@pytest.mark.parametrize("name", ["-acme", "@acme/team", "+1", "acmé", "a b", "a;b", "a|b", "yes", "007"])
def test_ids_are_what_the_logs_say_whatever_they_look_like(place: Place, name: str) -> None:
    assert ids(place.csv(f"organization_id\n{name}\n")) == [name]
    (place.home.root / "organizations.csv").unlink()
    assert ids(place.yaml(f'- organization_id: "{name}"\n')) == [name]


def test_yaml_takes_no_word_for_another(place: Place) -> None:
    facts = place.yaml("- organization_id: no\n  licensed_regions: [no, 1e3]\n")
    assert ids(facts) == ["no"]
    assert facts.rows["licensed_regions"].to_pylist() == [["1e3", "no"]]


def test_a_mark_of_utf_8_in_front_and_blank_lines_change_nothing(place: Place) -> None:
    assert ids(place.csv(b"\xef\xbb\xbforganization_id\r\na\r\n\r\nb\r\n")) == ["a", "b"]
    (place.home.root / "organizations.csv").unlink()
    assert ids(place.yaml(b"\xef\xbb\xbf- organization_id: a\n")) == ["a"]


def test_only_a_header_says_nothing_of_anyone(place: Place) -> None:
    facts = place.csv("organization_id,programme\n")
    assert facts.faults == ()
    assert ids(facts) == []


def test_the_digest_changes_with_each_file(tmp_path: Path) -> None:
    home = Home(tmp_path)
    found = [facts_digest(home)]
    (tmp_path / "organizations.csv").write_text("organization_id\n")
    found.append(facts_digest(home))
    (tmp_path / "organizations.csv").write_text("organization_id\na\n")
    found.append(facts_digest(home))
    (tmp_path / "organizations.yaml").write_text("")
    found.append(facts_digest(home))
    assert len(set(found)) == 4
    (tmp_path / "organizations.csv").unlink()
    (tmp_path / "organizations.yaml").unlink()
    assert facts_digest(home) == found[0]
