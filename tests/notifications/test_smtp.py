import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from notifications import smtp
from notifications.smtp import Connection, Relay, RelayRefused, Reply, Timeouts, Tls
from rules.mail.smtp_outcomes import classify
from rules.terms import LetterState, SmtpPhase

FROM, TO = "b+1.aaaaaaaa@bounce.example", "siti@kota.example"
BODY = b"Subject: x\r\n\r\n.leading dot\r\nend\r\n"
QUICK = Timeouts(connect=2, mail=1, rcpt=1, data=1, dot=0.3, quit=0.5)
Run = Callable[[Any], AbstractAsyncContextManager[Any]]


def connection(server: Any, **more: Any) -> Connection:
    more = {"timeouts": QUICK, "local_hostname": "worker.kota.example"} | more
    return Connection(more.pop("relay", None) or Relay("127.0.0.1", server.port, Tls.NONE), **more)


def with_server(run_sink: Run, server: Any, talk: Callable[[Connection], Awaitable[Any]], **more: Any) -> Any:
    async def main() -> Any:
        async with run_sink(server):
            to_server = connection(server, **more)
            try:
                return await talk(to_server)
            finally:
                await to_server.close()

    return asyncio.run(main())


async def one(to_server: Connection) -> Reply:
    return await to_server.send(FROM, TO, BODY)


def test_letters_go_over_one_kept_connection_exactly_as_built(run_sink: Run, sink: Any) -> None:
    server = sink()

    async def three(to_server: Connection) -> list[Reply]:
        return [await one(to_server) for _ in range(3)]

    replies = with_server(run_sink, server, three)
    assert [(reply.phase, reply.code, reply.accepted) for reply in replies] == [(SmtpPhase.DONE, 250, True)] * 3
    assert replies[0].text == "2.0.0 queued"
    assert server.received == [BODY] * 3
    assert server.connections == 1
    assert server.commands[:4] == ["EHLO worker.kota.example", f"MAIL FROM:<{FROM}>", f"RCPT TO:<{TO}>", "DATA"]
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize(
    "body", [b"a\r\n.\r\nMAIL FROM:<x@y.example>\r\n", b".\r\n", b"..a\r\n.b\r\n", b"\r\n.\r\n.\r\n"]
)
def test_no_text_can_end_the_letter_early(run_sink: Run, sink: Any, body: bytes) -> None:
    server = sink()
    reply = with_server(run_sink, server, lambda to_server: to_server.send(FROM, TO, b"X: y\r\n\r\n" + body))
    assert reply.accepted
    assert server.received == [b"X: y\r\n\r\n" + body]
    assert sum(command.startswith("MAIL") for command in server.commands) == 1


def test_reports_are_asked_for_where_the_server_gives_them(run_sink: Run, sink: Any) -> None:
    server = sink(extensions=["DSN"])
    with_server(run_sink, server, lambda to_server: to_server.send(FROM, TO, BODY, letter_id=42))
    assert f"MAIL FROM:<{FROM}> RET=HDRS ENVID=42" in server.commands
    assert f"RCPT TO:<{TO}> NOTIFY=FAILURE,DELAY" in server.commands


@pytest.mark.parametrize(
    ("verb", "phase"),
    [("MAIL", SmtpPhase.MAIL), ("RCPT", SmtpPhase.RCPT), ("DATA", SmtpPhase.DATA), ("DOT", SmtpPhase.DOT)],
)
@pytest.mark.parametrize("reply", ["450 4.2.0 later", "550 5.7.1 no", "503 5.5.1 sequence"])
def test_a_refusal_names_its_phase_and_the_next_letter_goes_out(
    run_sink: Run, sink: Any, verb: str, phase: SmtpPhase, reply: str
) -> None:
    usual = {"DATA": "354 go", "DOT": "250 2.0.0 queued"}.get(verb, "250 ok")
    server = sink(answers={verb: [reply, usual]})

    async def two(to_server: Connection) -> tuple[Reply, Reply]:
        return await one(to_server), await one(to_server)

    refused, accepted = with_server(run_sink, server, two)
    assert refused == Reply(phase, int(reply[:3]), reply[4:])
    assert accepted.accepted
    assert server.connections == 1
    assert ("RSET" in server.commands) is (verb in ("RCPT", "DATA"))


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
def test_421_ends_the_connection_and_the_next_letter_opens_another(run_sink: Run, sink: Any, verb: str) -> None:
    usual = {"DATA": "354 go", "DOT": "250 2.0.0 queued"}.get(verb, "250 ok")
    server = sink(answers={verb: ["421 4.3.2 bye", usual]})

    async def two(to_server: Connection) -> tuple[Reply, bool, Reply]:
        first = await one(to_server)
        return first, to_server.is_open, await one(to_server)

    first, still_open, second = with_server(run_sink, server, two)
    assert first.code == 421
    assert not still_open
    assert second.accepted
    assert server.connections == 2


