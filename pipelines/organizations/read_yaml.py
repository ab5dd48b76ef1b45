"""Reads organizations.yaml as text, with the line of each entry. What a value may say belongs in `check.py`.

The tree of nodes is read, not values: so a time stays as it was written, and lines are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pipelines.errors import MeterhouseError
from pipelines.organizations.columns import COLUMNS
from pipelines.organizations.rows import SEPARATOR, Row, require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Ten times as fast where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 10
_LISTS = frozenset(column.name for column in COLUMNS if column.kind == "list")
_NOTHING = "tag:yaml.org,2002:null"
_ENTRY = "An entry is a mapping, as in `- {organization_id: acme, suspended_from: 2026-03-01T00:00:00Z}`."

_OWN_LINE = "Begin each entry on a line of its own; until then the second does not count."


def read_yaml(path: Path, text: str, faults: list[MeterhouseError]) -> Iterator[Row]:
    """Each entry of the file; faulty ones are added to `faults`. Raises where nothing can be read."""
    try:
        _require_shallow(path, text)
        root = yaml.compose(text, _LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        cause = getattr(error, "problem", None) or "it cannot be read"
        raise MeterhouseError(
            f"not valid YAML: {cause}.",
            file=path,
            line=mark.line + 1 if mark else None,
            way_out="Mend that line and run again.",
        ) from error
    if not isinstance(root, yaml.SequenceNode):
        raise MeterhouseError("the file is not a list of organisations.", file=path, line=1, way_out=_ENTRY)
    before = -1
    for node in root.value:
        line = node.start_mark.line
        if line == before:
            faults.append(MeterhouseError("two entries are on one line.", file=path, line=line + 1, way_out=_OWN_LINE))
            continue
        before = line
        try:
            yield line + 1, _entry(path, node)
        except MeterhouseError as fault:
            faults.append(fault)


def _require_shallow(path: Path, text: str) -> None:
    """Raise MeterhouseError for lists in lists without end, which would end the process when they are composed."""
    depth = 0
    for event in yaml.parse(text, _LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise MeterhouseError(
                "the file is nested too deeply.", file=path, line=event.start_mark.line + 1, way_out=_ENTRY
            )


def _entry(path: Path, node: yaml.Node) -> dict[str, str]:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise MeterhouseError("the entry is no mapping.", file=path, line=line, way_out=_ENTRY)
    names = [key.value if isinstance(key, yaml.ScalarNode) else "" for key, _ in node.value]
    require_columns(path, line, names)
    return {name: _text(path, name, value) for name, (_, value) in zip(names, node.value, strict=True)}


def _text(path: Path, name: str, node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "" if node.tag == _NOTHING else str(node.value)
    if isinstance(node, yaml.SequenceNode) and name in _LISTS:
        items = [str(item.value) for item in node.value if isinstance(item, yaml.ScalarNode)]
        if len(items) == len(node.value) and not any(SEPARATOR in item for item in items):
            return SEPARATOR.join(items)
    raise MeterhouseError(
        f"the value of {name} is {'no list of names' if name in _LISTS else 'no single value'}.",
        file=path,
        line=node.start_mark.line + 1,
        field=name,
        way_out="Write names in brackets, as in [eu-west-1, eu-north-1]."
        if name in _LISTS
        else "Write one value on that line.",
    )
