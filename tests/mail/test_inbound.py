"""`appraisal mail bounces` and `release`: from a Maildir, by SMTP and by LMTP, as often as anybody likes."""

import asyncio
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import clock
from actions.mail import bounces
from cli.mail import inbound
from cli.mail.commands import app
from rules.proof.tokens import verp
from rules.terms import AddressState, LetterState
from tests.mail.office import AT, DOMAIN, SECRET, Office, report


def run(*args: str, exit_code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*args, "--json"])
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    return tmp_path / "Maildir"


def drop(maildir: Path, name: str, to: str, raw: bytes) -> None:
    head = f"Return-Path: <>\nX-Original-To: {to}\nDelivered-To: bounces@{DOMAIN}\n".encode()
    (maildir / "new" / name).write_bytes(head + raw.partition(b"\n")[2])


def test_a_maildir_is_taken_in_and_moved_and_again_changes_nothing(each: Office, maildir: Path) -> None:
    hard, soft = each.send("siti", 2)
    forged = each.address(hard).replace(".", "9.", 1)
    drop(maildir, "1", each.address(hard), report("postfix"))
    drop(maildir, "2", each.address(soft), report("qmail_local"))
    drop(maildir, "3", forged, report("postfix"))
    drop(maildir, "4", each.address(soft), report("away_id"))
    assert run("bounces", "--maildir", str(maildir)) == {"hard": 1, "soft": 1, "forged": 1, "auto_reply": 1}
    assert [path.name for path in sorted((maildir / "cur").iterdir())] == ["1:2,S", "2:2,S", "3:2,S", "4:2,S"]
    assert each.letter(hard).state is LetterState.BOUNCED_HARD
    assert each.letter(soft).state is LetterState.BOUNCED_SOFT
    assert run("bounces", "--maildir", str(maildir)) == {}
    for path in (maildir / "cur").iterdir():
        path.rename(maildir / "new" / path.name.partition(":")[0])
    assert run("bounces", "--maildir", str(maildir)) == {"known": 4}
    assert len(each.events()) == 4