@pytest.mark.parametrize("how", ["DROP", "SILENT"])
@pytest.mark.parametrize(
    ("verb", "phase", "state"),
    [("EHLO", SmtpPhase.CONNECT, LetterState.QUEUED), ("MAIL", SmtpPhase.MAIL, LetterState.QUEUED),
     ("RCPT", SmtpPhase.RCPT, LetterState.QUEUED), ("DATA", SmtpPhase.DATA, LetterState.QUEUED),
     ("DOT", SmtpPhase.DOT, LetterState.AMBIGUOUS)],
)  # fmt: skip
def test_a_lost_reply_is_ambiguous_only_after_the_dot(
    run_sink: Run, sink: Any, verb: str, phase: SmtpPhase, state: LetterState, how: str
) -> None:
    server = sink(answers={verb: [how]})
    quick = Timeouts(connect=0.3, mail=0.3, rcpt=0.3, data=0.3, dot=0.3, quit=0.3)

    async def ask(to_server: Connection) -> tuple[Reply, bool]:
        return await one(to_server), to_server.is_open

    reply, still_open = with_server(run_sink, server, ask, timeouts=quick)
    assert (reply.phase, reply.code, reply.bug) == (phase, None, False)
    assert not still_open
    assert classify(reply.phase, reply.code, reply.text).state is state


@pytest.mark.parametrize("answer", ["garbage", "999 odd", "250", "354 again"])
def test_nonsense_after_the_dot_is_never_taken_for_a_no(run_sink: Run, sink: Any, answer: str) -> None:
    server = sink(answers={"DOT": [answer]})
    reply = with_server(run_sink, server, one)
    outcome = classify(reply.phase, reply.code, reply.text).state
    assert outcome is (LetterState.ACCEPTED if answer == "250" else LetterState.AMBIGUOUS)


def test_a_task_cancelled_in_the_dot_drops_the_connection_and_says_so(run_sink: Run, sink: Any) -> None:
    server = sink(answers={"DOT": ["SILENT"]})

    async def cancelled(to_server: Connection) -> tuple[bool, Reply]:
        to_server.timeouts = Timeouts()
        sending = asyncio.create_task(one(to_server))
        while not server.received:
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        return to_server.is_open, to_server.last

    still_open, last = with_server(run_sink, server, cancelled)
    assert not still_open
    assert last == Reply(SmtpPhase.DOT, None)
    assert classify(last.phase, last.code, last.text).state is LetterState.AMBIGUOUS


@pytest.mark.parametrize("address", ["sití@x.example", "a\0@x.example", "p@x.org NOTIFY=NEVER", "a@b.id, c@d.id",
                                     "p@x.example>\r\nRCPT TO:<q@y.example", "a@kötä.example", ""])  # fmt: skip
def test_an_address_is_sent_as_stored_or_not_at_all_and_neighbours_are_unharmed(
    run_sink: Run, sink: Any, address: str
) -> None:
    server = sink()

    async def poisoned(to_server: Connection) -> list[Reply]:
        return [await one(to_server), await to_server.send(FROM, address, BODY), await one(to_server)]

    before, poison, after = with_server(run_sink, server, poisoned)
    assert before.accepted
    assert after.accepted
    assert poison == Reply(SmtpPhase.MAIL, None, poison.text, bug=True)
    assert poison.text.startswith("ValueError: address refused")
    assert {command for command in server.commands if "RCPT" in command} == {f"RCPT TO:<{TO}>"}


def test_a_letter_without_a_final_line_end_is_our_bug_and_is_not_sent(run_sink: Run, sink: Any) -> None:
    server = sink()
    reply = with_server(run_sink, server, lambda to_server: to_server.send(FROM, TO, b"X: y\r\n\r\nz"))
    assert (reply.phase, reply.bug) == (SmtpPhase.DATA, True)
    assert not server.received


