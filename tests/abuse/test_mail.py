"""A29 to A36: what tries to ride on a letter, and what a letter, a mail log or a copy of the database gives away."""

import ast
import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from office import HOST, ORIGIN, Office, dump
from sqlalchemy import select

import clock
import settings
from actions.mail import dispatcher, letters
from actions.mail.envelopes import post_of
from database import Database
from models import Agency, Letter, Person, StepCode, WebSession
from notifications.compose import compose
from notifications.kinds import KINDS
from notifications.letter import Letter as Built
from notifications.letter import Mailbox as Address
from notifications.letter import build
from notifications.relay import Relay
from notifications.samples import every_sample, samples
from rules.mail.addresses import AddressRefused, parse_address
from rules.proof.tokens import Purpose, hash_step_code, key_for, sign, verify
from rules.roster.columns import row_of
from rules.roster.doctor import examine
from rules.terms import ActKind, Lane, LetterState, Locale, StageKind
from tests.abuse.robots import Page

STAGE = StageKind.TARGET_SETTING
MASTER, KID = b"s" * 64, 2026 % 251 + 1
ROOT = Path(__file__).parents[2]
HEADERS = {
    "From", "Reply-To", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version",
    "Content-Type", "Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress",
}  # fmt: skip
ADDED = {"X-Peer", "X-MailFrom", "X-RcptTo"}
"""By the mail server of the test."""
AT = datetime(2026, 1, 2, 3, tzinfo=UTC)


def deliver(db: Database, port: int) -> dict[str, int]:
    post = replace(post_of(settings.load()), relay=Relay.parse(f"smtp://127.0.0.1:{port}"))

    async def run() -> dict[str, int]:
        return dict(await dispatcher.Dispatcher(db, post, list(Lane), clock.now, connections=2).drain(1000))

    return asyncio.run(run())


def owe(db: Database, kind: str, people: list[dict[str, Any]]) -> None:
    """One letter to each: a person as the database holds them, past every check of the import, and the facts."""
    with db.transaction() as session:
        agency = session.scalars(select(Agency.id)).first()
        for n, one in enumerate(people):
            name, email = one.get("name", f"Pegawai {n}"), one.get("email", f"pegawai{n}@kota.example")
            person = Person(agency_id=agency, nip=f"{70_000 + n:018d}", name=name, email=email, active_from=AT.date())
            session.add(person)
            session.flush()
            facts = samples(kind, Locale.ID)[0] | {"name": person.name} | one.get("facts", {})
            facts.pop("url", None)
            letters.queue(session, [letters.owed_to(person, kind, f"{kind}:{person.id}:abuse", facts)], at=clock.now())


def ends(db: Database, kind: str) -> list[tuple[str, LetterState, str]]:
    with db.reading() as session:
        query = select(Person.email, Letter.state, Letter.reply).join(Person, Person.id == Letter.person_id)
        return [tuple(row) for row in session.execute(query.where(Letter.kind == kind).order_by(Letter.id))]


@pytest.fixture
def quiet(office) -> Office:
    """The office with an empty outbox."""
    with office.db.transaction() as session:
        for letter in session.scalars(select(Letter)):
            letter.state = LetterState.CANCELLED
    return office


# A29 to A31: characters, addresses, bodies

SIGNS = (
    "\r\nBcc: evil@x.example", "\nX-Evil: 1\n\nbody", "\r.\r", "\0", "\u2028Bcc: e@x.example", "\u2029", "\x85",
    "\u202e",
)  # fmt: skip


