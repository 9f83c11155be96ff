"""The audit's four acts on their pages: the examiner reads blind, the rater replies, the authority decides."""

from dataclasses import replace

import pytest
from office import Browser, Office, plan_form
from sqlalchemy import select
from sqlalchemy.orm import Session

import clock
from actions.acts import table
from actions.acts.examine import ACT
from actions.desk import desks
from models import Appraisal, Assignment, Stage
from rules.terms import ActKind, AssignmentState, Role, StageKind

STAGE = StageKind.TARGET_SETTING


@pytest.fixture
def shown(monkeypatch):
    """What the acts of the audit show, without drawing a sample: here it is the pages that are tested."""

    def show(kind: ActKind, more: dict) -> None:
        act = replace(table.ACTS[kind], show=lambda acting: ACT.show(acting) | more)
        monkeypatch.setattr(desks, "ACTS", {**table.ACTS, kind: act})

    return show


def ask(office: Office, session: Session, kind: ActKind, first: str, role: Role, stage: StageKind) -> None:
    row = session.scalars(select(Appraisal).filter_by(employee_id=office.people["dewi"])).one()
    stage_id = session.scalars(select(Stage.id).filter_by(kind=stage)).one()
    session.add(
        Assignment(stage_id=stage_id, kind=kind, subject="item:1", role=role, person_id=office.people[first],
                   appraisal_id=row.id, state=AssignmentState.OPEN, opened_at=clock.now(), version=1)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more", "says"),
    [
        (ActKind.EXAMINE, {}, ["Bebas kepentingan", "Bukti mendukung realisasi"]),
        (ActKind.REPLY_TO_FINDING,
         {"attribute": "E", "finding": "Bukti tidak ada.", "reply_until": "2026-01-20T15:59:59+00:00", "result": None,
          "rating": None}, ["Bukti tidak ada.", "Ditanggapi paling lambat Selasa, 20 Januari 2026"]),
        (ActKind.CONCLUDE_FINDING, {"attribute": "J", "finding": "Berbeda.", "reply": "", "silent": True},
         ["tidak menanggapi dalam waktunya", "Temuan dipertahankan"]),
        (ActKind.DECIDE_RECOMMENDATION,
         {"recommendation": "Tinjau ulang.", "result": None, "rating": None, "aspects": [],
          "findings": [{"attribute": "P", "text": "Tanpa dialog.", "reply": "Ada.", "conclusion": "Tetap."}]},
         ["Tinjau ulang.", "Tanpa dialog.", "Rekomendasi diikuti"]),
    ],
)  # fmt: skip
def test_the_pages_of_the_audit_show_what_is_asked(office, browser, shown, kind, more, says):
    dewi = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    dewi.fill(f"/w/task/{task}", plan_form())
    budi = browser().enter("budi")
    task = office.task("budi", ActKind.ESTABLISH_TARGETS)
    budi.get(f"/w/task/{task}")
    budi.fill(f"/w/task/{task}", {"decision": "establish", "confirm": "yes"})
    role = Role.AUDITOR if kind in (ActKind.EXAMINE, ActKind.CONCLUDE_FINDING) else Role.RATER
    with office.db.transaction() as session:
        ask(office, session, kind, "hadi", role, StageKind.TARGET_SETTING)
    shown(kind, more)
    hadi: Browser = browser().enter("hadi").prove("hadi")
    if kind is ActKind.EXAMINE:
        assert "Dewi" not in hadi.html, "an examiner does not learn whose file it is"
    hadi.get(f"/w/task/{office.task('hadi', kind)}")
    assert hadi.status == 200, hadi.html
    assert "Terlayaninya warga" in hadi.html or kind is ActKind.CONCLUDE_FINDING
    for text in says:
        assert text in hadi.html
    if kind is ActKind.EXAMINE:
        for name in ("Dewi", "Budi"):
            assert name not in hadi.html
