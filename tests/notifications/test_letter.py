import email
import re
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import unquote
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications.letter import Letter, LetterRefused, Mailbox, build, build_reference, compose, quoted
from notifications.preview import sample_letter
from notifications.samples import NAMES, URL, every_sample
from rules.terms import Locale

SENDER = Mailbox("Kinerja ASN", "kinerja@kota.example")
AT = datetime(2027, 1, 12, 8, 0, 30, tzinfo=timezone(timedelta(hours=8)))
HEADERS_LEFT = ("From", "Reply-To", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
                "Content-Language", "X-Auto-Response-Suppress", "MIME-Version")  # fmt: skip


def letter(**changes: object) -> Letter:
    usual: dict[str, object] = {
        "kind": "reminder", "locale": Locale.ID, "to": Mailbox("Siti Aminah, S.E.", "siti@kota.example"),
        "sender": SENDER, "subject": "Pengingat", "text": "Isi.\n", "html": "<p>Isi.</p>\n",
        "message_id": "<abc@kota.example>", "date": AT, "envelope_from": "b+1.aaaaaaaa@bounce.example",
    }  # fmt: skip
    return Letter(**(usual | changes))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def read(raw: bytes) -> EmailMessage:
    return cast("EmailMessage", email.message_from_bytes(raw, policy=policy.default))


def assert_sound(raw: bytes) -> EmailMessage:
    """Seven bits, short lines, CRLF only, nothing that the parser stumbles over."""
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 120
    message = read(raw)
    for part in message.walk():
        assert not part.defects
        for name in part:
            assert not part[name].defects
    return message


def bodies(message: EmailMessage) -> list[tuple[str, str]]:
    return [(part.get_content_type(), unix(part.get_content())) for part in message.walk() if not part.is_multipart()]


def assert_same(made: Letter) -> None:
    ours, theirs = assert_sound(build(made)), read(build_reference(made))
    # the library takes "=?" in plain text for an encoded word and decodes it; there the letter itself is the measure
    for name in (*HEADERS_LEFT, "Subject") if "=?" not in made.subject else HEADERS_LEFT:
        assert ours.get_all(name) == theirs.get_all(name)
    assert [part.get_content_type() for part in ours.walk()] == [part.get_content_type() for part in theirs.walk()]
    assert ours.get_boundary() == theirs.get_boundary()
    assert bodies(ours) == bodies(theirs)
    assert_same_reader(made, ours, theirs)
    assert ours["Subject"] == made.subject
    assert ours["Date"].datetime == made.date
    said = [made.text, made.html, made.calendar][: 3 if made.calendar else 2]
    assert [content for _, content in bodies(ours)] == [unix(text) for text in said]
    for one, other in zip(ours.walk(), theirs.walk(), strict=True):
        assert one["Content-Type"].params == other["Content-Type"].params
        assert one["Content-Disposition"] == other["Content-Disposition"]


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def assert_same_reader(made: Letter, ours: EmailMessage, theirs: EmailMessage) -> None:
    """One mailbox, the right one. The library leaves a space between encoded words of a name, so spaces are counted
    with its older decoder, which does it right."""
    for message in (ours, theirs) if "=?" not in made.to.name else (ours,):
        (to,) = message["To"].addresses
        assert to.addr_spec == made.to.address
        assert squeezed(to.display_name) == squeezed(made.to.name)
    (raw,) = [value for name, value in email.message_from_bytes(build(made)).raw_items() if name == "To"]
    phrase = raw.replace("\r\n", "").removesuffix(f"<{made.to.address}>").removesuffix(" ")
    if phrase.startswith("=?"):
        assert str(make_header(decode_header(phrase))) == made.to.name
    elif made.to.name:
        assert unquote(phrase) == made.to.name


def squeezed(text: str) -> str:
    return text if text.isascii() and "=?" not in text and len(text) < 60 else text.replace(" ", "")


@pytest.mark.parametrize("name", NAMES)
def test_every_letter_is_the_same_as_the_librarys(name: str) -> None:
    for kind, locale, number, facts in every_sample():
        if number == 0:
            made = sample_letter(kind, locale, name, compose(kind, facts | {"name": name}, locale))
            assert_same(made)


def tidy(text: str) -> str:
    return " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]", "", text).split())


SIGNS = st.characters(exclude_categories=["Cs"])
NASTY = st.text(alphabet=st.sampled_from("aZ éعß🙂,.;:\"'\\()<>[]@=?_-\t"), max_size=120) | st.text(SIGNS, max_size=80)
BODIES = st.text(alphabet=st.sampled_from("ab .=\t\r\n\fعé\u2028\0-"), max_size=300) | st.text(SIGNS, max_size=200)


