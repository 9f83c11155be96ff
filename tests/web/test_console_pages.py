"""What the pages of the HR console say: people, units and stages by name, in the language of who reads."""

import html
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import delete, event, inspect, select, update
from typer.core import TyperGroup

import clock
from actions import steering
from actions.console.mail import missed
from actions.mail import limits, outbox
from actions.store import trail
from cli import audit as audit_commands
from database import Database
from models import (
    Appraisal,
    Assignment,
    AuditDraw,
    AuditEvaluation,
    AuditPlan,
    Cycle,
    Letter,
    MailAttempt,
    Person,
    RosterImport,
    Unit,
    Wave,
)
from rules.terms import (
    ActingKind,
    AddressState,
    AppraisalState,
    AssignmentState,
    AuditAttribute,
    AuditDecision,
    CycleState,
    LetterState,
    Locale,
    Role,
    StageKind,
)
from tests.web.hr import Hr
from web.texts import say

pytest_plugins = ["tests.lived"]


@pytest.fixture
def hr(january: Database, app: Any) -> Hr:
    return Hr(app, january).sign_in()


@contextmanager
def asking(db: Database) -> Iterator[list[str]]:
    """The statements that the database was asked meanwhile."""
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


def shown(hr: Hr, path: str, lang: str) -> str:
    answer = hr.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


# changes


def test_changes_name_people_units_and_stages_in_the_readers_language(hr: Hr, january: Database) -> None:
    at = clock.now()
    with january.transaction() as session:
        cycle = session.scalars(select(Cycle)).one()
        unit = session.scalars(select(Unit).order_by(Unit.id.desc())).first()
        case = session.scalars(select(Appraisal).filter(Appraisal.rater_id > 1).order_by(Appraisal.id.desc())).first()
        assert unit is not None
        assert case is not None
        before = case.rater_id
        new = session.scalars(select(Appraisal.rater_id).where(Appraisal.rater_id.not_in(
            [case.rater_id, case.authority_id, case.employee_id]), Appraisal.rater_id != 1)).first()  # fmt: skip
        assert before is not None
        assert new is not None
        steering.extend(session, cycle, StageKind.TARGET_SETTING, date(2026, 1, 28), decree_no="800/7",
                        reason="Banjir", unit=unit.id, at=at, by=hr.who)  # fmt: skip
        steering.reassign(session, cycle, [case.id], new, reason="Mutasi", at=at, by=hr.who)
        steering.delegate(session, before, new, ActingKind.PLH, decree_no="821/2", from_on=date(2026, 1, 20),
                          to_on=date(2026, 1, 22), at=at, by=hr.who)  # fmt: skip
        done = session.scalars(select(Assignment).filter_by(state=AssignmentState.DONE)).first()
        assert done is not None
        steering.reopen(session, cycle, [done.id], reason="Salah berkas", at=at, by=hr.who)
        trail.record(session, cycle.agency_id, "override_distribution", f"unit:{unit.id}", at=at, why="Sudah dibahas")
        names = dict(session.execute(select(Person.id, Person.name)).tuples().all())
        ids = case.employee_id, before, new, done.person_id
        unit_name = unit.name
    employee, old, rater, asked = (names[one] for one in ids)
    path = f"{hr.cycle()}/changes"
    for lang, words in (
        ("id", ["Penetapan Sasaran Kinerja 2026", f"Untuk {unit_name}, sampai Rabu, 28 Januari 2026",
                f"Pejabat Penilai Kinerja: {old} → {rater}", f"Diwakili oleh {rater} sebagai Plh",
                f"diminta ulang dari {asked}"]),
        ("en", ["Target setting 2026", f"For {unit_name}, until Wednesday, 28 January 2026",
                f"Rater: {old} → {rater}", f"Represented by {rater} as Plh", f"asked again of {asked}"]),
    ):  # fmt: skip
        page = shown(hr, path, lang)
        for said in (*words, f">{employee}</a>", f": {unit_name}"):
            assert said in page, said
        for raw in ("appraisal:", "person:", "stage:", "unit:", "cycle:", "draft_targets", "target_setting"):
            assert raw not in page, raw


