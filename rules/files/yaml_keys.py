"""What YAML takes without a word: keys that stand twice, and anchors that make much of little."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

MOST_BYTES = 256 * 1024
"""Of a YAML file of an agency; the largest of the examples has a twentieth of it."""
MOST_VALUES = 20_000
"""Keys and values of such a file once every anchor is written out."""


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


def written_out(tree: Any) -> int:
    """How many keys and values a composed node has with every anchor written out; one within itself counts once.

    Each node is looked at once, so that a few lines which stand for billions are counted, not made.
    """
    sizes: dict[int, int] = {}
    waiting: list[tuple[Any, bool]] = [(tree, False)]
    while waiting:
        node, seen = waiting.pop()
        parts = _parts(node)
        if seen:
            sizes[id(node)] = 1 + sum(sizes.get(id(part), 1) for part in parts)
        elif id(node) not in sizes:
            sizes[id(node)] = 1
            waiting.append((node, True))
            waiting.extend((part, False) for part in parts if id(part) not in sizes)
    return sizes[id(tree)]


def _parts(node: Any) -> list[Any]:
    if node.id == "mapping":
        return [part for pair in node.value for part in pair]
    return list(node.value) if node.id == "sequence" else []


class TagWritten(ValueError):
    """A value with a tag (`!!bool`, `!mine`): each says by itself what it is."""


@cache
def strict_loader() -> Any:
    """The safe loader of YAML that refuses every tag where it meets it, so that nothing nested is read in vain."""
    import yaml

    class Strict(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()
            if tag := getattr(event, "tag", None):
                name = tag.replace("tag:yaml.org,2002:", "!!")
                raise TagWritten(
                    f"line {event.start_mark.line + 1}: the tag {name} is not taken: write the value alone"
                )
            return super().compose_node(parent, index)

    return Strict


def unreadable_values(tree: Any, make: Callable[[Any], Any]) -> Iterator[tuple[str, int, str]]:
    """Each value below a node that looks like a number or a day and is none: the value, its line and why."""
    waiting, done = [tree], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in done:
            continue
        done.add(id(node))
        if node.id != "scalar":
            waiting.extend(reversed(_parts(node)))
        elif not node.tag.endswith((":str", ":merge", ":value")):
            try:
                make(node)
            except Exception as why:
                yield node.value, node.start_mark.line + 1, str(why) or type(why).__name__
