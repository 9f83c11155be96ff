"""What the fonts of this machine can draw; the rest is spelt out, for an empty box says nothing to anybody."""

import re
import unicodedata
from functools import cache, lru_cache

BUILT_IN = ("Libertinus Serif", "New Computer Modern")
"""Come with the typesetter, on every machine."""
COVERED = frozenset({"LATIN", "GREEK", "CYRILLIC", "HEBREW", "COMBINING"})
"""Scripts that they have."""
OTHERS = {
    "ARABIC": ("DejaVu Sans", "Amiri", "Arabic"),
    "CJK": ("CJK", "Source Han", "WenQuanYi", "AR PL", "Droid Sans Fallback", "IPA", "Nanum"),
}
"""Families whose name does not name the script itself."""
_FOREIGN = re.compile("[\u0530-\u1dff\u2c00-\U0010ffff]")


@cache
def families() -> tuple[str, ...]:
    """The families of fonts that the typesetter finds."""
    import typst

    return tuple(typst.Fonts().families())


def drawable(text: str) -> str:
    """The text as it can be drawn: signs of a script without a font are named by their code, in brackets."""
    return _drawable(text, families()) if _FOREIGN.search(text) else text


@lru_cache(maxsize=4096)
def _drawable(text: str, fonts: tuple[str, ...]) -> str:
    pieces: list[str] = []
    lost: list[str] = []
    for sign in [*text, ""]:
        if sign and not _is_drawn(sign, fonts):
            lost.append(f"U+{ord(sign):04X}")
            continue
        if lost:
            pieces.append(f"[{' '.join(lost)}]")
            lost = []
        pieces.append(sign)
    return "".join(pieces)


@lru_cache(maxsize=4096)
def _is_drawn(sign: str, fonts: tuple[str, ...]) -> bool:
    if not _FOREIGN.match(sign):
        return True
    script = _script(sign)
    if script in COVERED:
        return True
    wanted = (script.title(), *OTHERS.get(script, ()))
    return any(name in family for family in fonts for name in wanted)


def _script(sign: str) -> str:
    """The first word of the sign's name: JAVANESE, ARABIC, CJK; EMOJI for pictures."""
    if ord(sign) >= 0x1F000 and unicodedata.category(sign) in ("So", "Sk"):
        return "EMOJI"
    word = unicodedata.name(sign, "UNNAMED").split()[0]
    return "CJK" if word in ("HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH") else word
