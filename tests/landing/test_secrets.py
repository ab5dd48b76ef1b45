"""What must not be stored in clear: keys, addresses; and the pseudonyms that stand for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipelines.landing.staging import salt
from tests.landing.homes import CANONICAL, Row, drop, event, events, land, make_home, quarantined

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

KEY, TOKEN = "sk-proj-Abcdefghijklmnop1234", "Bearer abcdefghijklmnop.qrst"
V4, V6, V6_SHORT, MAIL = "203.0.113.77", "2001:db8:1:2:3:4:5:6", "2001:db8::77", "jo@example.org"
SAID = "tell me of the merger"
CLEAR = (KEY, "abcdefghijklmnop.qrst", V4, V6, V6_SHORT)

OPENAI = {
    "object": "chat.completion", "created": 1709294400, "model": "gpt-4o", "organization": "acme",
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
LITELLM = {
    "call_type": "acompletion", "startTime": "2024-03-01T12:00:00Z", "prompt_tokens": 1, "completion_tokens": 1,
    "model": "gpt-4o", "custom_llm_provider": "openai", "organization_id": "acme", "metadata": {},
}  # fmt: skip
RECORDS: dict[str, list[Row]] = {
    "canonical": [
        event("1", api_key_id=KEY, end_user_id=MAIL, client_network=V4),
        event("2", api_key_id=TOKEN, end_user_id=V6, client_network=V6_SHORT),
    ],
    "openai": [
        {**OPENAI, "id": "1", "api_key": KEY, "user": MAIL, "client_ip": V4},
        {**OPENAI, "id": "2", "api_key": TOKEN, "user": V6, "client_ip": V6_SHORT},
    ],
    "litellm": [
        {**LITELLM, "request_id": "1", "api_key": KEY, "end_user": MAIL, "requester_ip_address": V4},
        {**LITELLM, "request_id": "2", "api_key": TOKEN, "end_user": V6, "requester_ip_address": V6_SHORT},
    ],
}
HASHED = ("api_key_id", "end_user_id", "client_network")


def bytes_kept(home: Home) -> bytes:
    """Everything that the landing step wrote, text of Parquet columns included."""
    rows = [str(r).encode() for r in (*events(home), *quarantined(home))]
    files = [p.read_bytes() for folder in (home.events, home.quarantine) for p in folder.rglob("*") if p.is_file()]
    return b"\n".join([*rows, *files])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has read keys and addresses in each format."""
    made = make_home(tmp_path_factory.mktemp("secrets") / "home")
    for source, records in RECORDS.items():
        drop(made, f"{source}/a.jsonl", records)
    assert land(made).accepted == 6
    return made


def test_events_hold_no_key_or_address(home: Home) -> None:
    kept = bytes_kept(home)
    for clear in (*CLEAR, MAIL):
        assert clear.encode() not in kept
    for row in events(home):
        for name in HASHED:
            assert row[name].startswith("h_")
            assert len(row[name]) == 26


def test_pseudonym_is_the_same_in_every_format_and_run(home: Home) -> None:
    for event_id in ("1", "2"):
        assert len({tuple(e[n] for n in HASHED) for e in events(home) if e["event_id"] == event_id}) == 1
    first = {n: events(home)[0][n] for n in HASHED}
    drop(home, "canonical/b.jsonl", [{**RECORDS["canonical"][0], "event_id": "0"}])
    land(home)
    assert {n: events(home)[0][n] for n in HASHED} == first