def test_a29_no_character_in_a_name_or_fact_makes_a_header_or_a_second_letter(quiet, mailbox):
    box, port = mailbox
    people = [{"name": f"Siti{sign}Aminah"} for sign in SIGNS]
    people += [{"facts": {field: f"a{sign}b"}} for sign in SIGNS for field in ("agency", "contact", "reason", "decree")]
    people += [{"email": f"siti{sign}@kota.example"} for sign in SIGNS] + [{}] * 3
    owe(quiet.db, "deadline_moved", people)
    counts = deliver(quiet.db, port)
    assert counts == {"held": 2 * len(SIGNS), "accepted": 4 * len(SIGNS) + 3}, "odd facts are tamed, odd names held"
    assert len(box.letters) == counts["accepted"]
    for got in box.letters:
        parsed = message_from_bytes(got.content, policy=policy.default)
        assert set(parsed.keys()) - ADDED <= HEADERS
        assert [len(parsed.get_all(name, [])) for name in ("From", "To", "Subject")] == [1, 1, 1]
        assert "evil" not in got.to
        assert parsed["To"].addresses[0].addr_spec == got.to
        assert not re.search(r"^(Bcc|X-Evil):", got.part("plain"), re.M)
    held = [reply for _, state, reply in ends(quiet.db, "deadline_moved") if state is LetterState.HELD]
    assert all("cannot be written" in reply for reply in held), "for a person to look at, not lost"


TRICKS = (
    " siti@kota.example", "siti@kota.example ", "siti @kota.example", "siti@kota.example,evil@x.example",
    "siti@kota.example;evil@x.example", '"siti"@kota.example', "siti(x)@kota.example", "Siti <siti@kota.example>",
    "siti@kota.example@x.example", "@x.example:siti@kota.example", "siti@[127.0.0.1]", "siti@127.0.0.1",
    "siti@kota", "sití@kota.example", "s" * 65 + "@kota.example", "s@" + "k" * 320, "siti@kota..example",
    ".siti@kota.example", "siti@-kota.example", "siti\u200b@kota.example", "siti@kota\u3002example", "",
    "siti@kota.example\r\nRCPT TO:<evil@x.example>", "siti@kota.example NOTIFY=NEVER", "siti%x.example@kota.example",
    "siti!x@kota.example", "siti+x@kota.example", "o'brien@kota.example", "SITI@Kota.Example",
)  # fmt: skip


def test_a30_an_address_is_refused_at_import_or_sent_exactly_as_stored(quiet, mailbox):
    box, port = mailbox
    owe(quiet.db, "deadline_moved", [{"email": trick} for trick in TRICKS])
    deliver(quiet.db, port)
    fine = set()
    for trick in TRICKS:
        try:
            assert parse_address(trick).ascii == trick or not trick.isascii()
            fine.add(trick)
        except AddressRefused:
            row = row_of(2, {"nip": "198001012005011001", "name": "Siti", "email": trick})
            found = examine(iter([row]), date(2026, 1, 1)).problems
            assert trick.strip() != trick or [one for one in found if one.code.startswith("address")], trick
    assert {got.to for got in box.letters} == {trick for trick in fine if trick.isascii()}
    assert len(box.letters) == len({got.to for got in box.letters})
    states = {address: state for address, state, _ in ends(quiet.db, "deadline_moved")}
    assert all(states[trick] is LetterState.HELD for trick in TRICKS if trick not in fine)


SMUGGLED = ("\n.\n", "\r.\r", "\n.\r\n", "\r\n.\r\n", "\r\n.\n", "\n..\n")


def test_a31_no_body_ends_a_letter_early_and_begins_another(quiet, mailbox):
    box, port = mailbox
    order = "MAIL FROM:<evil@x.example>\r\nRCPT TO:<victim@kota.example>\r\nDATA\r\nSubject: evil\r\n\r\nx"
    owe(quiet.db, "deadline_moved", [{"facts": {"reason": f"a{end}{order}{end}"}} for end in SMUGGLED])
    assert deliver(quiet.db, port) == {"accepted": len(SMUGGLED)}
    assert len(box.letters) == len(SMUGGLED)
    for got in box.letters:
        assert got.to.startswith("pegawai")
        assert "MAIL FROM:<evil" in got.part("plain").replace("@ ", "@"), "all of it is text of the one letter"
    for end in SMUGGLED:
        raw = build(_built(text=f"a{end}{order}{end}b\n", html=f"<p>{end}{order}</p>\n"))
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw), "no bare CR or LF that two servers could read differently"


def _built(**more: Any) -> Built:
    usual = {
        "kind": "receipt", "locale": Locale.ID, "to": Address("Siti", "siti@kota.example"),
        "sender": Address("Kinerja", "kinerja@kota.example"), "subject": "x", "text": "x\n", "html": "<p>x</p>\n",
        "message_id": "<a@kota.example>", "date": AT, "envelope_from": "b+1.aaaaaaaa@kota.example",
    }  # fmt: skip
    return Built(**(usual | more))


