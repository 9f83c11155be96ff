"""Every sentence in both languages, and a sentence for everything that can be asked, refused or wrong."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from rules.terms import ActKind, Locale
from web.render import HERE
from web.texts import PAGES, TEXTS, say

ROOT = HERE.parent
ACTS = ROOT / "actions" / "acts"
ACTIONS = "\n".join(path.read_text() for path in (ROOT / "actions").rglob("*.py"))


def _holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_something_and_fill_in_the_same_details():
    for key, (indonesian, english) in TEXTS.items():
        assert indonesian.strip(), key
        assert english.strip(), key
        assert _holes(indonesian) == _holes(english), key


def test_every_refusal_of_an_act_has_a_page_that_says_why_and_what_to_do():
    codes = set(re.findall(r'(?:ActRefused|StaleForm)\("(\w+)"', ACTIONS))
    assert len(codes) > 20
    for code in codes - {"invalid"}:
        for part in ("", ".why", ".now"):
            assert f"refused.{code}{part}" in TEXTS, code


def test_what_an_act_finds_wrong_is_said_in_words():
    codes = set(re.findall(r'ActInvalid\(\{[^}]*?: "(\w+)"', ACTIONS)) | set(_codes_of_problems())
    assert {"reason_required", "choose", "every_indicator_once", "say_what_was_seen", "twice"} <= codes
    assert not {code for code in codes if f"wrong.{code}" not in TEXTS}


def _codes_of_problems():
    """What the functions that look for problems put into a field, read from their source."""
    sources = [node for path in ACTS.glob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    looking = {"problems", "lacking", "unmatched", "_missing", "_twice"}
    for function in sources:
        if not isinstance(function, ast.FunctionDef) or function.name not in looking:
            continue
        for node in ast.walk(function):
            values = node.values if isinstance(node, ast.Dict) else []
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                values = [node.value]
            if isinstance(node, ast.DictComp):
                values = [node.value]
            yield from (one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _templates() -> list[Path]:
    folder = HERE / "templates"
    names = (
        "base signed landing refusal conflict desk done code farewell disputed reissue reissued shown case task check"
    )
    return [folder / f"{name}.html" for name in names.split()] + sorted((folder / "acts").glob("*.html"))


@pytest.mark.parametrize("path", _templates(), ids=lambda path: path.stem)
def test_a_template_uses_only_sentences_that_exist_and_says_nothing_itself(path):
    text = path.read_text()
    for key in re.findall(r"\bt\('([\w.]+)'(?! ~)", text):
        assert key in TEXTS, key
    bare = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}|<svg.*?</svg>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert not re.search(r"[A-Za-z]{2,}", bare), bare


def test_no_sentence_is_left_that_no_page_says():
    others = [path for path in HERE.rglob("*.py") if path.name != "texts.py"]
    sources = "\n".join(path.read_text() for path in [*HERE.rglob("*.html"), *others])
    built = re.compile(r"(rating|org|value|aspect|role|note|case\.state|news|plan_state|plan)\.")
    said = {key for key in PAGES if f"'{key}'" in sources or f'"{key}"' in sources}
    assert not [key for key in PAGES if key not in said and not built.match(key)]


@pytest.mark.parametrize("kind", list(ActKind))
def test_every_act_has_a_name_a_purpose_and_a_sentence_to_confirm(kind):
    for part in ("act", "lead", "confirm"):
        for locale in Locale:
            assert say(locale, f"{part}.{kind.value}")


OTHER_WORDS = {
    r"\be-?mail\b": "surel",
    r"\bposel\b": "surel",
    r"\banda\b": "Bapak/Ibu",
    r"\bsaudara\b": "Bapak/Ibu",
    r"\b(resi|bukti kirim|bukti terima)\b": "tanda terima",
    r"\bpejabat penilai\b(?!\s+kinerja)": "Pejabat Penilai Kinerja",
    r"\btugas tambahan\b": "Hasil Kerja Tambahan",
    r"\bmendukung rencana\b": "Rencana Hasil Kerja Pimpinan yang Diintervensi",
}
"""What Indonesian readers must not meet, and the one word that stands for it on letters, pages and documents."""


def _indonesian() -> dict[str, str]:
    letters = (ROOT / "notifications" / "templates").rglob("id.*")
    documents = (ROOT / "notifications" / "documents").glob("*.*")
    return {key: pair[0] for key, pair in TEXTS.items()} | {
        str(path.relative_to(ROOT)): path.read_text() for path in [*letters, *documents]
    }


@pytest.mark.parametrize("other", OTHER_WORDS, ids=OTHER_WORDS.values())
def test_one_word_stands_for_one_thing_on_pages_letters_and_documents(other):
    wrong = [place for place, text in _indonesian().items() if re.search(other, text, re.IGNORECASE)]
    assert not wrong, f"say {OTHER_WORDS[other]!r} there"


def test_the_terms_of_the_regulation_name_what_a_plan_consists_of():
    terms = {
        "items": "Rencana Hasil Kerja", "indicators": "Indikator Kinerja Individu", "kind": "Hasil Kerja Tambahan",
        "supports_id": "Rencana Hasil Kerja Pimpinan yang Diintervensi",
    }  # fmt: skip
    assert {name: say(Locale.ID, f"field.{name}") for name in terms} == terms