def test_one_message_that_cannot_be_taken_in_stays_and_harms_no_other(
    office: Office, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = office.send("siti", 2)
    drop(maildir, "1", office.address(bad), report("postfix_full"))
    drop(maildir, "2", office.address(good), report("postfix_success"))
    take = bounces.take

    def sometimes(session: Any, raw: bytes, to: str, *args: Any, **more: Any) -> bounces.Taken:
        if to == office.address(bad):
            raise ValueError(to)
        return take(session, raw, to, *args, **more)

    monkeypatch.setattr(bounces, "take", sometimes)
    done = CliRunner().invoke(app, ["bounces", "--maildir", str(maildir)])
    assert done.exit_code == 1
    assert "1 delivered, 1 failed" in done.output
    assert office.address(bad) not in done.output
    assert [path.name for path in (maildir / "new").iterdir()] == ["1"]
    monkeypatch.undo()
    monkeypatch.setenv("APPRAISAL_SECRET", SECRET)
    assert inbound.read_maildir(maildir) == {"soft": 1}


def test_f52_of_several_noted_addresses_the_signed_one_counts_and_none_proves_nothing(office: Office) -> None:
    (one,) = office.send("siti")
    good, bad = office.address(one), f"b+{one}.aaaaaaaa@{DOMAIN}"
    head = f"X-Original-To: {bad}\nDelivered-To: {good}\nDelivered-To: lain@kota.example\n\n".encode()
    master = SECRET.encode()
    assert bounces.addressed_to(head, master=master) == good
    assert bounces.addressed_to(head.replace(good.encode(), b"x@kota.example"), master=master) == bad
    assert bounces.addressed_to(report("postfix"), master=master) == ""


def test_a_folder_that_is_no_maildir_and_two_ways_at_once_are_refused(tmp_path: Path) -> None:
    for args in (["--maildir", str(tmp_path)], [], ["--maildir", str(tmp_path), "--listen", "127.0.0.1:2526"]):
        assert CliRunner().invoke(app, ["bounces", *args]).exit_code == 2


# by SMTP and LMTP


def served(talk: Callable[[int], None], **more: Any) -> None:
    """Let a client talk to the server in a thread of its own."""

    async def run() -> None:
        server = await inbound.serve("127.0.0.1", 0, **more)
        async with server:
            await asyncio.to_thread(talk, server.sockets[0].getsockname()[1])

    asyncio.run(run())


@pytest.mark.parametrize("client", [smtplib.SMTP, smtplib.LMTP], ids=["smtp", "lmtp"])
def test_f49_reports_come_in_by_smtp_and_lmtp_three_times_and_count_once(
    each: Office, client: type[smtplib.SMTP]
) -> None:
    (one,) = each.send("siti")

    def talk(port: int) -> None:
        for _ in range(3):
            with client("127.0.0.1", port) as line:
                assert line.sendmail("", [each.address(one)], report("gmail").replace(b"\n", b"\r\n")) == {}

    served(talk)
    assert each.letter(one).state is LetterState.BOUNCED_HARD
    assert [(event.kind, event.source) for event in each.events()] == [("hard", "smtp")]


def test_f52_f53_f55_forged_and_automatic_and_long_lines_are_taken_and_never_answered(office: Office) -> None:
    (one,) = office.send("siti")
    forged = verp(one, domain=DOMAIN, master=b"another secret, and long enough!!")

    def talk(port: int) -> None:
        with smtplib.LMTP("127.0.0.1", port) as line:
            line.sendmail("", [forged], report("postfix"))
            line.sendmail("siti@kota.example", [office.address(one)], report("away_id"))
            line.sendmail("", [office.address(one)], b"Subject: x\r\n\r\n" + b"y" * 5000 + b"\r\n")

    served(talk)
    assert [event.kind for event in office.events()] == ["forged", "auto_reply", "other"]
    assert office.letter(one).state is LetterState.ACCEPTED
    assert len(office.all("stage_invitation")) == 1


def test_other_domains_and_a_second_recipient_are_refused(office: Office) -> None:
    one, other = office.send("siti", 2)

    def talk(port: int) -> None:
        with smtplib.LMTP("127.0.0.1", port) as line:
            line.ehlo("relay")
            line.mail("")
            assert line.rcpt("siti@kota.example")[0] == 550
            assert line.rcpt(office.address(one))[0] == 250
            assert line.rcpt(office.address(other))[0] == 452

    served(talk)


def test_f55_a_message_above_the_limit_is_refused_and_one_of_20_megabytes_is_taken(office: Office) -> None:
    (one,) = office.send("siti")
    huge = report("exchange").replace(b"Yth. Siti Rahma", (b"lampiran " * 8 + b"\n") * 290_000)
    huge = huge.replace(b"\n", b"\r\n")
    assert len(huge) > 20_000_000

    def talk(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as line:
            line.sendmail("", [office.address(one)], huge)

    def refused(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as line, pytest.raises(smtplib.SMTPResponseException) as said:
            line.sendmail("", [office.address(one)], huge)
        assert said.value.smtp_code == 552

    served(refused, max_message=1_000_000)
    assert office.events() == []
    served(talk)
    assert office.letter(one).state is LetterState.BOUNCED_HARD


def test_what_cannot_be_recorded_now_is_left_to_the_sender(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = office.send("siti")
    monkeypatch.setattr(inbound, "_take", lambda *_: 1 / 0)

    def talk(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as line, pytest.raises(smtplib.SMTPDataError) as said:
            line.sendmail("", [office.address(one)], report("postfix"))
        assert said.value.smtp_code == 451

    served(talk)
    assert office.letter(one).state is LetterState.ACCEPTED


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "mx.kota.example", ""])
def test_it_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(ValueError, match="not this machine"):
        asyncio.run(inbound.serve(host, 0))


@pytest.mark.parametrize("where", ["192.0.2.1:2526", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":x"])
def test_a_place_to_listen_that_cannot_be_is_refused_in_words(where: str) -> None:
    done = CliRunner().invoke(app, ["bounces", "--listen", where])
    assert done.exit_code == 2, done.output
    assert "Invalid value for --listen" in done.output


def test_the_listening_command_takes_in_until_it_is_stopped(office: Office, tmp_path: Path) -> None:
    (one,) = office.send("siti")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cli.main", "mail", "bounces", "--listen", f"127.0.0.1:{port}"]
    environment = os.environ | {"APPRAISAL_DATABASE_URL": office.db.url}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert str(port) in process.stdout.readline()
            with smtplib.SMTP("127.0.0.1", port) as line:
                line.sendmail("", [office.address(one)], report("sendmail"))
            assert office.letter(one).state is LetterState.BOUNCED_HARD
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            assert process.wait(timeout=20) == 0
            assert time.monotonic() - started < 10
        finally:
            process.kill()


# letting go what was held for our sake


def test_addresses_held_for_our_sake_are_let_go_by_domain_once_shown(office: Office) -> None:
    clock.move_to(AT + timedelta(hours=1))
    (one,) = office.send("siti")
    office.take(one, "postfix_refused")
    (held,) = office.owe("siti")
    office.begin()
    assert office.letter(held).state is LetterState.HELD
    command = ["release", "KOTA.example", "--reason", "Reputasi dipulihkan"]
    assert run(*command) == {"people": 1, "letters": 1, "done": False}
    assert office.person("siti").email_state is AddressState.BLOCKED
    assert run("release", "other.example", "--reason", "x", "--yes")["people"] == 0
    assert run(*command, "--yes") == {"people": 1, "letters": 1, "done": True}
    assert office.person("siti").email_state is AddressState.OK
    assert office.letter(held).state is LetterState.QUEUED
    office.take(one, "postfix_refused")
    assert office.person("siti").email_state is AddressState.OK
