"""Numbers as people write them: `12,5`, `100 %`, `Rp 5.000.000,-`; what could mean two things is not guessed."""

import re
import unicodedata
from dataclasses import dataclass

_MONEY = re.compile(r"(?:rp|idr)(?![a-z])\.?\s*", re.IGNORECASE)
_CENTS = re.compile(r"[.,]\s?[-–—]+$")
"""`5.000,-`: the dash stands for no cents."""
_SHARE = re.compile(r"\s*(?:%|persen|percent)$", re.IGNORECASE)
_GROUPS = re.compile(r"\d{1,3}(?:[ '’]\d{3})+(?=$|[.,])")
_NUMBER = re.compile(r"([+-]?)(\d+(?:[.,]\d+)*|[.,]\d+)")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True, slots=True)
class Reading:
    """`value` as a plain decimal, None if unreadable; `either`: the two numbers that it could be."""

    value: str | None
    either: tuple[str, str] | None = None


def read(typed: str) -> Reading:
    """Read a number as it is written here or in English; a currency or percent sign around it is only its dress.

    One separator with three digits after it is a thousand to some and a fraction to others, unless it is money.
    """
    text = unicodedata.normalize("NFKC", typed).replace("\u2212", "-").strip()
    bare = _MONEY.sub("", text, count=1) if _MONEY.match(text) else text
    money = bare != text
    bare = _SHARE.sub("", _CENTS.sub("", bare)).strip()
    bare = _GROUPS.sub(lambda groups: re.sub(r"[ '’]", "", groups[0]), bare)
    found = _NUMBER.fullmatch(bare)
    if found is None or not bare.isascii():
        return Reading(None)
    sign, digits = found[1].replace("+", ""), found[2]
    if _AMBIGUOUS.fullmatch(digits) and not money:
        return Reading(None, _either(digits))
    plain = _thousands(digits) if _AMBIGUOUS.fullmatch(digits) else _plain(digits)
    return Reading(None if plain is None else f"{sign}{plain}")


def _thousands(digits: str) -> str:
    return re.sub(r"[.,]", "", digits)


def _plain(digits: str) -> str | None:
    groups, signs = re.split(r"[.,]", digits), re.findall(r"[.,]", digits)
    if len(signs) < 2:
        return ("0" if not groups[0] else "") + digits.replace(",", ".")
    fraction = groups.pop() if signs[-1] != signs[0] else ""
    between = signs[: len(groups) - 1]
    if len(set(between)) > 1 or len(groups[0]) > 3 or any(len(group) != 3 for group in groups[1:]):
        return None
    return "".join(groups) + (f".{fraction}" if fraction else "")


def _either(digits: str) -> tuple[str, str]:
    """The whole number, and the fraction with so many decimals that it can be read in one way only."""
    whole, fraction = re.split(r"[.,]", digits)
    short = fraction.rstrip("0") or "0"
    return whole + fraction, f"{whole}.{short if len(short) != 3 else short + '0'}"
