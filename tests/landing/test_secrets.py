"""What must not be stored in clear: keys, persons, addresses, texts; and the pseudonyms that stand for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from pipelines.build import DBT_PROJECT
from pipelines.landing.staging import salt
from tests.landing.homes import CANONICAL, Row, drop, drop_parquet, event, events, land, make_home, quarantined

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


def test_only_digests_pass_as_keys_and_only_ours_as_persons(tmp_path: Path) -> None:
    ours, sha256 = "h_0123456789abcdef01234567", "0123456789abcdef" * 4
    home = make_home(tmp_path / "home", CANONICAL)
    near = ["h_0123456789abcdef0123456", "h_0123456789ABCDEF01234567", "h_Jane Doe", sha256[1:], sha256[1:] + "X"]
    texts = [ours, sha256, *near]
    drop(home, "g/a.jsonl", [event(n, api_key_id=t, end_user_id=t) for n, t in enumerate(texts)])
    land(home)
    assert [e["api_key_id"] for e in events(home)][:2] == [ours, sha256]
    assert events(home)[0]["end_user_id"] == ours
    hashed = [e["api_key_id"] for e in events(home)][2:] + [e["end_user_id"] for e in events(home)][1:]
    assert all(t.startswith("h_") and len(t) == 26 and t not in texts for t in hashed)
    assert len(set(hashed)) == len(near) + 1


def test_plain_networks_pass(tmp_path: Path) -> None:
    plain = ["88dc28d0f030c55ed4ab77ed8faf098196cb", "acme:search", "net-1", "svc.search", "office_12"]
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event(n, client_network=t) for n, t in enumerate(plain)])
    land(home)
    assert [e["client_network"] for e in events(home)] == plain


ADDRESSES = [
    "203.0.113.7, 10.0.0.1", "203.0.113.7,10.0.0.1", "\t10.1.2.3", "10.1.2.3\n", "\u00a010.1.2.3", "\u200b10.1.2.3",
    "ip-10-1-2-3.ec2.internal", "10.1.2.3:443", "10.1.2.0/24", "3405803783", "2001:db8::77", "[2001:db8::77]:443",
    "::1", "for=203.0.113.7;proto=https", "host 203.0.113.7",
    "host_10_1_2_3", "0xCB007107", "2001-db8--77.ipv6-literal.net", "host-2001-0db8-0000-0000-0000-ff00-0042-8329.net",
    "AKIAIOSFODNN7EXAMPLE", "nvapi-Zz0123456789_-abcdefgh",
]  # fmt: skip


def test_addresses_in_any_dress_become_pseudonyms(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event(n, client_network=t) for n, t in enumerate(ADDRESSES)])
    land(home)
    kept = [str(e["client_network"]) for e in events(home)]
    assert len(kept) == len(ADDRESSES)
    assert all(t.startswith("h_") for t in kept), kept


def test_a_key_in_the_place_of_a_program_becomes_a_pseudonym(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    keys = [
        "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEFGHIJ", "nvapi-Zz0123456789_-abcdefgh",
        "key:sk-proj-Abcdefghijklmnop1234", '"sk-proj-Abcdefghijklmnop1234"', "\u00a0sk-proj-Abcdefghijklmnop1234",
        "key=wJalrXUtnFEMI+K7MDENG+bPxRfiCYEXAMPLEKEY",
    ]  # fmt: skip
    plain = ["openai-node", "python-requests", "LibreChat2-prod-01", "okhttp", "langchain-openai-0.2"]
    drop(home, "g/a.jsonl", [event(n, client_agent=t) for n, t in enumerate([*keys, *plain])])
    land(home)
    kept = {e["event_id"]: e["client_agent"] for e in events(home)}
    assert all(str(kept[str(n)]).startswith("h_") or kept[str(n)] is None for n in range(len(keys))), kept
    assert [kept[str(len(keys) + n)] for n in range(len(plain))] == plain


def test_blanks_of_every_kind_are_no_name(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("\u00a0"), event("2", organization_id="\u3000"), event("3", model="\u00a0m ")])
    assert land(home).quarantined == 2
    assert [e["model"] for e in events(home)] == ["m"]


# A key may look like anything, and so may a person.
KEYS = [
    "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "pplx-0123456789abcdefghijABCDEFGHIJ", "nvapi-Zz0123456789_-abcdefgh",
    "AKIAIOSFODNN7EXAMPLE", "tgp_v1_0123456789abcdefABCDEF", "r8_0123456789abcdefABCDEF01", "fw_0123456789abcdefABCD",
    "csk-0123456789abcdefghijabcdef", "key_01fd8a6b2c3d4e5f", "sk-proj-Abcdefghijklmnop1234", "hunter2",
    "correct horse", "Bearer 0123456789.abcdef-ghijkl", "acme:search", "k-42",
]  # fmt: skip
PERSONS = ["Jane Doe", "jane.doe", "+49 151 23456789", "4915123456789", "jane@example.org", "u-1", "203.0.113.78"]


def called(key: str, person: str, number: int, **changes: object) -> dict[str, Row]:
    """A record of each format that names a key and a person."""
    agent = f"curl ({person})"
    metadata = {"user_agent": agent, "user_api_key": key, "headers": {"x-api-key": key}}
    return {
        "canonical": event(number, api_key_id=key, end_user_id=person, client_agent=agent, **changes),
        "litellm": {**LITELLM, "request_id": f"{number}", "api_key": key, "end_user": person, "user": person,
                    "metadata": metadata, **changes},
        "openai": {**OPENAI, "id": f"{number}", "api_key": key, "user": person, "user_agent": agent, **changes},
        "tables": {"at": "2024-03-01", "key": key, "who": person, "in": 1, "id": number, **changes},
    }  # fmt: skip


MAPPED = (
    '[[sources]]\nname = "tables"\nformat = "mapped"\n[sources.columns]\noccurred_at = "at"\nevent_id = "id"\n'
    'api_key_id = "key"\nend_user_id = "who"\ninput_tokens = "in"\n'
    '[sources.constants]\nprovider = "p"\nmodel = "m"\norganization_id = "acme"\n'
)
CALLS = [(k, PERSONS[n % len(PERSONS)], n) for n, k in enumerate(KEYS)]


def test_api_key_and_person_of_any_form_are_hashed(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", MAPPED)
    for name in ("canonical", "litellm", "openai", "tables"):
        drop(home, f"{name}/a.jsonl", [called(*call)[name] for call in CALLS])
    assert land(home).accepted == 4 * len(CALLS)
    for row in events(home):
        assert [row[n][:2] for n in ("api_key_id", "end_user_id")] == ["h_", "h_"], row
    kept = bytes_kept(home)
    assert [t for t in KEYS if f"'{t}'".encode() in kept] == []
    assert [t for t in PERSONS if f"'{t}'".encode() in kept] == []
    # One key has one name, whatever the format.
    assert len({e["api_key_id"] for e in events(home)}) == len(KEYS)


def _csv(rows: list[Row]) -> str:
    return "".join(",".join(f'"{c}"' for c in cells) + "\n" for cells in (rows[0], *(r.values() for r in rows)))


def test_api_key_and_person_of_any_form_are_left_out_of_refused_records(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", MAPPED)
    for name, bad in {"canonical": "input_tokens", "litellm": "prompt_tokens", "openai": "created"}.items():
        rows = [called(*call, **{bad: "x"})[name] for call in CALLS]
        whole = [json.dumps(row) for row in rows]
        # Cut off after the first key, with the key in it or its own end cut off; and as Python prints them.
        key = "api_key_id" if name == "canonical" else "api_key"
        cut = [text[: text.index(row[key]) + 9] for text, row in zip(whole, rows, strict=True)]
        drop(home, f"{name}/a.jsonl", [*whole, *cut, *(t[:-1] for t in whole), *map(str, rows)])
        drop(home, f"{name}/b.json", json.dumps(rows, indent=2))
    tables = [called(*call, **{"in": "x"})["tables"] for call in CALLS]
    drop(home, "tables/a.csv", _csv(tables) + "".join(f"{r['key']},{r['who']}\n" for r in tables))
    drop(home, "tables/b.csv", _csv(tables).replace('"x"', '"x","more"'))
    drop(home, "tables/c.csv", _csv(tables[:1]) + f'{KEYS[0]},"{PERSONS[0]}\n')
    drop_parquet(home, "tables/d.parquet", {n: [str(r[n]) for r in tables] for n in tables[0]})
    rivals = [called(*call, model=m)["canonical"] for call in CALLS for m in ("m", "m2")]
    drop(home, "canonical/c.jsonl", [{**r, "event_id": f"c{r['event_id']}"} for r in rivals])
    summary = land(home)
    # A row that another file has in the same line is one record.
    assert (summary.quarantined, summary.duplicates) == (len(CALLS) * 20 + 1, 1)
    assert summary.accepted == len(CALLS)
    records = quarantined(home)
    clear = [c for c in (*KEYS, *PERSONS) if c not in {"acme:search", "k-42", "u-1", "hunter2"}]
    assert {c: r["raw"] for r in records for c in clear if c in r["raw"] or c in r["reason"]} == {}
    for short in ('"acme:search"', '"k-42"', '"u-1"', '"hunter2"', "'hunter2'", "k-42,", "hunter2,"):
        assert [r["raw"] for r in records if short in r["raw"]] == []
    # Nor the first nine letters of one that was cut off.
    assert [r["raw"] for r in records if any(c[:9] in r["raw"] for c in KEYS if c[:9] != "acme:sear")] == []


def test_values_of_keys_that_name_a_secret_are_left_out_whatever_they_are(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL + MAPPED.replace('who"', 'password"'))
    names = ["api_key", "apiKey", "x-api-key", "X-API-Key", "Authorization", "token", "access_token", "client_secret",
             "password", "private_key", "db_passwd", "Set-Cookie", "credentials"]  # fmt: skip
    secrets = {name: f"letmein{n}" for n, name in enumerate(names)}
    numbers = {name: 900000 + n for n, name in enumerate(names) if not name.lower().endswith("token")}
    for n, held in enumerate((secrets, numbers)):
        bad = event(n, input_tokens=-1, headers={**held, "nested": [held]}, **held)
        drop(home, f"g/{n}.jsonl", [bad, json.dumps(bad)[:-1], str(bad)])
    drop(home, "tables/a.jsonl", [{"at": "2024-03-01", "in": -1, "id": 1, "password": "letmein", "key": 900000}])
    assert land(home).quarantined == 7
    kept = bytes_kept(home)
    assert b"letmein" not in kept
    assert b"90000" not in kept
    raw = quarantined(home)[0]["raw"]
    assert json.loads(raw)["headers"] == {**dict.fromkeys(names, "***"), "nested": [dict.fromkeys(names, "***")]}


def test_counts_called_token_stay(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("1", input_tokens=-1, completion_token=5)])
    land(home)
    assert '"completion_token": 5' in quarantined(home)[0]["raw"]


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
    bad = event("1", api_key_id="***", client_network="***", end_user_id="***", note=["…", "…"], input_tokens=-1)
    assert raw == json.dumps(bad, ensure_ascii=False)


def test_columns_are_described_as_they_are(refused: Home, tmp_path: Path) -> None:
    text = (DBT_PROJECT / "models" / "published" / "quarantined_records.yml").read_text(encoding="utf-8")
    described = {c["name"]: c["description"] for c in yaml.safe_load(text)["models"][0]["columns"]}
    raw = quarantined(refused)[0]["raw"]
    assert all(mark in raw and mark in described["raw"] for mark in ("***", "…"))
    made = make_home(tmp_path / "home", CANONICAL)
    drop(made, "g/a.jsonl.gz", b"cut off")
    land(made)
    (whole,) = quarantined(made)
    assert (whole["line"], whole["raw"]) == (None, "7 bytes")
    assert "its size" in described["raw"]
    assert "null when the whole file is meant" in described["line"]


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that has refused records with prompts and answers in them, and keys where numbers belong."""
    made = make_home(tmp_path_factory.mktemp("text") / "home", MAPPED.replace("tables", "mapped"))
    told = [{"role": "user", "content": SAID}]
    bad = event("kept-id", latency_ms=KEY, input_tokens=1, messages=told, prompt=SAID, input=SAID)
    answer = {**OPENAI, "id": "kept-id", "usage": None, "choices": [{"message": {"content": SAID}}], "user": MAIL}
    body = {**answer, "output": [{"content": [{"text": SAID}]}]}
    batch = {"custom_id": "c", "id": "kept-id", "response": {"status_code": 200, "body": body}}
    spend = {"request_id": "kept-id", **LITELLM, "prompt_tokens": -1, "messages": told, "response": SAID}
    nested = {**spend, "metadata": json.dumps({"spend_logs_metadata": {"tools": [{"arguments": SAID}]}})}
    rival = event("conflict", occurred_at="2024-03-02", model="kept-id", content=SAID)
    # Under names that no list has, under names of fields that stand elsewhere, and as names.
    unlisted = ("system", "query", "question", "user_message", "assistant_response", "Prompt Text")
    named = dict.fromkeys(unlisted, SAID)
    tool = {"type": "tool_use", "input": {"model": SAID, "event_id": [SAID], "region": {"organization_id": SAID}}}
    other = event("kept-id", input_tokens=-1, **named, turns=[named, tool], **{SAID: 1})
    drop(made, "canonical/a.jsonl", [bad, json.dumps(bad)[:-9], str(bad), event("conflict"), rival])
    drop(made, "canonical/b.jsonl", [other, json.dumps(other)[:-1], str(other), SAID, f"{{{SAID}: 1}}", f'"{SAID}"'])
    drop(made, "openai/a.jsonl", [answer, batch, {**answer, "metadata": {**named, "organization": "acme"}}])
    drop(made, "litellm/a.jsonl", [spend, nested, {**spend, "metadata": {**named, "usage_object": None}}])
    row = {"id": "kept-id", "at": "2024-03-01", "in": -1, "key": KEY, "who": "merger", **named}
    drop(made, "mapped/a.jsonl", [row])
    drop(made, "mapped/b.csv", f"{','.join(row)}\n{','.join(map(str, row.values()))}\nkept-id,{SAID}\n")
    drop_parquet(made, "mapped/c.parquet", {k: [v] for k, v in row.items()})
    head = "event_id,occurred_at,organization_id,model,prompt"
    drop(made, "table/a.csv", f'{head}\nkept-id,2024-03-01,o,m,"{SAID}"\n2,2024-03-01,o,m,{SAID},x\n"{SAID},{SAID}\n')
    assert land(made).accepted == 1
    return made