# A32, A33: texts that want to be more than text

CODE = "{{ config }}{% import 'os' as os %}{{ ''.__class__.__mro__ }}{% for i in range(10**6) %}x{% endfor %}{{ 7*7 }}"


@pytest.mark.parametrize("kind", KINDS)
def test_a32_a_fact_is_never_run_as_a_template(kind):
    told = samples(kind, Locale.EN)[0] | dict.fromkeys(("name", "agency", "contact", "reason", "decree"), CODE)
    begun = time.perf_counter()
    made = compose(kind, told, Locale.EN)
    assert time.perf_counter() - begun < 2, "no loop of a million was run"
    assert "{% for i in range(10**6) %}" in made.text
    assert "{{ 7*7 }}" in made.html
    assert "xxxx" not in made.text


def test_a32_templates_are_files_of_the_product_and_nothing_else_is_ever_compiled():
    makes = {"from_string", "Template", "compile_expression", "render_template_string"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in _nodes("web", "notifications", "actions", "cli", "tasks", "flows")
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in makes
    ]
    assert found == []


def _nodes(*rooms: str) -> Iterator[tuple[Path, ast.AST]]:
    for room in rooms:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                yield path, node


LURE = "Pengelola Kinerja <hr@kota.example> https://evil.example/a www.evil.example evil.com/x javascript:alert(1)"


def test_a33_a_link_in_what_people_wrote_is_dead_in_every_letter():
    for kind, locale, _, told in every_sample():
        free = {"name", "agency", "reason", "decree", "employee", "person", "reported_by"} & (told.keys() | {"name"})
        made = compose(kind, told | dict.fromkeys(free, LURE), locale)
        assert set(Page(made.html).links) <= {told.get("url")}, kind
        for text in (made.subject, made.text, re.sub(r'href="[^"]*"', "", made.html)):
            rest = text.replace(str(told.get("url")), "")
            assert not re.search(r"(https?://|www\.|hr@)\w", rest), (kind, rest[:300])
            assert "evil.com" not in rest, kind


def test_a33_a_name_that_poses_as_hr_stands_in_to_and_never_in_from(quiet, mailbox):
    box, port = mailbox
    owe(
        quiet.db, "deadline_moved", [{"name": "Pengelola Kinerja <hr@kota.example>"}, {"name": '"HR" hr@kota.example,'}]
    )
    assert deliver(quiet.db, port) == {"accepted": 2}
    for got in box.letters:
        (sender,) = got.message["From"].addresses
        assert (sender.display_name, sender.addr_spec) == ("Kinerja ASN", "kinerja@appraisal.example")
        (to,) = got.message["To"].addresses
        assert to.addr_spec == got.to
        assert got.to.startswith("pegawai")


# A34 to A36: what letters offer and give away


def test_a34_no_letter_offers_to_unsubscribe_and_nobody_can(office, app, browser, mailbox):
    box, port = mailbox
    assert deliver(office.db, port)["accepted"] > 3
    for got in box.letters:
        assert not [name for name in got.message if name.lower().startswith("list-")]
    for kind, locale, _, told in every_sample():
        made = compose(kind, told, locale)
        raw = build(_built(kind=kind, locale=locale, subject=made.subject, text=made.text, html=made.html))
        assert b"list-unsubscribe" not in raw.lower(), kind
    who, before = browser(), dump(office.db)
    for path in (f"/u/{office.token('dewi')}", "/u/x", "/unsubscribe", f"/a/{office.token('dewi')}"):
        answer = who.http.post(path, data={"List-Unsubscribe": "One-Click"}, headers=ORIGIN)
        assert answer.status_code in (400, 404, 405), path
    assert dump(office.db) == before