def test_an_idle_connection_closed_by_the_server_harms_no_letter(run_sink: Run, sink: Any) -> None:
    server = sink()

    async def idle(to_server: Connection) -> Reply:
        await one(to_server)
        server.writers[0].write(b"421 idle too long\r\n")
        server.writers[0].close()
        await asyncio.sleep(0.05)
        return await one(to_server)

    assert with_server(run_sink, server, idle).accepted
    assert server.connections == 2


def test_a_connection_ends_after_a_hundred_letters_or_five_minutes(
    run_sink: Run, sink: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = sink()

    async def many(to_server: Connection) -> None:
        for _ in range(smtp.MAX_LETTERS + 1):
            assert (await one(to_server)).accepted
        assert server.connections == 2
        monkeypatch.setattr(smtp, "MAX_SECONDS", -1)
        assert (await one(to_server)).accepted

    with_server(run_sink, server, many)
    assert server.connections == 3


@pytest.mark.parametrize("greeting", ["421 busy", "554 no service", "garbage", "DROP", "SILENT"])
def test_a_server_that_will_not_talk_is_a_failed_connection(run_sink: Run, sink: Any, greeting: str) -> None:
    reply = with_server(run_sink, sink(greeting=greeting), one, timeouts=Timeouts(connect=0.3))
    assert reply.phase is SmtpPhase.CONNECT
    outcome = classify(reply.phase, reply.code, reply.text)
    assert (outcome.state, outcome.charge_attempt) == (LetterState.QUEUED, False)


def test_nobody_listening_is_a_failed_connection() -> None:
    reply = asyncio.run(one(Connection(Relay("127.0.0.1", 1, Tls.NONE), timeouts=QUICK)))
    assert (reply.phase, reply.code) == (SmtpPhase.CONNECT, None)


def test_a_refused_log_in_stops_the_wave(run_sink: Run, sink: Any) -> None:
    server = sink(extensions=["AUTH PLAIN"], answers={"AUTH": ["535 5.7.8 no"]})

    async def log_in(to_server: Connection) -> Reply:
        to_server.relay = Relay("127.0.0.1", server.port, Tls.NONE, "user", "secret")
        return await one(to_server)

    reply = with_server(run_sink, server, log_in)
    assert (reply.phase, reply.code) == (SmtpPhase.CONNECT, 535)
    assert classify(reply.phase, reply.code, reply.text).stop_wave


def test_a_relay_made_by_hand_cannot_bypass_tls() -> None:
    with pytest.raises(RelayRefused):
        asyncio.run(one(Connection(Relay("mail.kota.example", 25, Tls.NONE))))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context


Certificate = tuple[Path, ssl.SSLContext]


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_letter_and_a_password_go_out_under_a_checked_certificate(
    run_sink: Run, sink: Any, certificate: Certificate, tls: Tls
) -> None:
    server = sink(extensions=["STARTTLS", "AUTH PLAIN"], tls=certificate[1], implicit=tls is Tls.IMPLICIT)

    async def secured(to_server: Connection) -> Reply:
        to_server.relay = Relay("localhost", server.port, tls, "user", "secret", ca_file=str(certificate[0]))
        return await one(to_server)

    assert with_server(run_sink, server, secured).accepted
    assert any(command.startswith("AUTH PLAIN ") for command in server.commands)
    assert server.received == [BODY]


@pytest.mark.parametrize("fault", ["stripped", "unknown certificate", "other name"])
def test_without_sound_tls_no_letter_and_no_password_leaves(
    run_sink: Run, sink: Any, certificate: Certificate, fault: str
) -> None:
    offered = ["AUTH PLAIN"] if fault == "stripped" else ["STARTTLS", "AUTH PLAIN"]
    server = sink(extensions=offered, tls=certificate[1])

    async def unsafe(to_server: Connection) -> Reply:
        host = "127.0.0.1" if fault == "other name" else "localhost"
        ca = None if fault == "unknown certificate" else str(certificate[0])
        to_server.relay = Relay(host, server.port, Tls.STARTTLS, "user", "secret", ca_file=ca)
        return await one(to_server)

    reply = with_server(run_sink, server, unsafe)
    assert (reply.phase, reply.code) == (SmtpPhase.CONNECT, None)
    assert not any(command.startswith(("AUTH", "MAIL")) for command in server.commands)
