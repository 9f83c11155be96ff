"""Where answers go."""

import asyncio
import dataclasses
from email import message_from_bytes, policy

import pytest

from actions.mail import envelopes
from database import Database
from notifications.letter import Mailbox
from simulation.sink import Sink
from tests.mail.posting import dispatcher, owe, post_to


def reply_to(db: Database, mailbox: Mailbox | None) -> str | None:
    owe(db, 1)
    with Sink() as sink:
        sender = dispatcher(db, sink)
        sender.post = dataclasses.replace(post_to(sink.port), reply_to=mailbox)
        assert asyncio.run(sender.drain(1)) == {"accepted": 1}
        return message_from_bytes(sink.letters[0].content, policy=policy.default)["Reply-To"]


def test_answers_go_to_the_contact_of_the_agency_unless_the_settings_say_where(db: Database) -> None:
    assert reply_to(db, None) == "Pemerintah Kota Palu <kinerja@palukota.example>"
    assert reply_to(db, Mailbox("Tanya", "tanya@kota.example")) == "Tanya <tanya@kota.example>"


@pytest.mark.parametrize(
    ("agency", "words", "mailbox"),
    [
        ("Kota", "kinerja@kota.example", ("Kota", "kinerja@kota.example")),
        ("Kota", "BKPSDM, (0451) 421 123, <kinerja@kota.example>.", ("Kota", "kinerja@kota.example")),
        ("Kota", "kinerja@kantör.example", ("Kota", "kinerja@xn--kantr-mua.example")),
        ("Kota", "@kota, kinerja@@kota, kinerja@kota.example", ("Kota", "kinerja@kota.example")),
        ("Kota <x@y.example>", "kinerja@kota.example", ("", "kinerja@kota.example")),
        ("Kota", "lantai 3", None),
        ("Kota", "", None),
        ("", "kinerja@kota.example", ("", "kinerja@kota.example")),
    ],
)
def test_a_contact_is_the_address_among_the_words(agency: str, words: str, mailbox: tuple[str, str] | None) -> None:
    assert envelopes.contact(agency, words) == (Mailbox(*mailbox) if mailbox else None)
