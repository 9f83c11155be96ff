"""Waves: seen before, while and after they leave, and let go by a second person."""

import json
from datetime import date

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

import clock
import settings
from actions.mail import letters, outbox, waves
from actions.mail.dry_runs import dry_run
from actions.mail.waves import WaveRefused
from cli.mail.commands import app
from database import Database
from models import ActionLink, Agency, Cycle, Letter, Person, RoleGrant, Stage, TrailEntry, Wave
from rules.terms import AddressState, Lane, LetterState, Role, StageKind
from simulation.sink import Sink
from tests.mail.posting import AT, letter, limit, owe, post_to, send, states

run = CliRunner()


def appraisal(*words: str, code: int = 0) -> str:
    done = run.invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def held(both: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A wave of six that awaits its release, launched by p0; p1 is HR, p2 nobody in particular."""
    monkeypatch.setenv("APPRAISAL_MAIL_RELEASE_ABOVE", "5")
    settings.load.cache_clear()
    owe(both, 6, wave="a")
    with both.transaction() as session:
        people = session.scalars(select(Person).order_by(Person.id)).all()
        session.scalars(select(Cycle)).one().launched_by_id = people[0].id
        session.add_all(
            RoleGrant(person_id=one.id, role=Role.PERFORMANCE_ADMIN, from_on=date(2020, 1, 1)) for one in people[:2]
        )
    return both


def nip(number: int) -> str:
    return f"{number:018d}"


def test_a_second_person_releases_a_large_wave_and_it_goes_out(held: Database) -> None:
    with Sink() as sink:
        assert send(held, sink) == {}
        with held.transaction() as session:
            waves.release(session, "a", nip(1), at=AT)
        assert send(held, sink) == {"accepted": 6}
    with held.reading() as session:
        wave = session.scalars(select(Wave)).one()
        assert (wave.released_at, wave.awaits_release) == (AT, False)
        entry = session.scalars(select(TrailEntry).filter_by(type="wave.released")).one()
        assert entry.actor_id == wave.released_by_id
        assert letters.certificate(session, wave_id=wave.id).clean


@pytest.mark.parametrize(("number", "why"), [(0, "launched the cycle"), (2, "neither HR"), (77, "Nobody")])
def test_neither_the_launcher_nor_just_anybody_releases_it(held: Database, number: int, why: str) -> None:
    with held.transaction() as session, pytest.raises(WaveRefused, match=why):
        waves.release(session, "a", nip(number), at=AT)
    with held.transaction() as session:
        assert session.scalars(select(Wave.awaits_release)).one()
        outbox.resume(session)
        outbox.resume_waves(session)
        assert session.scalars(select(Wave.awaits_release)).one(), "going on with delivery is no release"


def test_a_wave_is_held_before_its_first_letter_is_out_even_if_it_is_built_in_parts(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISAL_MAIL_RELEASE_ABOVE", "5")
    monkeypatch.setattr(waves, "expected", lambda session, stage_id: 9)
    settings.load.cache_clear()
    owe(both, 2, wave="a")
    with both.reading() as session:
        assert session.scalars(select(Wave.awaits_release)).one()
        assert outbox.next_due(session, list(Lane)) is None


def test_the_certificate_of_a_wave_counts_its_own_letters_only(db: Database) -> None:
    owe(db, 3, wave="a")
    owe(db, 2, wave="b")
    with Sink() as sink:
        assert send(db, sink, 4) == {"accepted": 4}
    with db.reading() as session:
        one, two = (letters.certificate(session, wave_id=waves.find(session, key).id) for key in "ab")
        assert (one.owed, one.planned, one.clean) == (3, 3, True)
        assert (two.owed, two.open, two.clean) == (2, 1, False)
    with db.transaction() as session:
        session.execute(update(Wave).where(Wave.key == "a").values(planned=5))
        assert letters.certificate(session, wave_id=waves.find(session, "a").id).missing == 2


def test_the_command_line_shows_stops_and_releases_waves(held: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    limit(held, "relay", "30/h")
    (shown,) = json.loads(appraisal("waves", "--json"))
    assert (shown["key"], shown["planned"], shown["waiting"]) == ("a", 6, 6)
    assert "mail release a --by NIP" in shown["stands"]
    assert shown["takes"] == "about 23 min"
    appraisal("release", "a", "--by", nip(1))
    appraisal("pause", "wrong text", "--wave", "a")
    assert json.loads(appraisal("wave", "a", "--json"))["stands"] == "stopped: wrong text"
    appraisal("resume", "--wave", "a")
    assert json.loads(appraisal("wave", "a", "--json"))["stands"] == ""
    limit(held, "relay", "none")
    with Sink() as sink:
        assert send(held, sink) == {"accepted": 6}
    assert "clean" in appraisal("certificate", "--wave", "a")
    assert "No wave is under way" in appraisal("waves")
    assert len(json.loads(appraisal("waves", "--all", "--json"))) == 1


def test_the_command_line_sets_and_lists_limits(both: Database) -> None:
    assert "No limits" in appraisal("limits")
    appraisal("limit", "relay", "50/s", "--connections", "9")
    appraisal("limit", "domain:gmail.com", "5/s")
    found = {row["scope"]: row for row in json.loads(appraisal("limits", "--json"))}
    assert found["relay"]["limit"] == "50/s"
    assert found["relay"]["max_connections"] == 9
    assert found["domain:gmail.com"]["per_second"] == pytest.approx(5.0)
    appraisal("limit", "domain:gmail.com", "none")
    assert "as fast as it goes" in appraisal("limits")


def invited(db: Database) -> int:
    """A wave of two invitations with links of their own; its stage."""
    owe(db, 2, wave="target_setting.open:1")
    facts = {
        "name": "Siti", "agency": "Kota", "contact": "hr@kota.example", "year": 2026, "zone": "Asia/Jakarta",
        "stage": "target_setting", "due": AT.isoformat(), "duties": [{"kind": "draft_targets", "count": 1}],
    }  # fmt: skip
    with db.transaction() as session:
        cycle = session.scalars(select(Cycle)).one()
        stage = Stage(id=1, cycle_id=cycle.id, kind=StageKind.TARGET_SETTING, opens_at=AT, due_at=AT.replace(day=20),
                      closes_at=AT.replace(day=25))  # fmt: skip
        session.add(stage)
        session.flush()
        for number, one in enumerate(session.scalars(select(Letter)), start=1):
            link = ActionLink(id=number, person_id=one.person_id, stage_id=1, generation=1, kid=3, made_at=AT)
            session.add(link)
            session.flush()
            one.kind, one.facts, one.link_id, one.stage_id = "stage_invitation", facts, link.id, 1
        return stage.id


def test_a_dry_run_writes_every_letter_and_finds_nothing_wrong_where_nothing_is(both: Database) -> None:
    invited(both)
    limit(both, "domain:kota.example", "1/min")
    with both.reading() as session:
        seen = dry_run(session, waves.opening(session, "kota", 2026, StageKind.TARGET_SETTING), post_to(1), at=AT)
    assert seen.clean, seen.problems
    assert (seen.letters, seen.domains) == (2, {"kota.example": 2})
    assert seen.links >= 2
    assert 0 < seen.longest_line < 998
    assert 1000 < seen.largest < 100_000
    assert 60 <= seen.seconds <= 121
    assert states(both) == {"queued": 2}


@pytest.mark.parametrize(
    ("spoil", "what"),
    [("facts", "cannot be written: FactsMissing"), ("address", "bad address"), ("held", "would not be sent: held"),
     ("link", "does not lead to the person's desk"), ("twice", "more than one of this kind"),
     ("shared", "has the same address"), ("late", "would not be sent: expired")],
)  # fmt: skip
def test_a_dry_run_names_what_is_not_as_it_should_be(
    db: Database, spoil: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(db)
    with db.transaction() as session:
        first, second = session.scalars(select(Letter).order_by(Letter.id)).all()
        person, other = session.get_one(Person, first.person_id), session.get_one(Person, second.person_id)
        if spoil == "facts":
            first.facts = {"name": "Siti"}
        elif spoil == "address":
            person.email = "satu@kota.example, dua@kota.example"
        elif spoil == "held":
            person.email_state = AddressState.HARD
        elif spoil == "late":
            first.not_after = AT.replace(day=1)
        elif spoil == "twice":
            second.person_id = first.person_id
        elif spoil == "shared":
            other.email = person.email.upper().replace("KOTA.EXAMPLE", "kota.example")
    if spoil == "link":
        monkeypatch.setattr("actions.mail.envelopes.sign", lambda *_a, **_m: "a" * 40)
    with db.reading() as session:
        seen = dry_run(session, session.scalars(select(Wave)).one(), post_to(1), at=AT)
    assert any(what in problem.what for problem in seen.problems), seen.problems
    assert seen.letters == 2


def test_a_dry_run_to_a_sink_sends_every_letter_there_and_changes_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(db)
    monkeypatch.setattr(clock, "now", lambda: AT)
    with Sink() as sink:
        to = f"smtp://127.0.0.1:{sink.port}"
        said = json.loads(appraisal("dry-run", "target_setting.open:1", "--to-sink", to, "--json"))
        assert (said["sunk"], said["clean"], len(sink.letters)) == (2, True, 2)
        assert b"http://127.0.0.1:8080/a/" in sink.letters[0].content.replace(b"=\r\n", b"")
        monkeypatch.setenv("APPRAISAL_SMTP_URL", to)
        settings.load.cache_clear()
        done = run.invoke(app, ["dry-run", "target_setting.open:1", "--to-sink", to])
        assert done.exit_code != 0, "the relay that delivers is no sink"
        assert len(sink.letters) == 2
    assert states(db) == {"queued": 2}
    with db.reading() as session:
        assert session.scalars(select(Letter.first_tried_at)).all() == [None, None]


def test_a_stage_whose_letters_are_not_written_yet_is_told_so(db: Database) -> None:
    owe(db, 1, wave="x")
    with db.reading() as session, pytest.raises(WaveRefused, match="not written yet"):
        waves.opening(session, "kota", 2026, StageKind.SUPERVISOR_SCORING)
    with db.reading() as session:
        assert session.scalars(select(Agency.code)).one() == "kota"
        assert letter(db, 1).state is LetterState.QUEUED
