"""How a person is greeted where little may be told: by given name and an initial, without titles and degrees."""

import re

_TITLES = frozenset({
    "alm", "apt", "dr", "dra", "drg", "drh", "drs", "gus", "h", "hj", "ht", "ir", "kh", "kpt", "letda", "lettu",
    "mayor", "ns", "ny", "pdt", "prof", "r", "ra", "raden", "rm", "rr", "st", "tgk", "tn", "ust", "ustadz",
})  # fmt: skip
"""As people write them with and without a dot."""
_DEGREE = re.compile(r"(?:A|S|M|D)\.?(?:[A-Z][a-z]{0,4}\.?){1,3}")
"""S.Pd, SPd, M.Kes., MM: only behind a name, where they stand without a comma."""
_LINKS = frozenset({"bin", "binti", "al", "van", "de", "a/n"})
_PREFIXES = frozenset({"i", "ni"})
"""Balinese: part of the name that follows."""
LONGEST = 24


def short_name(name: str) -> str:
    """`Drs Baharuddin Lopa, M.Si.` is `Baharuddin L.`: enough for the owner, little for anybody else."""
    words = [word for word in name.split(",")[0].split() if any(sign.isalpha() for sign in word)]
    parts = [word for word in words if not (word.endswith(".") or word.casefold().rstrip(".") in _TITLES)]
    while len(parts) > 1 and _DEGREE.fullmatch(parts[-1]):
        parts.pop()
    parts = [word for word in parts if word.casefold() not in _LINKS] or words or [name.strip()]
    first = parts.pop(0)
    if first.casefold() in _PREFIXES and parts:
        first = f"{first} {parts.pop(0)}"
    first = first if len(first) <= LONGEST else f"{first[: LONGEST - 1]}…"
    initial = next((sign for word in parts for sign in word if sign.isalpha()), "")
    return f"{first} {initial.upper()}." if initial else first
