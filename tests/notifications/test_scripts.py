"""No empty boxes in a document: what no font draws is spelt out."""

from copy import deepcopy
from typing import Any

import pytest

from notifications.documents import evaluation_document, scripts
from tests.notifications.test_documents import objected

PLAIN = scripts.BUILT_IN
NAMES = {
    "李明 Liem Swie King": "[U+674E U+660E] Liem Swie King",
    "ꦱꦸꦏ꧂ (Sukar)": "[U+A9B1 U+A9B8 U+A98F U+A9C2] (Sukar)",
    "عائشة Aisyah": "[U+0639 U+0627 U+0626 U+0634 U+0629] Aisyah",
    "Bambang 😀 Susilo": "Bambang [U+1F600] Susilo",
    "Ấn Nguyễn Đức": "Ấn Nguyễn Đức",
    "Nur ‘Aini – “Ayu” ≥ 5 %": "Nur ‘Aini – “Ayu” ≥ 5 %",
}


@pytest.mark.parametrize("name", NAMES)
def test_without_a_font_for_it_a_sign_is_named_by_its_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "families", lambda: PLAIN)
    assert scripts.drawable(name) == NAMES[name]


@pytest.mark.parametrize(
    ("name", "family"),
    [("李明", "Noto Serif CJK SC"), ("ꦱꦸꦏ꧂", "Noto Sans Javanese"), ("عائشة", "DejaVu Sans"), ("😀", "Noto Emoji")],
)
def test_with_a_font_for_it_a_name_stays_as_it_is_written(
    name: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts, "families", lambda: (*PLAIN, family))
    assert scripts.drawable(name) == name


def _drawn(name: str) -> bytes:
    facts: dict[str, Any] = deepcopy(objected())
    facts["employee"]["name"] = name
    return evaluation_document(facts)


def test_the_document_of_any_name_has_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "families", lambda: PLAIN)
    assert all(_drawn(name).startswith(b"%PDF") for name in NAMES)