def test_quarantine_holds_no_prompt_or_answer(talkative: Home) -> None:
    records = quarantined(talkative)
    assert len(records) == 23
    assert SAID.encode() not in bytes_kept(talkative)
    assert b"merger" not in bytes_kept(talkative)
    nothing = {"[text left out]", '"…"', "…,…", "…,…,…,…,…,…", '"…,…', "{… … … … …: 1}"}
    for record in records:
        assert "kept-id" in record["raw"] or record["raw"] in nothing, record


def test_column_names_that_may_be_a_row_are_not_in_a_reason(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", MAPPED)
    headless = ["2024-03-01", *KEYS[:3], MAIL, SAID, "49151234567", "prompt_tokens", "a.b-c d"]
    drop(home, "tables/a.csv", ",".join(headless) + "\n")
    land(home)
    [record] = quarantined(home)
    assert "there is no column 'at' (it has …, …, …, …, …, …, …, prompt_tokens, a.b-c d)" in record["reason"]


def test_numbers_that_stand_for_text_are_left_out(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    bad = event("1", input_tokens=-1, prompt=[15496, 11, 995], data=[{"embedding": [0.25, -1e-3], "index": 0}])
    drop(home, "g/a.jsonl", [bad, json.dumps(bad)[:-30]])
    land(home)
    raw = [q["raw"] for q in quarantined(home)]
    assert raw[0].endswith('"prompt": […], "data": [{"embedding": […], "index": 0}]}')
    assert "995" not in raw[1]
    assert "0.25" not in raw[1]


def test_reasons_show_a_value_only_if_it_is_none_that_must_be_left_out(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    values = {SAID: "a text of 21 characters", KEYS[0]: "a text of 32 characters", KEY: "sk-***",
              "AKIAIOSFODNN7EXAMPLE": "AKIA***", "12 tokens": "12 tokens", "9" * 60: "9" * 60,
              "x" * 90: "a text of 90 characters"}  # fmt: skip
    drop(home, "g/a.jsonl", [event(n, latency_ms=v) for n, v in enumerate(values)])
    land(home)
    wanted = [f"latency_ms is not a whole number: {shown}" for shown in values.values()]
    assert [q["reason"] for q in quarantined(home)] == wanted


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


def test_of_a_long_text_that_is_no_json_the_beginning_is_kept(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", '[[sources]]\nname = "g"\nformat = "openai"\n')
    record = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "usage": [{"index": n, "of": [1, 2]} for n in range(20_000)],
    }
    drop(home, "g/a.jsonl", [json.dumps(record)[:-3]])
    land(home)
    [refused] = quarantined(home)
    assert "chatcmpl-1" in refused["raw"]
    assert len(refused["raw"]) <= 2_000


def test_a_prompt_in_the_wrong_column_is_kept_nowhere(tmp_path: Path) -> None:
    """A mapping that names the prompt's field for a number, a time, a class or a digest."""
    short, words = "Say hello please", "what is our plan for the coming merger"
    numbers = ("input_tokens", "occurred_at", "status", "temperature", "gateway_cache_hit", "revision")
    classes = ("prompt_digest", "template_digest", "error_type", "finish_reason", "operation")
    home = make_home(tmp_path / "home", CANONICAL)
    records = [event(f"{c} {n}", **{c: t}) for c in (*numbers, *classes) for n, t in enumerate((short, words))]
    drop(home, "g/a.jsonl", records)
    rows = [",".join(map(str, r.values())) for r in records[:2]]
    drop(home, "g/a.csv", "\n".join([",".join(records[0]), *rows]) + "\n")
    summary = land(home)
    assert (summary.quarantined, summary.accepted) == (2 * len(numbers) + 2, 2 * len(classes))
    for said in (short, words, "hello", "merger"):
        assert said.encode() not in bytes_kept(home)
    [told] = {e["error_type"] for e in events(home) if e["event_id"] == "error_type 0"}
    assert re.fullmatch("h_[0-9a-f]{24}", told)


@pytest.mark.parametrize(
    "value", ["2026-11-01 01:30:00 EST", "Tue, 01 Dec 2026 10:00:00 GMT", "1 March 2026 9:15 pm", "yesterday", "1e400"]
)
def test_what_looks_like_a_time_is_shown(tmp_path: Path, value: str) -> None:
    home = make_home(tmp_path / "home", CANONICAL)
    drop(home, "g/a.jsonl", [event("1", latency_ms=value)])
    land(home)
    [record] = quarantined(home)
    assert record["reason"].endswith(f": {value}")
    assert value in record["raw"]
