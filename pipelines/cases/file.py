"""cases/decisions.yaml as entries, and back. Faults name entry, line and field.

Whether entries are what was decided belongs in `chain.py`, writing them to the disk in `store.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from pipelines.cases.entry import Entry, content

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEAD_LINES = (
    "# Decisions about cases of the extraction watch, oldest first. Add to it with `meterhouse cases decide`;\n"
    "# an entry that is changed, moved or removed breaks the chain of digests. Docs: docs/cases.md\n"
)
# The C ones are much faster and the same otherwise; not every build of PyYAML has them.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Writer: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the file that is not as it should be; `entry` counts from 1, 0 is the file as a whole."""

    cause: str
    entry: int = 0
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        inside = ", ".join(
            part
            for part in (f"line {self.line}" if self.line else "", f"field {self.field}" if self.field else "")
            if part
        )
        where = f"entry {self.entry}" if self.entry else ""
        where = f"{where} ({inside})" if where and inside else where or inside
        return f"{where}: {self.cause}" if where else self.cause


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is in the file: the entries up to the first that cannot be read, and the line each begins in."""

    entries: list[Entry]
    lines: list[int]
    count: int  # entries in the file, those that cannot be read too
    faults: list[Fault]


def parse(text: str) -> Parsed:
    """Read the file's text. Nothing is raised: what is wrong is a fault."""
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Parsed([], [], 0, [])
        if not isinstance(node, yaml.SequenceNode):
            return _unreadable("it is not a list of decisions", node.start_mark.line + 1)
        if fault := _spoiled(node):
            return Parsed([], [], len(node.value), [fault])
        data = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        return _unreadable(f"not valid YAML: {problem}", mark.line + 1 if mark else None)
    finally:
        if loader is not None:
            loader.dispose()
    return _validated(data, node.value)


def _unreadable(cause: str, line: int | None) -> Parsed:
    return Parsed([], [], 0, [Fault(cause, line=line)])


def _validated(data: Sequence[Any], nodes: Sequence[Any]) -> Parsed:
    entries: list[Entry] = []
    lines: list[int] = []
    for number, (plain, node) in enumerate(zip(data, nodes, strict=True), start=1):
        line = node.start_mark.line + 1
        try:
            entries.append(Entry.model_validate(plain))
        except ValidationError as error:
            return Parsed(entries, lines, len(data), [_fault_of(error, number, node)])
        lines.append(line)
    return Parsed(entries, lines, len(data), [])


def _fault_of(error: ValidationError, number: int, node: Any) -> Fault:
    # A field that is not known is often one that is missing, misspelt.
    first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    cause = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
    return Fault(cause.removeprefix("Value error, "), number, _line_of(node, first["loc"]), ".".join(path) or None)


def _line_of(node: Any, path: Iterable[str | int]) -> int:
    """The line of a value in an entry, as near as it is there."""
    line = int(node.start_mark.line) + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _spoiled(root: Any) -> Fault | None:
    """A key that is there twice, of which YAML would silently take the last; or a part that is named and used again."""
    seen: set[int] = set()
    for number, entry in enumerate(root.value, start=1):
        left = [entry]
        while left:
            node = left.pop()
            line = node.start_mark.line + 1
            if id(node) in seen:
                return Fault("anchors and aliases are not for this file: write the value out", number, line)
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                left += node.value
            elif isinstance(node, yaml.MappingNode):
                names: set[str] = set()
                for key, _ in node.value:
                    if key.value in names:
                        return Fault("it is there twice: keep one", number, key.start_mark.line + 1, key.value)
                    names.add(str(key.value))
                left += [value for _, value in node.value]
    return None


class _Dumper(_Writer):  # type: ignore[misc]
    """Long texts on one line each, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def dump(entries: Iterable[Entry]) -> str:
    """The file's text."""
    plain = [_typed(content(entry), entry) for entry in entries]
    text = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1) if plain else ""
    return HEAD_LINES + text.replace("\n- case_id", "\n\n- case_id")


def _typed(plain: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Dates and times as YAML has them, without quotes."""
    plain["time"] = entry.time.astimezone(UTC)
    if entry.until is not None:
        plain["until"] = entry.until
    if entry.snapshot is not None:
        plain["snapshot"] |= {name: getattr(entry.snapshot, name) for name in ("first_seen", "last_seen")}
    return plain


def _write_time(dumper: yaml.SafeDumper, value: datetime) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", value.isoformat().replace("+00:00", "Z"))


def _write_day(dumper: yaml.SafeDumper, value: date) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", value.isoformat())


_Dumper.add_representer(datetime, _write_time)
_Dumper.add_representer(date, _write_day)
