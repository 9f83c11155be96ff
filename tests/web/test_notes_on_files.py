"""The note on a file: its errors stand at its field, and the other language brings along what was typed."""

import html
import re

import pytest
from office import Browser, Office
from sqlalchemy import select

from models import Appraisal, Note
from rules.terms import StageKind

STAGE = StageKind.TARGET_SETTING


@pytest.fixture
def dewi(office: Office, browser) -> Browser:
    """Dewi, looking at her own file."""
    dewi: Browser = browser().enter("dewi")
    with office.db.reading() as session:
        case = session.scalars(select(Appraisal.id).filter_by(employee_id=office.people["dewi"])).one()
    dewi.get(f"/w/case/{case}")
    return dewi


def notes(office: Office) -> int:
    with office.db.reading() as session:
        return len(session.scalars(select(Note.id)).all())


def test_the_other_language_brings_a_note_along_and_sends_nothing(office: Office, dewi: Browser) -> None:
    dewi.fill("/w/note", {"text": "Menyusun laporan triwulan", "then": "en"}, to="/w/note?lang=en")
    assert dewi.status == 200
    assert "Menyusun laporan triwulan</textarea>" in dewi.html
    assert '<html lang="en">' in dewi.html
    assert notes(office) == 0
    dewi.fill("/w/note", {"text": "Menyusun laporan triwulan"}, to="/w/note?lang=en")
    assert notes(office) == 1


def test_a_note_too_long_or_empty_stays_and_says_so_at_its_field(office: Office, dewi: Browser) -> None:
    for text, said in (("", "wajib diisi"), ("x" * 4007, "4007 karakter, kelebihan 7")):
        dewi.fill("/w/note", {"text": text})
        assert dewi.status == 422
        assert said in re.findall(r'id="e-text">([^<]*)<', html.unescape(dewi.html))[0]
        assert "<title>Kesalahan: " in dewi.html
        assert f"{text}</textarea>" in dewi.html
    assert notes(office) == 0
