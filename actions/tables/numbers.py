"""How a spreadsheet shows a number: as a day, or with the zeros and signs of its format."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

Show = Callable[[float], str]
EXACT_BELOW = 10**15
"""A spreadsheet keeps 15 digits of a number."""

_DAY_IDS = frozenset([*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)])
_DIGIT_IDS = {1: "0", 2: "0.00"}
_1900, _1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001  a day has no zone


def plain(number: float) -> str:
    """A number without a format; one too long for a spreadsheet stays scientific, so that it is refused."""
    if abs(number) >= EXACT_BELOW:
        return f"{number:.14e}"
    return str(int(number)) if float(number).is_integer() else f"{number:.15g}"


def shown_as(format_id: int, code: str, *, first_day_1904: bool = False) -> Show | None:
    """How numbers of a format are shown; None if simply as they are."""
    if format_id in _DAY_IDS and not code:
        return _days(first_day_1904)
    code = code or _DIGIT_IDS.get(format_id, "")
    bare = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.', "", code.partition(";")[0]).lower()
    if bare in ("", "general", "standard", "@"):
        return _around(code) if code else None
    if re.search(r"[dmyhs]", bare) and not re.search(r"[0#?]", bare.replace("ss.0", "")):
        return _days(first_day_1904)
    return _digits(code.partition(";")[0])


def day_of(number: float, *, first_day_1904: bool = False) -> str:
    """The day of a serial number, as 2026-01-31; the number itself if no calendar has it."""
    if not first_day_1904 and number < 60:  # before the 29 February 1900 that never was
        number += 1
    try:
        return ((_1904 if first_day_1904 else _1900) + timedelta(days=number)).date().isoformat()
    except OverflowError:
        return plain(number)


def _days(first_day_1904: bool) -> Show:
    return lambda number: day_of(number, first_day_1904=first_day_1904) if number >= 1 else plain(number)


def _around(code: str) -> Show | None:
    """A format that only puts text around the number."""
    parts = _parts(code.partition(";")[0])
    words = "".join(text for kind, text in parts if kind == "text")
    if not words or not any(kind == "number" for kind, _ in parts):
        return None
    return lambda number: "".join(plain(number) if kind == "number" else text for kind, text in parts)


def _parts(code: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    for match in re.finditer(r'"([^"]*)"|\\(.)|\[[^\]]*\]|_.|\*.|(General|Standard)|([0#?]+)|(.)', code, re.I):
        quoted, escaped, general, digits, sign = match.groups()
        if general:
            parts.append(("number", ""))
        elif digits:
            parts.append(("digits", digits))
        elif text := quoted or escaped or sign:
            parts.append(("text", text))
    return parts


def _digits(code: str) -> Show | None:
    """Digits with their leading zeros and the signs between them; separators of thousands are left out."""
    if re.search(r"[%eE]", re.sub(r'"[^"]*"|\\.', "", code)):
        return None
    whole, point, fraction = _split_point(code)
    parts = [part for part in _parts(whole.replace(",", "")) if part[1]]
    groups = [index for index, (kind, _) in enumerate(parts) if kind == "digits"]
    if not groups:
        return None
    most, least = (len(re.findall(pattern, fraction)) if point else 0 for pattern in ("[0#?]", "0"))

    def show(number: float) -> str:
        if abs(number) >= EXACT_BELOW:
            return plain(number)
        left, _, right = f"{abs(number):.{most}f}".partition(".")
        right = right[:least] + right[least:].rstrip("0")
        out: list[str] = []
        for index in range(len(parts) - 1, -1, -1):
            kind, text = parts[index]
            if kind == "text":
                out.append(text)
                continue
            take = len(left) if index == groups[0] else min(len(text), len(left))
            piece, left = left[len(left) - take :], left[: len(left) - take]
            out.append(piece.zfill(text.count("0")))
        return ("-" if number < 0 else "") + "".join(reversed(out)) + (f".{right}" if right else "")

    return show


def _split_point(code: str) -> tuple[str, str, str]:
    outside = re.search(r'^((?:"[^"]*"|\\.|[^".\\])*)\.([0#?]*)', code)
    return (outside[1], ".", outside[2]) if outside and outside[2] else (code, "", "")