def test_a_page_of_changes_asks_once_for_each_kind_whatever_their_number(hr: Hr, january: Database) -> None:
    path = f"{hr.cycle()}/changes"

    def dispute(how_many: int) -> int:
        with january.transaction() as session:
            agency = session.scalars(select(Cycle.agency_id)).one()
            for case in session.scalars(select(Appraisal.id).limit(how_many)).all():
                trail.record(session, agency, "line.disputed", f"appraisal:{case}", at=clock.now(), why="Bukan dia")
        with asking(january) as asked:
            assert "Bukan dia" in shown(hr, path, "id")
        return len(asked)

    assert dispute(1) == dispute(40)


def test_an_entry_whose_content_was_erased_is_still_listed(hr: Hr, january: Database) -> None:
    with january.transaction() as session:
        cycle = session.scalars(select(Cycle)).one()
        entry = trail.record(session, cycle.agency_id, "act.reopened", "item:99:1", at=clock.now())
        entry.content = entry.salt = None
    assert "Tindakan diminta ulang" in shown(hr, f"{hr.cycle()}/changes", "id")


# a person


def test_the_roles_of_a_person_are_named_in_the_readers_language(hr: Hr) -> None:
    for lang, role in (("id", "Pengelola Kinerja"), ("en", "HR (performance administrator)")):
        page = shown(hr, f"/hr/p/{hr.who}", lang)
        assert f'<span class="tag">{role}</span>' in page
        assert "performance admin<" not in page
    for role in Role:
        assert all(say(locale, f"hr.role.{role.value}") for locale in Locale)


# searching


def test_no_form_or_link_puts_a_name_or_a_nip_into_an_address(hr: Hr, january: Database) -> None:
    with january.reading() as session:
        nips = session.scalars(select(Person.nip)).all()
    for path in (f"{hr.cycle()}/cases?show=no_authority", f"{hr.cycle()}/steer", f"/hr/p/{hr.who}", "/hr/p"):
        page = shown(hr, path, "id")
        assert 'method="get"' not in page
        for address in re.findall(r'(?:href|action)="([^"]*)"', page):
            assert not any(nip in address for nip in nips), address
    answer = hr.get(f"{hr.cycle()}/steer?employees={nips[0]}")
    assert nips[0] not in answer.text


def test_a_case_without_authority_leads_to_a_form_that_knows_the_employee(hr: Hr, january: Database) -> None:
    page = shown(hr, f"{hr.cycle()}/cases?show=no_authority", "id")
    link = re.search(r'href="(/hr/c/\d+/steer\?case=(\d+))', page)
    assert link is not None
    with january.reading() as session:
        query = select(Person.nip).join(Appraisal, Appraisal.employee_id == Person.id)
        nip = session.scalars(query.where(Appraisal.id == int(link[2]))).one()
    assert f">\n{nip}</textarea>" in shown(hr, link[1], "id")
    assert hr.get(f"{hr.cycle()}/steer?case=999999").status_code == 200


