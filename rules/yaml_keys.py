"""Keys that stand twice in a YAML mapping: YAML keeps the last of them without a word."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Repeated(NamedTuple):
    key: str
    line: int
    first: int
    """The line in which it stands for the first time."""


def repeated_keys(tree: Any) -> Iterator[Repeated]:
    """Every such key below a composed node, in the order of the file; an anchor is looked at once."""
    waiting, done = [tree], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in done:
            continue
        done.add(id(node))
        pairs = node.value if node.id == "mapping" else []
        lines: dict[str, int] = {}
        for key, _ in pairs:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                yield Repeated(name, line, lines[name])
            lines.setdefault(name, line)
        children = [value for _, value in pairs] if pairs else node.value if node.id == "sequence" else []
        waiting.extend(reversed(children))
