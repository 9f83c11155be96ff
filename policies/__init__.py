"""Policy packs: what the law says, as versioned data; one YAML file each, named like the pack."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rules.refused import Refused

if TYPE_CHECKING:
    from rules.pack.pack import Pack

FOLDER = Path(__file__).parent
DEFAULT = "permenpanrb-6-2022"


class PackRefused(Refused):
    """There is no such pack, or it does not hold together; the message lists every problem with its key."""


def names() -> list[str]:
    """The packs that come with the product, the default first."""
    return sorted((path.stem for path in FOLDER.glob("*.yaml")), key=lambda name: (name != DEFAULT, name))


@cache
def load(name: str) -> "Pack":
    """Read a pack that comes with the product."""
    if name not in names():
        raise PackRefused(f"there is no policy pack {name!r}; there are: {', '.join(names())}")
    return read(FOLDER / f"{name}.yaml")


def read(path: Path) -> "Pack":
    """Read a pack from any YAML file, for instance an agency's own; the file is named like the pack."""
    pack = parse(path.read_text("utf-8"), path.name)
    if pack.name != path.stem:
        raise PackRefused(f"{path.name}: the pack in it is named {pack.name!r}")
    return pack


def parse(text: str, where: str) -> "Pack":
    """Make a pack of YAML or of its canonical JSON; `where` names it in refusals."""
    from pydantic import ValidationError

    from rules.pack.pack import Pack

    try:
        return Pack.model_validate(_content(text, where))
    except ValidationError as refused:
        found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}".removeprefix(": ") for e in refused.errors()]
        raise PackRefused(f"{where}: " + "; ".join(line.replace("Value error, ", "") for line in found)) from None


def _content(text: str, where: str) -> Any:
    import yaml

    from rules.files.yaml_keys import TagWritten, strict_loader

    try:
        tree = yaml.compose(text, Loader=strict_loader())
        if tree is not None:
            _refuse_bombs(tree, where)
            _refuse_repeated_keys(tree, where)
            _refuse_unreadable(tree, yaml.SafeLoader("").construct_object, where)
        content = yaml.safe_load(text)
    except RecursionError:
        raise PackRefused(f"{where}: is nested too deeply") from None
    except TagWritten as refused:
        raise PackRefused(f"{where}: {refused}") from None
    except yaml.YAMLError as error:
        raise PackRefused(f"{where}: not readable as YAML: {error}") from None
    _refuse_unseen(content, where)
    return content


def _refuse_bombs(node: Any, where: str) -> None:
    """A few lines of anchors can stand for more than any memory holds."""
    from rules.files.yaml_keys import MOST_VALUES, written_out

    if written_out(node) > MOST_VALUES:
        raise PackRefused(f"{where}: holds more than {MOST_VALUES} keys and values")


def _refuse_repeated_keys(node: Any, where: str) -> None:
    """A law would be overruled by a typing error."""
    from rules.files.yaml_keys import repeated_keys

    for one in repeated_keys(node):
        raise PackRefused(f"{where}: line {one.line}: the key {one.key!r} stands twice")


def _refuse_unreadable(node: Any, make: Callable[[Any], Any], where: str) -> None:
    """What looks like a number or a day and is none."""
    from rules.files.yaml_keys import unreadable_values

    for value, line, why in unreadable_values(node, make):
        raise PackRefused(f"{where}: line {line}: {value[:60]!r} is no value: {why}")


def _refuse_unseen(content: Any, where: str) -> None:
    """Words of a pack stand in letters and on pages: all of them can be seen, and none is endless."""
    from rules.files.plain_text import as_line

    waiting, done = [content], set[int]()
    while waiting:
        part = waiting.pop()
        if isinstance(part, str) and (not part or as_line(part) != part):
            raise PackRefused(f"{where}: {part[:60]!r} is empty, too long, or holds signs that nobody sees")
        if not isinstance(part, dict | list) or id(part) in done:
            continue
        done.add(id(part))
        waiting.extend([*part, *part.values()] if isinstance(part, dict) else part)