@settings(max_examples=150, deadline=None)
@given(NASTY.map(tidy), NASTY.map(tidy).filter(bool), BODIES, st.sampled_from(Locale), st.booleans(), st.booleans())
@example(
    'Eve, evil@x <e@y.example> "Q" \\', "=?utf-8?q?x?= \\ =?", "\n.\nMAIL FROM:<a@b>\r\n.\r\n", Locale.EN, True, False
)
@example("=?utf-8?b?SGFsbG8=?=", "a" * 200, ".\n..\n--=_\n \n\t\n", Locale.ID, False, True)
def test_fast_and_slow_agree_on_nasty_names_and_texts(
    name: str, subject: str, body: str, locale: Locale, threaded: bool, dated: bool
) -> None:
    made = letter(
        to=Mailbox(name, "o'brien+x@kota.example"), subject=subject, text=body + "\n", html=f"<p>{body}</p>\n",
        locale=locale, in_reply_to="<first@kota.example>" if threaded else None, calendar=body + "\n" if dated else "",
        reply_to=Mailbox("Tanya Kinerja", "tanya@kota.example") if threaded else None,
    )  # fmt: skip
    assert_same(made)


@given(st.text(SIGNS))
def test_quoted_text_is_seven_bit_and_short(text: str) -> None:
    raw = quoted(text)
    assert raw.isascii()
    assert all(len(line) <= 76 for line in raw.split(b"\r\n"))
    assert b"=_" not in raw


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\x1b", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"])
def test_control_characters_are_refused_in_headers(sign: str) -> None:
    for changes in (
        {"to": Mailbox(f"Siti{sign}Bcc: x@y.example", "siti@kota.example")},
        {"sender": Mailbox(f"HR{sign}", "hr@kota.example")},
        {"reply_to": Mailbox(f"HR{sign}", "hr@kota.example")},
        {"subject": f"a{sign}Bcc: x@y.example"},
        {"to": Mailbox("", f"siti{sign}@kota.example")},
        {"message_id": f"<a{sign}@kota.example>"},
        {"in_reply_to": f"<a@kota.example>{sign}"},
    ):
        for make in (build, build_reference):
            with pytest.raises(LetterRefused):
                make(letter(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"subject": ""}, {"subject": " a"}, {"subject": "a  b"}, {"subject": "a" * 251}, {"date": AT.replace(tzinfo=None)},
     {"to": Mailbox("n" * 401, "a@x.example")}, {"to": Mailbox("", "siti@kötä.example")}, {"locale": "id"},
     {"to": Mailbox("", "a@x.example, b@x.example")}, {"to": Mailbox("", "a@x.example NOTIFY=NEVER")},
     {"message_id": "abc@kota.example"}, {"message_id": "<a:b@kota.example>"}],
)  # fmt: skip
def test_what_could_go_elsewhere_or_change_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(LetterRefused):
        build(letter(**changes))


def test_a_copy_is_the_same_to_the_last_octet() -> None:
    assert build(letter()) == build(letter())
    assert build(letter(message_id="<other@kota.example>")) != build(letter())


def test_the_headers_keep_machines_from_answering_and_reports_coming() -> None:
    message = read(build(letter(in_reply_to="<first@kota.example>")))
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Content-Language"] == "id"
    assert message["In-Reply-To"] == message["References"] == "<first@kota.example>"
    assert "List-Unsubscribe" not in message
    assert read(build(letter()))["In-Reply-To"] is None


def test_no_token_and_no_bounce_address_stands_in_a_header() -> None:
    for kind, locale, _, facts in every_sample():
        raw = build(sample_letter(kind, locale, facts["name"], compose(kind, facts, locale)))
        head = raw.partition(b"\r\n\r\n")[0]
        assert URL.rsplit("/", 1)[1][:12].encode() not in head
        assert b"48210937" not in head
        assert b"b+1." not in raw
        assert len(raw) < 40_000


def test_settings_may_name_the_sender_or_only_its_address() -> None:
    assert Mailbox.parse("Kinerja ASN <k@kota.example>") == Mailbox("Kinerja ASN", "k@kota.example")
    assert Mailbox.parse("k@kota.example") == Mailbox("", "k@kota.example")
    for text in ("", "Kinerja", "a@x.example, b@x.example", "K\r\nBcc: x <k@kota.example>"):
        with pytest.raises(LetterRefused):
            Mailbox.parse(text)


def test_a_date_is_written_in_its_own_zone() -> None:
    assert b"Date: Tue, 12 Jan 2027 08:00:30 +0800\r\n" in build(letter())
    assert b"Date: Tue, 12 Jan 2027 00:00:30 +0000\r\n" in build(letter(date=AT.astimezone(UTC)))
