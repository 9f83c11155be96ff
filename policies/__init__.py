"""Policy packs: what the law says, as versioned data; one YAML file each, named like the pack."""

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

    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        if tree is not None:
            _refuse_bombs(tree, where)
            _refuse_repeated_keys(tree, where)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PackRefused(f"{where}: not readable as YAML: {error}") from None


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