def test_a_search_among_cases_turns_its_pages_and_keeps_its_words(
    hr: Hr, january: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.console.overview.PAGE", 3)
    with january.reading() as session:
        wanted = select(Person.name).join(Appraisal, Appraisal.employee_id == Person.id).order_by(Appraisal.id)
        names = session.scalars(wanted.where(Person.name.ilike("%an%"))).all()
    assert len(names) > 6
    path = f"{hr.cycle()}/cases"
    page = html.unescape(hr.post(f"{path}?lang=en", {"q": "an", "show": "all"}).text)
    assert all(f">{name}</a>" in page for name in names[:3])
    assert '<input type="hidden" name="q" value="an">' in page
    assert 'name="from"' in page
    page = html.unescape(hr.post(path, {"q": "an", "show": "all", "from": "3"}).text)
    assert all(f">{name}</a>" in page for name in names[3:6])
    assert "1–3" not in page
    assert hr.client.post(path, data={"q": "an"}).status_code == 403, "a search comes from our own page only"


def test_a_search_that_fits_too_many_says_so(hr: Hr, january: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with january.reading() as session:
        total = len(session.scalars(select(Person.id).where(Person.name.ilike("%an%"))).all())
    assert "orang; ketik" not in hr.post("/hr/p", {"q": "an"}).text
    monkeypatch.setattr("actions.console.overview.PAGE", 3)
    assert f"3 dari {total} orang; ketik" in hr.post("/hr/p", {"q": "an"}).text


# replacing an official


def _new_rater(db: Database) -> tuple[Appraisal, str, dict[int, str]]:
    """A case, the NIP of somebody who could rate it, and everybody's NIP."""
    with db.reading() as session:
        case = session.scalars(select(Appraisal).filter(Appraisal.rater_id > 1).order_by(Appraisal.id.desc())).first()
        assert case is not None
        new = session.scalars(select(Appraisal.rater_id).where(Appraisal.rater_id.not_in(
            [case.rater_id, case.authority_id, case.employee_id]), Appraisal.rater_id != 1)).first()  # fmt: skip
        nips = dict(session.execute(select(Person.id, Person.nip)).tuples().all())
        session.expunge_all()
    assert new is not None
    return case, nips[new], nips


def test_nobody_is_replaced_while_some_of_the_employees_are_unknown_or_have_no_appraisal(
    hr: Hr, january: Database
) -> None:
    case, new, nips = _new_rater(january)
    known = nips[case.employee_id]
    with january.transaction() as session:
        agency = session.scalars(select(Cycle.agency_id)).one()
        session.add(Person(agency_id=agency, nip="199901012025011001", name="Baru Tanpa Berkas",
                           email="baru@mamuju.example", active_from=date(2026, 1, 5)))  # fmt: skip
    form = {"new": new, "role": "rater", "reason": "Mutasi"}
    for employees, words in (
        (f"{known} 111 222", ["NIP 111, 222"]),
        (f"{known}, 199901012025011001", ["Baru Tanpa Berkas (199901012025011001)", "siklus 2026"]),
    ):
        answer = hr.order(f"{hr.cycle()}/reassign", employees=employees, **form)
        assert answer.status_code == 422
        for said in words:
            assert said in html.unescape(answer.text)
        assert f">\n{employees}</textarea>" in answer.text
    assert (
        hr.order(f"{hr.cycle()}/reassign", employees=known, rater=nips[case.rater_id or 0], **form).status_code == 422
    )
    seen = hr.order(f"{hr.cycle()}/reassign", employees=f"{known} {known}", **form)
    assert "Sudah dilakukan" in hr.confirm(seen).text
    with january.reading() as session:
        assert session.scalars(select(Person.nip).join(Appraisal, Appraisal.rater_id == Person.id)
                               .where(Appraisal.id == case.id)).one() == new  # fmt: skip


# the audit

COMMAND = re.compile(r'<code class="mono">appraisal audit (.*?)</code>')
FILES = ("roster.csv", "plan.json")


def _commands(hr: Hr, lang: str, folder: Path) -> list[list[str]]:
    """The commands of the page as a shell would take them apart, with a folder for what stands in capitals."""
    page = shown(hr, f"{hr.cycle()}/audit", lang).replace("FOLDER", str(folder))
    return [shlex.split(command) for command in COMMAND.findall(page)]


@pytest.mark.parametrize("lang", ["id", "en"])
def test_the_commands_of_the_audit_can_be_run_as_they_stand(hr: Hr, tmp_path: Path, lang: str) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    group = typer.main.get_command(audit_commands.app)
    assert isinstance(group, TyperGroup)
    said = _commands(hr, lang, tmp_path)
    assert [words[0] for words in said] == ["plan", "freeze", "publish", "seed", "draw", "verify", "evaluate"]
    for name, *words in said:
        taken = group.commands[name].make_context(name, words).params
        if name != "verify":
            assert (taken["agency"], taken["year"]) == ("mamuju", 2026)
        assert taken.get("stage", 1) == 1


def test_the_audit_page_says_what_was_done_what_is_next_and_names_seed_and_stage(
    hr: Hr, january: Database, tmp_path: Path
) -> None:
    at = clock.now()
    with january.transaction() as session:
        cycle = session.scalars(select(Cycle)).one()
        session.add(AuditPlan(cycle_id=cycle.id, settings={}, frozen_at=at, annulled_at=at,
                              annulled_reason="Baris tertukar."))  # fmt: skip
        plan = AuditPlan(cycle_id=cycle.id, attempt=2, settings={}, frozen_at=at, published_at=at,
                         published_where="Papan pengumuman BKPSDM", roster_sha256="ab" * 32, population=44)  # fmt: skip
        session.add(plan)
        session.flush()
        number = plan.id
    page = shown(hr, f"{hr.cycle()}/audit", "id")
    assert "Baris tertukar." in page
    assert "Papan pengumuman BKPSDM" in page
    assert "ab" * 32 in page
    assert re.search(r'aria-current="step"><p><strong>Catat benih', page)
    assert "Tidak sebelum Rabu, 7 Januari 2026" in page
    with january.transaction() as session:
        session.get_one(AuditPlan, number).seed = "08772473296991897540"
        session.get_one(AuditPlan, number).seed_recorded_at = at
        session.add_all([
            AuditDraw(plan_id=number, stage_no=1, draw_key="k", draw_sha256="s", drawn_at=at),
            AuditEvaluation(plan_id=number, stage_no=1, attribute=AuditAttribute.EVIDENCE, examined=3, deviations=1,
                            voids=0, upper_bound=1, decision=AuditDecision.EXPAND, at=at),
        ])  # fmt: skip
    said = {words[0]: words[1:] for words in _commands(hr, "en", tmp_path)}
    assert said["draw"] == ["mamuju", "2026", "--stage", "2"]
    assert said["verify"][2:] == ["08772473296991897540", "--stage", "2"]
    with january.transaction() as session:
        session.get_one(AuditPlan, number).closed_at = at
    said = {words[0]: words[1:] for words in _commands(hr, "en", tmp_path)}
    assert said["evaluate"] == ["mamuju", "2026", "--stage", "1"]


# mail


def _wave(db: Database, fates: dict[LetterState, str]) -> int:
    """Give the first letters of the opening wave other fates, each with a reply; the id of the wave."""
    with db.transaction() as session:
        wave = session.scalars(select(Wave.id).order_by(Wave.id)).first()
        assert wave is not None
        listed = session.scalars(select(Letter).filter_by(wave_id=wave).order_by(Letter.id)).all()
        for letter, (state, reply) in zip(listed, fates.items(), strict=False):
            letter.state, letter.reply = state, reply
    return wave


def test_the_certificate_counts_what_is_in_doubt_or_repeated_and_says_what_that_means(
    hr: Hr, january: Database
) -> None:
    with january.transaction() as session:
        first, second, third = session.scalars(select(Letter).order_by(Letter.id).limit(3)).all()
        first.state, first.ended_at = LetterState.AMBIGUOUS, None
        for letter in (second, third):
            session.add(MailAttempt(letter_id=letter.id, number=99, owner="x", begun_at=clock.now(),
                                    outcome=LetterState.AMBIGUOUS))  # fmt: skip
    page = shown(hr, f"{hr.cycle()}/mail", "id")
    assert "Belum pasti: <strong>1</strong>" in page
    assert "dikirim sekali lagi dengan sendirinya" in page
    assert "Diulang: <strong>2</strong>" in page
    assert "dua salinan surat yang sama" in page
    page = shown(hr, f"{hr.cycle()}/mail", "en")
    assert "Repeated: <strong>2</strong>" in page
    assert "two copies of the same letter" in page


def test_a_wave_says_on_one_page_who_did_not_get_it_and_why(hr: Hr, january: Database) -> None:
    wave = _wave(january, {
        LetterState.QUEUED: "", LetterState.BOUNCED_HARD: "550 5.1.1 no such user",
        LetterState.CANCELLED: "its link was revoked: x", LetterState.HELD: "the template is wrong",
        LetterState.EXPIRED: "its stage",
    })  # fmt: skip
    with january.reading() as session:
        listed = select(Person.name).join(Letter, Letter.person_id == Person.id).where(Letter.wave_id == wave)
        waiting, *others = session.scalars(listed.order_by(Letter.id))
    overview = shown(hr, f"{hr.cycle()}/mail", "id")
    assert f"/mail?wave={wave}&lang=id" in overview
    assert "4 tidak mendapatnya" in overview
    assert "1 masih berjalan" in overview
    for lang, whys in (
        ("id", ["alamat itu tidak menerima surat", "Tidak diperlukan lagi", "Ditahan sampai seseorang memeriksanya",
                "sudah lewat", "Menunggu giliran"]),
        ("en", ["that address takes no mail", "No longer needed", "Held until somebody has looked", "was over before",
                "waits for its turn"]),
    ):  # fmt: skip
        page = shown(hr, f"{hr.cycle()}/mail?wave={wave}", lang)
        for said in (*whys, *others[:4], "550 5.1.1 no such user", "the template is wrong", waiting):
            assert said in page, said
        assert "revoked: x" not in page, "our own English stands on no page"
        assert others[4] not in page
        assert page.index(waiting) > page.index(others[3]), "who can still get it comes last"
    assert hr.get(f"{hr.cycle()}/mail?wave={wave + 1000}").status_code == 404


def test_the_mail_page_says_what_keeps_letters_back(hr: Hr, january: Database) -> None:
    wave = _wave(january, {LetterState.QUEUED: ""})
    page = f"{hr.cycle()}/mail"
    assert "1 masih berjalan" in shown(hr, page, "id")
    assert "Server surel tidak menerima" not in shown(hr, page, "id")
    with january.transaction() as session:
        limits.relay_failed(session, "Connect call failed")
        session.get_one(Wave, wave).awaits_release = True
    assert "Server surel tidak menerima surat sejak" in shown(hr, page, "id")
    assert "1 masih berjalan (menunggu dilepas)" in shown(hr, page, "id")
    assert "The mail server has taken no letter since" in shown(hr, page, "en")
    with january.transaction() as session:
        outbox.pause(session, "restored", at=clock.now())
    assert "All delivery of letters is stopped" in shown(hr, page, "en")


def test_a_wave_names_who_has_a_duty_and_no_letter_at_all(hr: Hr, january: Database) -> None:
    wave = _wave(january, {})
    with january.transaction() as session:
        stage = session.scalars(select(Wave.stage_id).filter_by(id=wave)).one()
        told = select(Assignment.person_id).filter_by(stage_id=stage, state=AssignmentState.OPEN, optional=False)
        person = session.scalars(told.where(Assignment.told_at.is_not(None))).first()
        assert person is not None
        lost = session.scalars(select(Letter.id).filter_by(person_id=person, stage_id=stage)).all()
        session.execute(delete(MailAttempt).where(MailAttempt.letter_id.in_(lost)))
        session.execute(delete(Letter).where(Letter.id.in_(lost)))
        name = session.get_one(Person, person).name
    page = shown(hr, f"{hr.cycle()}/mail?wave={wave}", "id")
    assert "belum disurati sama sekali" in page
    assert name in page


def test_neither_a_wave_nor_a_case_of_another_cycle_is_shown(hr: Hr, january: Database) -> None:
    with january.transaction() as session:
        own = session.scalars(select(Cycle)).one()
        values = {column.key: getattr(own, column.key) for column in inspect(Cycle).column_attrs if column.key != "id"}
        other = Cycle(**values | {"year": 2025})
        session.add(other)
        session.flush()
        person = session.get_one(Person, session.scalars(select(Appraisal.employee_id)).first())
        unit = session.scalars(select(Appraisal.unit_id)).first()
        case = Appraisal(cycle_id=other.id, employee_id=person.id, unit_id=unit)
        wave = Wave(key="other", cycle_id=other.id, planned=1, made_at=clock.now())
        session.add_all([case, wave])
        session.flush()
        ids, nip, cycle = (case.id, wave.id), person.nip, f"/hr/c/{own.id}"
    assert nip not in hr.get(f"{cycle}/steer?case={ids[0]}").text
    assert hr.get(f"{cycle}/mail?wave={ids[1]}").status_code == 404


def test_a_page_of_mail_asks_as_often_for_one_letter_as_for_many(hr: Hr, january: Database) -> None:
    def asked(fates: dict[LetterState, str]) -> int:
        wave = _wave(january, fates)
        with asking(january) as statements:
            shown(hr, f"{hr.cycle()}/mail?wave={wave}", "id")
            shown(hr, f"{hr.cycle()}/mail", "id")
        return len(statements)

    unsent = {state: "" for state in LetterState if state not in (LetterState.ACCEPTED, LetterState.DELIVERED)}
    assert asked({LetterState.HELD: ""}) == asked(unsent)


def test_there_is_a_reason_in_words_for_every_fate_that_leaves_a_person_without_a_letter() -> None:
    for state in set(LetterState) - {LetterState.ACCEPTED, LetterState.DELIVERED}:
        for address in AddressState:
            for ended in (None, datetime(2026, 1, 6, tzinfo=UTC)):
                why = missed(Letter(state=state, ended_at=ended, reply=""), "", address).why
                assert all(say(locale, f"missed.{why}", at="") for locale in Locale), why


# what is said before it is done, or instead


def test_a_preview_names_the_stage_and_keeps_a_reason_that_looks_like_one_of_our_words(hr: Hr) -> None:
    form = {"stage": "target_setting", "until": "2026-01-28", "decree_no": "800/7", "reason": "hr.total"}
    for lang, stage in (("id", "Penetapan Sasaran Kinerja"), ("en", "Target setting")):
        page = hr.order(f"{hr.cycle()}/extend?lang={lang}", **form).text
        assert f"<dd>{stage}</dd>" in page
        assert "<dd>hr.total</dd>" in page


def test_a_refused_order_says_no_word_of_the_code(hr: Hr, january: Database) -> None:
    case, new, nips = _new_rater(january)
    hr.confirm(hr.order(f"{hr.cycle()}/pause", reason="Server dipindah"))
    with january.transaction() as session:
        session.get_one(Appraisal, case.id).state = AppraisalState.NOT_RATABLE
        session.scalars(select(Cycle)).one().state = CycleState.RUNNING
        closed = session.scalars(select(Assignment).filter_by(state=AssignmentState.OPEN)).first()
        assert closed is not None
        number = closed.id
    answer = hr.order(
        f"{hr.cycle()}/reassign", employees=nips[case.employee_id], new=new, role="rater", reason="Mutasi"
    )
    assert "sudah berakhir; keluarkan" in html.unescape(answer.text)
    with january.reading() as session:
        cycle = session.scalars(select(Cycle)).one()
        with pytest.raises(steering.SteeringRefused) as refused:
            steering.reopen(session, cycle, [number], reason="Salah", at=clock.now(), by=hr.who, preview=True)
    for said in refused.value.said:
        assert "_" not in said
        assert ":" not in said.split("”")[0]
    with january.transaction() as session:
        session.scalars(select(Cycle)).one().state = CycleState.PAUSED
    # the form that was sent is not on the page any more: what is wrong is said all the same
    assert "Siklus ini dihentikan sementara." in hr.order(f"{hr.cycle()}/pause", reason="Lagi").text


# the roster


def test_the_roster_page_lists_who_is_held_back_whether_the_nip_is_known_or_not(hr: Hr, january: Database) -> None:
    with january.transaction() as session:
        known = session.scalars(select(Person).where(Person.nip != "")).first()
        assert known is not None
        taken = session.scalars(select(RosterImport).order_by(RosterImport.id.desc())).first()
        assert taken is not None
        whose = [(8, known.nip, "Corrected"), (9, "198501012010011999", "Unknown"), (10, "", "")]
        taken.problems = json.dumps([
            {"row": row, "nip": nip, "name": name, "code": "address_missing", "facts": {}, "waived": ""}
            for row, nip, name in whose
        ])  # fmt: skip
        link = f"/hr/p/{known.id}"
    page = shown(hr, "/hr/roster", "en")
    assert link in page
    assert page.count("/hr/p/") == 1
    assert "198501012010011999" in page


@pytest.mark.parametrize(
    ("state", "said"),
    [(None, "There are no letters yet."), (LetterState.QUEUED, "letters still wait to be sent"),
     (LetterState.ACCEPTED, "Every letter reached the server of its recipient.")],
)  # fmt: skip
def test_the_mail_page_says_all_is_well_only_when_letters_were_owed_and_none_waits(
    hr: Hr, january: Database, state: LetterState | None, said: str
) -> None:
    with january.transaction() as session:
        session.execute(update(Letter).values(state=state) if state else update(Letter).values(cycle_id=None))
    page = shown(hr, f"{hr.cycle()}/mail", "en")
    missed = page[page.index('id="missed"') :]
    assert said in missed
    assert ("note good" in missed) == (state is LetterState.ACCEPTED)
