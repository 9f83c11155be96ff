"""A long desk shows all that it counts, tells every task from the next, and a code leads back to where it was asked."""

from office import Browser, Office
from sqlalchemy import select

import clock
from models import Appraisal, Assignment, Person, Stage
from rules.terms import ActKind, AppraisalState, AssignmentState, Role, StageKind

STAGE = StageKind.SUPERVISOR_SCORING


def staff(office: Office, count: int, name: str = "Pegawai {n:02}") -> list[int]:
    """So many more people whom Budi rates, each with a task on his desk."""
    made = []
    with office.db.transaction() as session:
        model = session.scalars(select(Appraisal).filter_by(employee_id=office.people["dewi"])).one()
        known = session.get_one(Person, model.employee_id)
        stage = session.scalars(select(Stage).filter_by(kind=STAGE)).one()
        for n in range(count):
            person = Person(agency_id=known.agency_id, nip=f"19900101201501{n:04}", name=name.format(n=n),
                            email=f"p{n}@kota.example", locale=known.locale, active_from=known.active_from)  # fmt: skip
            session.add(person)
            session.flush()
            case = Appraisal(cycle_id=model.cycle_id, employee_id=person.id, unit_id=model.unit_id,
                             rater_id=model.rater_id, state=AppraisalState.PLAN_ESTABLISHED)  # fmt: skip
            session.add(case)
            session.flush()
            session.add(
                Assignment(stage_id=stage.id, kind=ActKind.SCORE, subject=f"appraisal:{case.id}", role=Role.RATER,
                           person_id=office.people["budi"], appraisal_id=case.id, state=AssignmentState.OPEN,
                           opened_at=clock.now(), version=1)
            )  # fmt: skip
            made.append(case.id)
    return made


def test_all_that_is_counted_as_done_can_be_reached_and_so_can_every_file(office, browser):
    cases = staff(office, 90)
    with office.db.transaction() as session:
        for one in session.scalars(select(Assignment).where(Assignment.appraisal_id.in_(cases))):
            one.state, one.ended_at = AssignmentState.DONE, clock.now()
    budi: Browser = browser().enter("budi", STAGE)
    assert "90 dari" in budi.html
    assert "1–40 dari 90" in budi.html
    seen = set()
    for start in (0, 40, 80):
        page = budi.get(f"/w?done={start}").split('id="done"')[1].split('id="files"')[0]
        seen |= {name for name in (f"Pegawai {n:02}" for n in range(90)) if name in page}
        files = budi.get(f"/w?files={start}").split('id="files"')[1]
        assert all(f'"/w/case/{case}"' in files for case in cases[start : start + 38])
    assert len(seen) == 90
    assert budi.get("/w?done=99999&files=99999").count("Pegawai 89") == 2, "a page that is not there is the last one"


def test_people_of_one_name_are_told_apart_by_their_number(office, browser):
    staff(office, 2, name="Siti Aminah")
    budi: Browser = browser().enter("budi", STAGE)
    for nip in ("199001012015010000", "199001012015010001"):
        assert budi.html.count(f"Siti Aminah ({nip})") == 2, "in the list of tasks and in that of files"
    assert "Dewi Rahma (" not in budi.html


def test_every_file_of_an_examiner_has_a_number_of_its_own_that_stays_and_tells_nothing(office, browser):
    with office.db.transaction() as session:
        stage = session.scalars(select(Stage).filter_by(kind=STAGE)).one()
        for n, case in enumerate(session.scalars(select(Appraisal).order_by(Appraisal.id.desc())).all()):
            session.add(
                Assignment(stage_id=stage.id, kind=ActKind.EXAMINE, subject=f"item:{n + 1}:1", role=Role.AUDITOR,
                           person_id=office.people["hadi"], appraisal_id=case.id, state=AssignmentState.OPEN,
                           opened_at=clock.now(), version=1)
            )  # fmt: skip
    hadi: Browser = browser().enter("hadi", STAGE)
    tasks = hadi.html.split('<ul class="tasks">')[1].split("</ul>")[0]
    assert [f"Berkas sampel {n}<" in tasks for n in range(1, 8)] == [True] * 7
    with office.db.transaction() as session:
        first = session.scalars(select(Assignment).filter_by(kind=ActKind.EXAMINE).order_by(Assignment.id)).first()
        first.state = AssignmentState.WITHDRAWN
        second = first.id + 1
    hadi.get("/w")
    assert "Berkas sampel 1<" not in hadi.html
    assert "Berkas sampel 7<" in hadi.html, "the others keep their numbers"
    hadi.prove("hadi").get(f"/w/task/{second}")
    assert "Berkas sampel 2" in hadi.html
    for name in ("Dewi", "Budi", "Eko", "Citra", "1980010120"):
        assert name not in hadi.html


def test_a_code_asked_for_from_a_file_leads_back_to_it_also_after_a_wrong_try_and_in_another_language(office, browser):
    budi: Browser = browser().enter("budi", STAGE)
    with office.db.reading() as session:
        case = session.scalars(select(Appraisal.id).filter_by(employee_id=office.people["dewi"])).one()
    budi.get(f"/w/case/{case}")
    assert budi.url == f"/w/code?case={case}"
    budi.get(f"{budi.url}&lang=en")
    assert f"?lang=id&amp;case={case}" in budi.html
    budi.get(f"/w/code?case={case}")
    budi.fill("/w/code", {})
    assert budi.url == f"/w/code?case={case}"
    budi.fill("/w/code/verify", {"code": "00000000"})
    assert budi.status == 422
    budi.fill("/w/code/verify", {"code": office.code("budi")})
    assert budi.url == f"/w/case/{case}"
    assert "Dewi Rahma" in budi.html


def test_what_is_shown_after_the_code_has_a_button_that_leads_there(office, browser):
    andi: Browser = browser().enter("andi", STAGE).prove("andi")
    path = f"/w/task/{office.task('andi', ActKind.SET_UNIT_PREDICATE)}"
    andi.get(path)
    andi.fill(path, {"predicate": "good", "reason": "Sesuai capaian perjanjian kinerja.", "confirm": "yes"})
    andi.confirm()
    receipt = andi.url
    later: Browser = browser().enter("andi", STAGE)
    later.get(receipt)
    assert "Sesuai" not in later.html
    assert f'href="/w/code?receipt={receipt.rsplit("/", 1)[1]}"' in later.html
    later.get(f"/w/code?receipt={receipt.rsplit('/', 1)[1]}")
    later.fill("/w/code", {})
    later.fill("/w/code/verify", {"code": office.code("andi")})
    assert later.url == receipt
    assert "Yang tercatat" in later.html


def test_a_code_leads_nowhere_else(office, browser):
    budi: Browser = browser().enter("budi", STAGE)
    for query in ("case=//evil.example", "task=1/../../hr", "receipt=../a", "case=-1", "to=/hr"):
        budi.get(f"/w/code?{query}")
        assert budi.fields("/w/code")["task"] == "0"
