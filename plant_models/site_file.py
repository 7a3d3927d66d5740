"""A site file as text: its YAML, and the line on which a key stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Keys = tuple[str | int, ...]
"""keys from the top of a site file to a place in it"""


class SiteError(ValueError):
    """What is wrong with a site file, where, and what would be accepted."""


def read(path: Path) -> tuple[dict[str, Any], yaml.Node]:
    """A site file's content and where its keys stand. Raises SiteError."""
    try:
        source = path.read_text(encoding="utf-8")
        data, tree = yaml.safe_load(source), yaml.compose(source)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: not YAML: {error}") from None
    if not isinstance(data, dict) or tree is None:
        raise SiteError(f"{path}: expected a mapping of name, location, components, nodes, ...")
    for key in given_twice(tree):
        raise SiteError(f"{path}:{key.start_mark.line + 1}: key {key.value!r} stands twice in one mapping")
    return data, tree


def given_twice(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Keys that stand twice in one mapping: the second would replace the first unseen."""
    children = list(node.value) if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            children.append(value)
    for child in children:
        yield from given_twice(child)


def line_of(tree: yaml.Node, where: Keys) -> str:
    """``:line`` of the deepest of these keys that the file has, or nothing."""
    node, line = tree, 0
    for part in where:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return f":{line}" if line else ""
