"""Sources in object stores: every object once, whatever the store does meanwhile. S3 is a server on this machine."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
import s3fs
from fsspec.implementations.memory import MemoryFileSystem
from moto.server import ThreadedMotoServer

from pipelines.errors import MeterhouseError
from pipelines.landing import objects
from pipelines.landing.objects import fetch
from pipelines.settings import Source, load_settings
from tests.landing.homes import entries, event, events, land, make_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.home import Home


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A store that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> s3fs.S3FileSystem:
    """Its file system, with an empty bucket `logs`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem(endpoint_url=endpoint, use_listings_cache=False)
    if store.exists("logs"):
        store.rm("logs", recursive=True)
    store.mkdir("logs")
    return store


def lines(*names: str, **changes: object) -> bytes:
    return "".join(json.dumps(event(name, **changes)) + "\n" for name in names).encode()


def make(root: Path, url: str, **storage: object) -> Home:
    options = ", ".join(f"{k} = {json.dumps(v)}" for k, v in storage.items())
    return make_home(
        root,
        f'[[sources]]\nname = "g"\nformat = "canonical"\nfiles = "*.jsonl*"\nurl = "{url}"\n'
        + (f"storage = {{{options}}}\n" if options else ""),
    )


def names(home: Home) -> list[str]:
    return [e["event_id"] for e in events(home)]


def test_objects_of_s3_are_taken_in_once(s3: s3fs.S3FileSystem, endpoint: str, tmp_path: Path) -> None:
    home = make(tmp_path / "home", "s3://logs/usage", endpoint_url=endpoint)
    s3.pipe("logs/usage/2024/a.jsonl", lines("a", "b"))
    s3.pipe("logs/usage/2024/b.jsonl.gz", gzip.compress(lines("c")))
    s3.pipe("logs/usage/notes.txt", b"no log")
    s3.pipe("logs/usage/.hidden.jsonl", lines("x"))
    s3.pipe("logs/other/c.jsonl", lines("y"))
    assert land(home).accepted == 3
    assert names(home) == ["a", "b", "c"]
    assert land(home).files == 0
    # Appended to, renamed, and taken away.
    s3.pipe("logs/usage/2024/a.jsonl", lines("a", "b", "d"))
    s3.mv("logs/usage/2024/b.jsonl.gz", "logs/usage/moved.jsonl.gz")
    summary = land(home)
    assert (summary.files, summary.accepted, summary.duplicates) == (1, 1, 2)
    s3.rm("logs/usage", recursive=True)
    assert land(home).files == 0
    assert names(home) == ["a", "b", "c", "d"]


def test_unchanged_objects_are_not_fetched_again(s3: s3fs.S3FileSystem, endpoint: str, tmp_path: Path) -> None:
    home = make(tmp_path / "home", "s3://logs", endpoint_url=endpoint)
    s3.pipe("logs/a.jsonl", lines("a"))
    settings = load_settings(home)
    assert fetch(home, settings) == 1
    # Whoever is short of space may delete the copy.
    (home.fetched / "g/a.jsonl").unlink()
    assert fetch(home, settings) == 0
    s3.pipe("logs/a.jsonl", lines("b"))  # of the same size
    assert fetch(home, settings) == 1
    (home.work / "fetched-g.json").unlink()
    assert fetch(home, settings) == 1


def test_lost_memory_and_copies_change_nothing(s3: s3fs.S3FileSystem, endpoint: str, tmp_path: Path) -> None:
    home = make(tmp_path / "home", "s3://logs", endpoint_url=endpoint)
    s3.pipe("logs/a.jsonl", lines("a"))
    land(home)
    (home.work / "fetched-g.json").unlink()
    assert land(home).files == 0
    assert names(home) == ["a"]


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """A store in this process, empty."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


def test_a_source_has_landed_files_beside_its_objects(memory: MemoryFileSystem, tmp_path: Path) -> None:
    home = make(tmp_path / "home", "memory://logs")
    memory.pipe("/logs/a.jsonl", lines("a"))
    (home.landing / "g").mkdir()
    (home.landing / "g/a.jsonl").write_bytes(lines("b"))
    assert land(home).accepted == 2
    assert {e["file"] for e in entries(home)} == {"a.jsonl"}


def test_an_object_that_changes_while_it_is_fetched_is_left_for_the_next_run(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make(tmp_path / "home", "memory://logs")
    memory.pipe("/logs/a.jsonl", lines("a"))
    get_file = MemoryFileSystem.get_file

    def replaced(self: MemoryFileSystem, path: str, *arguments: Any, **options: Any) -> None:
        get_file(self, path, *arguments, **options)
        self.pipe(path, lines("a", "b"))

    monkeypatch.setattr(MemoryFileSystem, "get_file", replaced)
    assert land(home).files == 0
    assert not list(home.fetched.rglob("*.jsonl*"))
    monkeypatch.undo()
    assert land(home).accepted == 2


def test_a_store_that_fails_in_the_middle_loses_nothing(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make(tmp_path / "home", "memory://logs")
    for name in "abc":
        memory.pipe(f"/logs/{name}.jsonl", lines(name))
    get_file = MemoryFileSystem.get_file

    def failing(self: MemoryFileSystem, path: str, *arguments: Any, **options: Any) -> None:
        if path.endswith("b.jsonl"):
            raise TimeoutError("the store is away")
        get_file(self, path, *arguments, **options)

    monkeypatch.setattr(MemoryFileSystem, "get_file", failing)
    with pytest.raises(MeterhouseError, match=r"at memory://logs cannot be fetched: TimeoutError: the store"):
        land(home)
    assert [p.name for p in home.fetched.rglob("*") if p.is_file()] == ["a.jsonl"]
    monkeypatch.undo()
    fetched: list[str] = []
    fetch(home, load_settings(home), lambda name, *_: fetched.append(name))
    assert fetched == ["g/b.jsonl", "g/c.jsonl"]
    assert land(home).accepted == 3


@pytest.mark.parametrize("name", ["a.jsonl/b.jsonl", "../../landing/g/x.jsonl"])
def test_names_that_lead_elsewhere_are_refused(
    name: str, memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make(tmp_path / "home", "memory://logs")
    memory.pipe("/logs/a.jsonl", lines("a"))
    listed = objects._objects

    def with_another(*arguments: Any) -> Iterator[Any]:
        yield from listed(*arguments)
        yield name, "/logs/a.jsonl", [1, ""]

    monkeypatch.setattr(objects, "_objects", with_another)
    with pytest.raises(MeterhouseError, match="has a name that no file beside the others can have"):
        fetch(home, load_settings(home))
    assert [p.relative_to(home.root).as_posix() for p in home.root.rglob("*.jsonl")] == ["fetched/g/a.jsonl"]


@pytest.mark.parametrize(
    ("url", "words"),
    [("nowhere://x", "needs a package or protocol that is not there"), ("gs://x", "Install the package of that store")],
)
def test_a_store_that_nothing_reads_is_named(url: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(MeterhouseError) as caught:
        land(make(tmp_path / "home", url))
    assert words in caught.value.paragraph()


def test_settings_of_a_store_are_checked() -> None:
    with pytest.raises(ValueError, match="'bucket/logs' is no address of an object store"):
        Source(name="g", format="canonical", url="bucket/logs")
    with pytest.raises(ValueError, match="storage is for a source with a url"):
        Source(name="g", format="canonical", storage={"a": 1})
