"""A desk's deadline as a calendar file (RFC 5545): a date to look at, never an invitation to accept.

Calendars are shared, so neither the link nor a person's name stands in it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from notifications import words
from rules.terms import Locale, StageKind

_DUE = {Locale.ID: "Batas waktu", Locale.EN: "Due"}
_FOLD = 75


def calendar_file(facts: Mapping[str, Any], locale: Locale, *, stamp: datetime) -> str:
    """The file of a letter whose facts have a `calendar`, else nothing; the same facts and stamp give the same file.

    `calendar`: uid, sequence, due (ISO), cancelled. `stamp`: when it was made, aware.
    """
    if not (told := facts.get("calendar")):
        return ""
    stage = words.STAGES[locale][StageKind(facts["stage"])]
    summary = f"{_DUE[locale]}: {stage} {facts['year']}, {facts['agency']}"
    due = _utc(datetime.fromisoformat(told["due"]))
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//appraisal//deadline//ID", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
        "BEGIN:VEVENT", f"UID:{told['uid']}", f"SEQUENCE:{told['sequence']}", f"DTSTAMP:{_utc(stamp)}",
        f"DTSTART:{due}", f"DTEND:{due}", f"SUMMARY:{_text(summary)}",
        f"STATUS:{'CANCELLED' if told['cancelled'] else 'CONFIRMED'}", "TRANSP:TRANSPARENT", "END:VEVENT",
        "END:VCALENDAR",
    ]  # fmt: skip
    return "".join(f"{piece}\r\n" for line in lines for piece in _folded(line))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    value = " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
    return value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """Lines of 75 octets at most, broken between characters only; those that go on begin with a space."""
    piece, room = "", _FOLD
    for sign in line:
        if len(piece.encode()) + len(sign.encode()) > room:
            yield piece
            piece = " "
        piece += sign
    yield piece
