import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import compose as composing
from notifications.compose import MAX_SUBJECT, compose, encode
from notifications.kinds import KINDS, FactsMissing
from notifications.quoted import quoted
from notifications.samples import CONSOLE, NAMES, URL, every_sample, samples
from rules.terms import ActKind, Locale

ALL = list(every_sample())
IDS = [f"{kind}-{locale.value}-{number}" for kind, locale, number, _ in ALL]
VOID = {"meta", "br", "img", "hr"}


class Page(HTMLParser):
    """Counts what accessibility asks for and fails on tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.mark.parametrize(("kind", "locale", "number", "facts"), ALL, ids=IDS)
def test_every_letter_is_whole_accessible_and_discreet(
    kind: str, locale: Locale, number: int, facts: dict[str, Any]
) -> None:
    letter = compose(kind, facts, locale)
    page = Page(letter.html)
    assert page.all("html")[0] == {"lang": locale.value, "dir": "ltr"}
    assert len(page.all("h1")) == 1
    assert all("role" in table or "facts" in (table["class"] or "") for table in page.all("table"))
    assert not page.all("img")
    assert "color-scheme:light dark" in letter.html
    assert len(letter.html) < 20_000
    assert "{" not in letter.text
    assert "None" not in letter.text
    assert 10 < len(letter.subject) <= MAX_SUBJECT
    hidden = [*facts.get("name", "").split(",")[:1], "aeaaaaaaaaaaaalwmwfvi2sj", "48210937"]
    assert not any(word in letter.subject for word in hidden)
    assert facts["agency"] in letter.text
    assert re.search(r"^(Mengapa Bapak/Ibu menerima surat ini|Why did you get this letter)\?$", letter.text, re.M)


@pytest.mark.parametrize(("kind", "locale", "number", "facts"), ALL, ids=IDS)
def test_the_link_stands_alone_and_can_be_copied(kind: str, locale: Locale, number: int, facts: dict[str, Any]) -> None:
    letter = compose(kind, facts, locale)
    url = facts.get("url")
    lines = letter.text.split("\n")
    hrefs = [link["href"] for link in Page(letter.html).all("a")]
    if url is None:
        assert "http" not in letter.text
        assert not hrefs
        return
    assert lines.count(url) == 1
    assert not any("http" in line for line in lines if line != url)
    assert hrefs == [url, url]
    assert f">{url}</a>" in letter.html


@pytest.mark.parametrize("locale", Locale)
def test_a_preview_in_the_mail_list_shows_no_secret(locale: Locale) -> None:
    for kind, sample_locale, _, facts in ALL:
        if sample_locale is locale:
            letter = compose(kind, facts, locale)
            preview = Page(letter.html).words
            first = " ".join("".join(preview).split("</style>")[-1].split())[:90]
            assert URL not in letter.text[:80]
            assert "4821" not in letter.text[:80] + first


def test_a_code_is_readable_in_both_parts_and_stands_in_no_header() -> None:
    letter = compose("step_code", samples("step_code", Locale.ID)[0], Locale.ID)
    assert "\n    4821 0937\n" in letter.text
    assert ">4821 0937</p>" in letter.html
    assert "4821" not in letter.subject


def test_a_rater_reads_how_many_wait() -> None:
    facts = samples("stage_invitation", Locale.ID)[0]
    indonesian = compose("stage_invitation", facts, Locale.ID)
    assert "  - Menilai kinerja 12 pegawai\n  - Mengisi evaluasi diri\n" in indonesian.text
    english = compose("stage_invitation", samples("stage_invitation", Locale.EN)[0], Locale.EN)
    assert "<li style=" in english.html
    assert "Rate the performance of 12 employees</li>" in english.html


def test_a_deadline_is_shown_in_the_zone_of_the_agency_by_name() -> None:
    facts = samples("reminder", Locale.ID)[0]
    shown = {
        "Asia/Jakarta": "Jumat, 29 Januari 2027 pukul 22.59 WIB",
        "Asia/Makassar": "Jumat, 29 Januari 2027 pukul 23.59 WITA",
        "Asia/Jayapura": "Sabtu, 30 Januari 2027 pukul 00.59 WIT",
        "Pacific/Auckland": "Sabtu, 30 Januari 2027 pukul 04.59 Pacific/Auckland",
    }
    for zone, words in shown.items():
        assert f"Batas waktu: {words}\n" in compose("reminder", facts | {"zone": zone}, Locale.ID).text
    with pytest.raises(ValueError, match="no time zone"):
        compose("reminder", facts | {"due": "2027-01-29T15:59:59"}, Locale.ID)


@pytest.mark.parametrize(
    ("days", "indonesian", "english"),
    [(3, "Tinggal 3 hari", "3 days left"), (1, "Tinggal 1 hari", "1 day left"),
     (0, "Hari ini hari terakhir", "Today is the last day"), (-1, "Terlambat 1 hari", "Overdue by 1 day"),
     (-2, "Terlambat 2 hari", "Overdue by 2 days")],
)  # fmt: skip
def test_a_reminder_says_how_many_days_are_left(days: int, indonesian: str, english: str) -> None:
    for locale, words in ((Locale.ID, indonesian), (Locale.EN, english)):
        letter = compose("reminder", samples("reminder", locale)[0] | {"days_left": days}, locale)
        assert letter.text.startswith(words + "\n")
        assert (letter.subject.startswith(("Terlambat", "Overdue"))) is (days < 0)


def test_a_receipt_for_an_objection_does_not_sound_like_an_offer() -> None:
    facts = samples("receipt", Locale.ID)[0] | {"act": ActKind.OBJECT.value}
    assert "Mengajukan keberatan\n" in compose("receipt", facts, Locale.ID).text


def test_a_forgotten_fact_an_unknown_kind_and_a_foreign_language_are_errors() -> None:
    facts = samples("reminder", Locale.ID)[0]
    with pytest.raises(FactsMissing, match="reminder: due, url missing"):
        compose("reminder", {k: v for k, v in facts.items() if k not in ("due", "url")}, Locale.ID)
    with pytest.raises(KeyError):
        compose("../_base", facts, Locale.ID)
    with pytest.raises(ValueError, match="not a valid Locale"):
        compose("reminder", facts, "en\r\nBcc: x@y.example")  # pyright: ignore[reportArgumentType]


EVIL = "<script>alert(1)</script>{{ config }}{% import 'os' %}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_people_wrote_stays_text(kind: str) -> None:
    facts = samples(kind, Locale.ID)[0]
    facts |= dict.fromkeys(("name", "agency", "contact", "reason", "decree"), EVIL)
    letter = compose(kind, facts, Locale.ID)
    assert "<script" not in letter.html
    assert "{{ config }}{% import" in letter.text
    assert "{{ config }}{% import" in letter.html


@pytest.mark.parametrize(
    "text",
    ["di https://evil.example/a", "evil.com", "www.evil.example", "HTTP://EVIL.ORG", "klik t.co/xyz", "a@b.example"],
)
def test_a_link_in_a_name_is_dead(text: str) -> None:
    letter = compose("reminder", samples("reminder", Locale.ID)[0] | {"name": text}, Locale.ID)
    greeting = letter.text.split("\n")[2]
    assert not re.search(r"://\S|www\.\S|@\S|(?i:evil\.(com|org)|t\.co)", greeting)


@pytest.mark.parametrize("name", [*NAMES[:5], "Drs. H. A. Rahman, S.Ag., M.Pd.I.", "Ahmad, A.Md.Kep., S.Tr.Kes."])
def test_real_names_titles_and_decrees_are_left_as_they_are(name: str) -> None:
    facts = samples("deadline_moved", Locale.ID)[0] | {"name": name, "decree": "800.1.11/42/SK.BKPSDM/2027"}
    letter = compose("deadline_moved", facts, Locale.ID)
    assert f"Yth. Bapak/Ibu {name},\n" in letter.text
    assert "800.1.11/42/SK.BKPSDM/2027\n" in letter.text


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_no_text_can_start_a_line_of_its_own(text: str) -> None:
    facts = samples("deadline_moved", Locale.EN)[0]
    usual = compose("deadline_moved", facts, Locale.EN)
    odd = compose("deadline_moved", facts | {"reason": f"x{text}x", "name": f"x{text}x"}, Locale.EN)
    assert len(odd.text.splitlines()) == len(usual.text.splitlines())
    odd.html.encode()


def test_a_long_agency_name_shortens_the_subject_only() -> None:
    facts = samples("sign_in", Locale.ID)[0]
    letter = compose("sign_in", facts | {"agency": "Badan " * 60}, Locale.ID)
    assert len(letter.subject) <= MAX_SUBJECT
    assert "Badan " * 59 in letter.text


def test_the_console_address_of_hr_letters_is_a_plain_fact() -> None:
    facts = samples("bounce_notice", Locale.ID)[0]
    assert f"\n{CONSOLE}\n" in compose("bounce_notice", facts, Locale.ID).text


@pytest.mark.parametrize(("kind", "locale", "number", "facts"), list(every_sample()))
def test_a_letter_from_a_mould_is_the_letter_rendered_for_itself(
    kind: str, locale: Locale, number: int, facts: dict[str, Any]
) -> None:
    for name in (*NAMES, "", "\x01url\x01", "<b>{{ name }}</b>\n\n\n&amp;", "www.evil.example"):
        told = facts | {"name": name}
        direct = composing._render(kind, locale, KINDS[kind].filled(told))
        for letter in (compose(kind, told, locale), compose(kind, told, locale)):
            assert letter == direct
        assert encode(kind, told, locale) == (direct.subject, quoted(direct.text), quoted(direct.html)), (
            "the same bytes without encoding all of it anew"
        )


def test_no_sign_that_is_taken_out_of_facts_is_printable() -> None:
    taken_out = composing._CONTROL.findall("a".join(map(chr, range(0x110000))))
    assert len(taken_out) > 2048
    assert not any(sign.isprintable() for sign in taken_out)


def test_moulds_are_made_once_for_a_wave_and_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "MOST_MOULDS", 3)
    composing._moulds.clear()
    facts = samples("stage_invitation", Locale.ID)[0]
    letters = {compose("stage_invitation", facts | {"name": f"Person {n}"}, Locale.ID).html for n in range(20)}
    assert len(letters) == 20
    assert len(composing._moulds) == 1
    for year in range(2020, 2030):
        compose("stage_invitation", facts | {"year": year}, Locale.ID)
    assert len(composing._moulds) <= 3
