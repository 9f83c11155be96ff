"""A deadline as a calendar file: the lines that RFC 5545 wants, and nothing that a shared calendar may not show."""

import re
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notifications.calendar_file import calendar_file
from rules.terms import Locale

STAMP = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
FACTS = {"name": "Siti Aminah", "agency": "Kota", "year": 2026, "stage": "target_setting", "zone": "Asia/Makassar",
         "due": "2026-01-31T15:59:59+00:00", "contact": "x@kota.example", "url": "https://kinerja.example/a/abc",
         "calendar": {"uid": "abc@appraisal.example", "sequence": 3, "due": "2026-01-31T23:59:59+08:00",
                      "cancelled": False}}  # fmt: skip


def made(locale: Locale = Locale.ID, **changes: Any) -> list[str]:
    text = calendar_file(FACTS | changes, locale, stamp=STAMP)
    assert text.endswith("\r\n")
    return text.removesuffix("\r\n").split("\r\n")


def test_it_says_the_deadline_in_utc_and_is_published_and_never_asks() -> None:
    assert made() == [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//appraisal//deadline//ID", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
        "BEGIN:VEVENT", "UID:abc@appraisal.example", "SEQUENCE:3", "DTSTAMP:20260105T020000Z",
        "DTSTART:20260131T155959Z", "DTEND:20260131T155959Z",
        "SUMMARY:Batas waktu: Penetapan Sasaran Kinerja 2026\\, Kota", "STATUS:CONFIRMED", "TRANSP:TRANSPARENT",
        "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    assert any(line.startswith("SUMMARY:Due: ") for line in made(Locale.EN))


def test_a_withdrawn_desk_is_cancelled_and_letters_without_a_date_have_no_file() -> None:
    assert "STATUS:CANCELLED" in made(calendar=FACTS["calendar"] | {"cancelled": True})  # type: ignore[operator]
    plain = {name: value for name, value in FACTS.items() if name != "calendar"}
    assert calendar_file(plain, Locale.ID, stamp=STAMP) == ""


def test_neither_link_nor_person_nor_address_stands_in_it() -> None:
    text = "\n".join(made())
    assert not re.search("http|Siti|x@kota|ATTENDEE|ORGANIZER|REQUEST", text)


def test_no_name_begins_a_line_of_its_own() -> None:
    assert "SUMMARY:Batas waktu: Penetapan Sasaran Kinerja 2026\\, Kota URL: http" in made(agency="Kota\r\nURL:\0http")


@given(st.text(st.characters().filter(str.isprintable), min_size=1, max_size=300))
def test_long_and_odd_names_are_folded_within_characters_and_escaped(agency: str) -> None:
    lines = made(agency=agency)
    assert all(len(line.encode()) <= 75 for line in lines)
    assert all(re.match("[A-Z]+[:;]| ", line) for line in lines)
    (summary,) = re.findall("\r\nSUMMARY:(.*)\r\nSTATUS", "\r\n".join(lines).replace("\r\n ", ""), re.DOTALL)
    read = re.sub(r"\\(.)", r"\1", summary)
    assert read == f"Batas waktu: Penetapan Sasaran Kinerja 2026, {' '.join(agency.split())}".rstrip()
