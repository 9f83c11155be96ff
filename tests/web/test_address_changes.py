"""Who may change where codes go: the old address can stop it, the new one waits, and nobody steers their own case."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

import clock
import settings
from actions.access import address_changes, codes, sessions, waiting
from actions.mail.envelopes import post_of, secrets_of
from actions.mail.outbox import Claimed
from database import Database
from models import (
    ActionLink,
    AddressChange,
    Appraisal,
    Letter,
    Person,
    RoleGrant,
    StepCode,
    TrailEntry,
    WebSession,
)  # fmt: skip
from notifications.compose import compose
from rules.proof.tokens import Purpose, sign
from rules.terms import LinkState, Locale, Role
from tests.web.hr import Hr, count, newest_code, stranger_to

pytest_plugins = ["tests.lived"]
NEW = "baru@mamuju.example"


@pytest.fixture
def hr(january: Database, app: Any) -> Hr:
    return Hr(app, january).sign_in()


def change_address(hr: Hr, person: Person) -> AddressChange:
    path = f"/hr/p/{person.id}/address"
    assert "Sudah dilakukan" in hr.confirm(hr.order(path, address=NEW, reason="Salah ketik")).text
    with hr.db.reading() as session:
        change = session.scalars(select(AddressChange)).one()
        session.expunge_all()
    return change


def second_officer(db: Database, app: Any, but: set[int]) -> Hr:
    """Somebody else gets the role, and signs in."""
    with db.transaction() as session:
        query = select(Person).where(Person.id.not_in(but), Person.active_to.is_(None)).order_by(Person.id.desc())
        other = session.scalars(query).first()
        assert other is not None
        session.add(RoleGrant(person_id=other.id, role=Role.PERFORMANCE_ADMIN, from_on=other.active_from))
        other_id, address = other.id, other.email
    second = Hr(app, db)
    second.post("/hr/link", {"address": address})
    assert second.post("/hr/code", {"code": newest_code(db, other_id)}).status_code == 303
    second.who = other_id
    return second


def stop_token(change: AddressChange) -> str:
    return sign(change.id, kid=0, master=settings.load().master, purpose=Purpose.ADDRESS_STOP)


def test_the_old_address_is_told_with_a_way_to_stop_it_and_the_new_one_until_when_it_waits(
    hr: Hr, january: Database
) -> None:
    person = stranger_to(january, hr.who)
    change = change_address(hr, person)
    assert change.waits_until - change.at == timedelta(hours=24)
    assert (change.before, change.after, change.by_id) == (person.email, NEW, hr.who)
    with january.reading() as session:
        told = session.scalars(select(Letter).filter_by(kind="address_changed").order_by(Letter.id)).all()
        assert {(one.address, one.facts["audience"], one.link_id) for one in told} == {
            (NEW, "new", None),
            (person.email, "old", change.id),
        }
        old = next(one for one in told if one.facts["audience"] == "old")
        claimed = Claimed(
            old.id, "x", 1, old.kind, old.lane, None, old.person_id, old.link_id, None, None, old.locale, old.facts,
            old.address, "mamuju.example", "", "<1@x>", None, clock.now(), 0, 0, None, None,
        )  # fmt: skip
        secrets = secrets_of(session, claimed, post_of(settings.load()))
    written = compose("address_changed", {**old.facts, **secrets}, Locale.ID).text
    assert f"/a/stop/{stop_token(change)}" in written
    assert NEW not in written


def test_the_letter_to_the_old_address_goes_there_though_another_is_on_record(hr: Hr, january: Database) -> None:
    from actions.mail import claims
    from rules.terms import Lane

    person = stranger_to(january, hr.who)
    change_address(hr, person)
    with january.transaction() as session:
        taken = claims.claim(session, "x", [Lane.INVITATION], 5000, at=clock.now())
    told = {one.address for one in taken if one.kind == "address_changed"}
    assert told == {person.email, NEW}


def test_no_code_goes_to_a_new_address_before_its_wait_is_over(hr: Hr, january: Database) -> None:
    person = stranger_to(january, hr.who)
    change = change_address(hr, person)
    (officers_own,) = count(january, StepCode)
    for at, waits in ((change.at + timedelta(hours=23), True), (change.waits_until, False)):
        with january.transaction() as session:
            assert (waiting.pending(session, person.id, at=at) is not None) is waits
            link = session.scalars(select(ActionLink).filter_by(person_id=person.id, state=LinkState.ACTIVE)).first()
            assert link is not None
            secret = sessions.begin(session, _opened(session, link.id), at=at)
            visit = sessions.find(session, secret, at=at)
            assert visit is not None
            if waits:
                with pytest.raises(codes.CodeRefused) as refused:
                    codes.request(session, visit, master=settings.load().master, at=at)
                assert (refused.value.why, refused.value.until) == ("waits", change.waits_until)
            else:
                assert codes.request(session, visit, master=settings.load().master, at=at).tries == 0
    assert count(january, StepCode) == [officers_own + 1]


def _opened(session: Any, link_id: int) -> Any:
    from actions.duties import links

    return links.open_link(session, link_id)


def test_whoever_reads_the_old_address_stops_it_with_a_box_that_people_tick(
    hr: Hr, january: Database, app: Any
) -> None:
    person = stranger_to(january, hr.who)
    change = change_address(hr, person)
    owner, before = Hr(app, january), count(january, TrailEntry, Letter)
    page = owner.get(f"/a/stop/{stop_token(change)}.")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    for secret in (person.name, person.email, NEW):
        assert secret not in page.text
    pressed = owner.post("/a/stop", {"token": stop_token(change)})
    assert (pressed.status_code, "Centang" in pressed.text) == (422, True)
    assert count(january, TrailEntry, Letter) == before, "a lone press says nothing"
    assert "dihentikan" in owner.post("/a/stop", {"token": stop_token(change), "confirm": "yes"}).text
    with january.reading() as session:
        assert session.get_one(AddressChange, change.id).stopped_at is not None
        assert waiting.pending(session, person.id, at=clock.now() + timedelta(days=30)) is not None
        assert session.scalars(select(ActionLink).filter_by(person_id=person.id, state=LinkState.ACTIVE)).all() == []
        causes = [one.facts["cause"] for one in session.scalars(select(Letter).filter_by(kind="correction_notice"))]
        assert set(causes) == {"address_stopped"}
    again = count(january, TrailEntry, Letter)
    owner.post("/a/stop", {"token": stop_token(change), "confirm": "yes"})
    assert count(january, TrailEntry, Letter) == again


def test_a_stop_link_that_is_not_ours_or_too_late_stops_nothing(hr: Hr, january: Database, app: Any) -> None:
    person = stranger_to(january, hr.who)
    change = change_address(hr, person)
    for token in ("a" * 40, sign(change.id, kid=0, master=settings.load().master), "x"):
        assert hr.get(f"/a/stop/{token}").status_code == 404
        assert hr.post("/a/stop", {"token": token, "confirm": "yes"}).status_code == 404
    with january.transaction() as session:
        assert not address_changes.stop(session, change.id, at=change.waits_until)


def test_a_second_officer_ends_the_wait_and_the_first_cannot(hr: Hr, january: Database, app: Any) -> None:
    person = stranger_to(january, hr.who)
    change = change_address(hr, person)
    page = hr.get(f"/hr/p/{person.id}").text
    assert "baru diganti" in page
    mine = hr.order(f"/hr/p/{person.id}/confirm_address", reason="Sudah ditelepon")
    assert (mine.status_code, "kedua" in mine.text) == (422, True)
    second = second_officer(january, app, {hr.who, person.id})
    seen = second.order(f"/hr/p/{person.id}/confirm_address", reason="Sudah ditelepon")
    assert "Sudah dilakukan" in second.confirm(seen).text
    with january.reading() as session:
        assert waiting.pending(session, person.id, at=clock.now()) is None
        assert session.get_one(AddressChange, change.id).confirmed_by_id == second.who
    assert "confirm_address" not in second.get(f"/hr/p/{person.id}").text


def test_an_officer_whose_own_address_was_changed_does_not_sign_in_with_it_at_once(
    hr: Hr, january: Database, app: Any
) -> None:
    second = second_officer(january, app, {hr.who})
    with january.transaction() as session:
        session.execute(update(Appraisal).values(authority_id=None))
        person = session.get_one(Person, second.who)
        session.expunge_all()
    with january.transaction() as session:
        session.execute(
            update(Appraisal)
            .where(Appraisal.employee_id == second.who, Appraisal.rater_id == hr.who)
            .values(rater_id=None)
        )
    change_address(hr, person)
    before = count(january, WebSession)
    thief = Hr(app, january)
    thief.post("/hr/link", {"address": NEW})
    with january.reading() as session:
        assert session.scalars(select(Letter.id).filter_by(kind="sign_in", address=NEW)).all() == []
    assert thief.post("/hr/code", {"code": "12345678"}).status_code == 422
    assert count(january, WebSession) == before


def test_nobody_changes_the_address_of_their_rater_their_staff_or_themselves(hr: Hr, january: Database) -> None:
    with january.reading() as session:
        own = session.scalars(select(Appraisal).filter_by(employee_id=hr.who)).one()
        people = {hr.who, own.rater_id, own.authority_id} - {None}
    assert len(people) > 1
    for person in people:
        answer = hr.order(f"/hr/p/{person}/address", address=NEW, reason="Salah ketik")
        assert answer.status_code == 422
        assert "Bapak/Ibu terlibat" in answer.text
    assert count(january, AddressChange) == [0]


def test_nobody_steers_their_own_case_or_names_themselves(hr: Hr, january: Database) -> None:
    with january.transaction() as session:
        own = session.scalars(select(Appraisal).filter_by(employee_id=hr.who)).one()
        query = select(Appraisal).where(
            Appraisal.id != own.id, Appraisal.rater_id.is_not(None), Appraisal.rater_id != hr.who,
            Appraisal.employee_id != own.rater_id, Appraisal.authority_id.is_not(None),
        )  # fmt: skip
        other = session.scalars(query.order_by(Appraisal.id.desc())).first()
        assert other is not None
        nips = dict(session.execute(select(Person.id, Person.nip)).tuples().all())
        me, rater, employee = nips[hr.who], nips[own.rater_id or 0], nips[other.employee_id]
        official = nips[other.rater_id or 0]
    cycle, decree = hr.cycle(), {"decree_no": "821/9", "reason": "Mutasi"}
    orders = [
        ("reassign", {"employees": me, "new": employee, "role": "rater"}),
        ("reassign", {"employees": employee, "new": me, "role": "rater"}),
        ("reassign", {"employees": employee, "new": me, "role": "objection_authority"}),
        ("delegate", {"principal": official, "acting": me, "kind": "plt", "from_on": "2026-01-20",
                      "to_on": "2026-01-30"}),
        ("delegate", {"principal": rater, "acting": employee, "kind": "plh", "from_on": "2026-01-20",
                      "to_on": "2026-01-30"}),
        ("extend", {"stage": "target_setting", "until": "2026-02-10", "person": me}),
    ]  # fmt: skip
    for what, fields in orders:
        answer = hr.order(f"{cycle}/{what}", **decree, **fields)
        assert answer.status_code == 422, (what, fields)
        assert re.search("Bapak/Ibu (terlibat|tidak dapat menunjuk)", answer.text), (what, fields)