def test_a35_tokens_and_codes_stand_in_the_body_alone(office, browser, mailbox, caplog):
    caplog.set_level("DEBUG")
    box, port = mailbox
    budi = browser().enter("budi", StageKind.SUPERVISOR_SCORING)
    budi.get("/w/code")
    budi.fill("/w/code", {})
    code = office.code("budi")
    spaced = f"{code[:4]} {code[4:]}"
    browser().send("/hr/link", {"address": "gita@kota.example"})
    assert deliver(office.db, port)["accepted"] >= 6
    secret = re.compile(r"/a/([a-z2-7]{40})")
    found = set()
    for got in box.letters:
        head, written = got.content.partition(b"\r\n\r\n")[0], got.part("plain")
        secrets = {*secret.findall(written), *({code, spaced} if spaced in written else ())}
        found |= secrets
        preview = re.search(r'<div class="preview"[^>]*>(.*?)</div>', got.part("html"), re.S)
        seen = [head.decode(), got.message["Subject"], got.message["Message-ID"], got.envelope_from, got.to]
        seen += [preview[1] if preview else "", "".join(str(part.get_filename()) for part in got.message.walk())]
        for one in secrets:
            assert not [text for text in seen if one in text.lower()]
        assert not [part for part in got.message.walk() if part.get_content_type() == "text/calendar"]
    assert len(found) >= 6
    assert code in found
    ours = [one for one in caplog.records if not one.name.startswith(("httpx", "mail."))]
    said = "\n".join(record.getMessage() for record in ours)
    assert said
    assert not [one for one in found if one in said.lower()], "nor does our own log"


def test_a36_whoever_reads_the_whole_database_can_build_no_link_code_or_session(office, browser):
    budi = browser().enter("budi", StageKind.SUPERVISOR_SCORING)
    budi.get("/w/code")
    budi.fill("/w/code", {})
    code, cookie = office.code("budi"), budi.http.cookies["s"].split(".")[0]
    row = office.link_row("dewi")
    token = sign(row.id, kid=row.kid, master=MASTER)
    everything = "\n".join(dump(office.db))
    key = key_for(MASTER, Purpose.ACTION_LINK, row.kid).hex()
    for secret in (token, token.upper(), code, cookie, MASTER.decode(), key):
        assert secret not in everything
    words = {word.encode() for word in re.findall(r"[A-Za-z0-9+/=_-]{32,}", everything)}
    assert len(words) > 20
    assert not [word for word in words if verify(sign(row.id, kid=row.kid, master=word), master=MASTER, kids={row.kid})]
    with office.db.reading() as session:
        kept = session.scalars(select(StepCode)).one()
        hashes = session.scalars(select(WebSession.secret_sha256)).all()
    assert not [w for w in words if hash_step_code(code, "", master=w) == kept.code_hmac]
    for stolen in hashes:
        assert browser().http.get("/w", headers={"Cookie": f"s={stolen}"}).status_code == 401
        answer = browser().http.get("/api/v1/tasks", headers={"Authorization": f"Desk {stolen}"})
        assert answer.status_code in (401, 404)


def test_a36_whoever_steers_prefect_cannot_act_for_a_participant():
    """Flows and tasks hold no way to an act, a session or a token: their parameters are agencies, years and steps."""
    forbidden = re.compile(r"^(actions\.(perform|sessions|codes|signin|acts)|rules\.tokens|web)\b")
    found = []
    for path, node in _nodes("flows", "tasks"):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found += [f"{path.name}: {name}" for name in names if forbidden.match(name)]
    assert found == []
    asked = set()
    for path, node in _nodes("flows"):
        if isinstance(node, ast.FunctionDef) and [d for d in node.decorator_list if "flow" in ast.unparse(d)]:
            asked |= {f"{path.name}:{argument.arg}" for argument in node.args.args}
    assert asked
    assert not [one for one in asked if re.search(r"person|token|nonce|rating|content|answer|code$|nip", one)], asked


def test_a36_a_link_says_nothing_of_whom_it_is_for_or_of_any_other_link(office):
    token, other = office.token("dewi"), office.token("eko")
    row = office.link_row("dewi")
    for told in (row.person_id, row.stage_id, office.task("dewi", ActKind.DRAFT_TARGETS)):
        assert abs(row.id - told) > 1_000_000, "a random number, not one of ours"
    assert not [n for n in range(33) if token[n : n + 8] in other]
    assert len(f"{HOST}/a/{token}") <= 76