def test_pseudonyms_differ_between_homes(home: Home, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other", CANONICAL.replace('"g"', '"canonical"'))
    drop(other, "canonical/a.jsonl", RECORDS["canonical"])
    land(other)
    mine = {e[n] for e in events(home) for n in HASHED}
    theirs = {e[n] for e in events(other) for n in HASHED}
    assert len(theirs) == 6
    assert mine & theirs == set()
    assert (other.salt_file.stat().st_mode & 0o777) == 0o600


def test_plain_ids_pass(tmp_path: Path) -> None:
    plain = ["88dc28d0f030c55ed4ab77ed8faf098196cb", "acme:search", "k1", "key-1", "proj_abc", "svc.search", "user_12"]
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event(n, api_key_id=t, end_user_id=t) for n, t in enumerate(plain)])
    land(home)
    for name in ("api_key_id", "end_user_id"):
        assert [e[name] for e in events(home)] == plain


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has refused records with keys and addresses, in every way there is."""
    made = make_home(tmp_path_factory.mktemp("refused") / "home", CANONICAL)
    bad = event("1", api_key_id=KEY, client_network=V4, end_user_id=V6, note=[V6_SHORT, TOKEN], input_tokens=-1)
    head, row = ",".join(bad), ",".join(f'"{v}"' for v in bad.values()).replace("['", "").replace("']", "")
    drop(made, "g/a.jsonl", [bad, str(bad), event("2"), {**bad, "event_id": "2", "input_tokens": 1}])
    drop(made, "g/b.csv", f"{head}\n{row.replace('-1', '-2')}\n{KEY},{V4},{V6},{V6_SHORT},{TOKEN}\n")
    assert land(made).quarantined == 5
    return made


def test_quarantine_holds_no_key_or_address(refused: Home) -> None:
    records = quarantined(refused)
    found = {c: [(r["file"], r["line"]) for r in records if c in r["raw"]] for c in CLEAR}
    assert {clear: places for clear, places in found.items() if places} == {}


def test_masked_text_is_otherwise_as_it_was(refused: Home) -> None:
    raw = quarantined(refused)[0]["raw"]
    for kept in ('"event_id": "1"', '"occurred_at": "2024-03-01T12:00:00Z"', '"input_tokens": -1', "sk-***"):
        assert kept in raw


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has refused records with prompts and answers in them, and keys where numbers belong."""
    made = make_home(tmp_path_factory.mktemp("text") / "home")
    told = [{"role": "user", "content": SAID}]
    bad = event("kept-id", latency_ms=KEY, input_tokens=1, messages=told, prompt=SAID, input=SAID)
    answer = {**OPENAI, "id": "kept-id", "usage": None, "choices": [{"message": {"content": SAID}}], "user": MAIL}
    body = {**answer, "output": [{"content": [{"text": SAID}]}]}
    batch = {"custom_id": "c", "id": "kept-id", "response": {"status_code": 200, "body": body}}
    spend = {"request_id": "kept-id", **LITELLM, "prompt_tokens": -1, "messages": told, "response": SAID}
    nested = {**spend, "metadata": json.dumps({"spend_logs_metadata": {"tools": [{"arguments": SAID}]}})}
    rival = event("conflict", occurred_at="2024-03-02", model="kept-id", content=SAID)
    drop(made, "canonical/a.jsonl", [bad, json.dumps(bad)[:-9], str(bad), event("conflict"), rival])
    drop(made, "openai/a.jsonl", [answer, batch])
    drop(made, "litellm/a.jsonl", [spend, nested])
    head = "event_id,occurred_at,organization_id,model,prompt"
    drop(made, "table/a.csv", f'{head}\nkept-id,2024-03-01,o,m,"{SAID}"\n2,2024-03-01,o,m,{SAID},x\n"{SAID},{SAID}\n')
    assert land(made).accepted == 1
    return made


def test_quarantine_holds_no_prompt_or_answer(talkative: Home) -> None:
    records = quarantined(talkative)
    assert len(records) == 11
    assert SAID.encode() not in bytes_kept(talkative)
    for record in records:
        assert "kept-id" in record["raw"] or record["raw"] == "[text left out]", record


def test_reasons_hold_no_key_and_records_no_mail_address(talkative: Home) -> None:
    reasons = [q["reason"] for q in quarantined(talkative) if q["field"] == "latency_ms"]
    assert reasons == ["latency_ms is not a whole number: sk-***"]
    assert KEY.encode() not in bytes_kept(talkative)
    assert MAIL.encode() not in bytes_kept(talkative)


def test_api_key_of_any_form_is_hashed_and_agents_are_families(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    agents = {"OpenAI/Python 1.40.0 (jo@example.org)": "OpenAI/Python", "curl/8.4.0": "curl", MAIL: None,
              "Mozilla/5.0 (X11; Linux) " + "x" * 500: "Mozilla", "y" * 500: "y" * 64}  # fmt: skip
    drop(home, "o/a.jsonl", [{**OPENAI, "id": str(n), "api_key": "0a1b2c3d", "user_agent": a}
                             for n, a in enumerate(agents)])  # fmt: skip
    land(home)
    assert [e["client_agent"] for e in events(home)] == list(agents.values())
    assert all(e["api_key_id"].startswith("h_") for e in events(home))


def test_salt_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path / "home")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fails)
        with pytest.raises(OSError, match="No space"):
            salt(home)
    assert not home.salt_file.exists()
    assert len(salt(home)) == 64
    assert (home.salt_file.stat().st_mode & 0o777) == 0o600
    assert [p.name for p in home.root.iterdir() if p.is_file()] == [home.salt_file.name]
