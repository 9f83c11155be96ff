"""The language in which a command speaks to people: `--locale`, else `APPRAISAL_LOCALE`, else its usual one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.terms import Locale

LANGUAGES = ("id", "en")
OPTION = "--locale"
_chosen: list["Locale"] = []
"""What `--locale` said in this process; empty as long as nothing was said."""


def hoist(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--locale X` moved to the front, where the root command reads it.

    So the option may stand behind any command; what follows `--` is left alone.
    """
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == OPTION:
            front += [argument, *([value] if (value := next(waiting, None)) is not None else [])]
        elif argument.startswith(f"{OPTION}="):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def choose(locale: str) -> None:
    """Speak this language in this process; empty: what `APPRAISAL_LOCALE` or the command says."""
    from rules.terms import Locale

    _chosen.clear()
    if locale:
        _chosen.append(Locale(locale))


def spoken(usual: str = "en", option: str = "") -> "Locale":
    """The language to speak in: `option` of the command itself, the root's, the setting, `usual`."""
    import settings
    from rules.terms import Locale

    if option:
        return Locale(option)
    if _chosen:
        return _chosen[-1]
    return settings.load().locale or Locale(usual)


def say(id: str, en: str) -> str:
    """The one of the two sentences that is in the chosen language."""
    return id if spoken().value == "id" else en
