"""Lhading page, desk and forms name a person's own time to object, never the date of the stage."""

from datetime import UTC, datetime

from sqlalchemy import update

from models import Appraisal, Assignment
from rules.terms import ActKind, AppraisalState, StageKind

OBJECTIONS = StageKind.OBJECTION_HANDLING
RULE = "14 hari sejak Bapak/Ibu menyatakan telah menerima hasil"
TODAY = "Bila dinyatakan hari ini: sampai Senin, 18 Januari 2027 pukul 23.59 WITA."
OF_THE_STAGE = ("20 Februari", "1 Maret")


def opened(office):
    with office.db.transaction() as session:
        session.execute(update(Appraisal).values(state=AppraisalState.ISSUED))
    office.open(OBJECTIONS)
    return office


def test_before_receipt_each_page_says_what_the_time_hangs_on_and_where_it_would_end(office, browser):
    dewi = browser()
    dewi.get(f"/a/{opened(office).token('dewi', OBJECTIONS)}")
    pages = [dewi.html]
    dewi.fill("/a", {})
    pages.append(dewi.get("/w"))
    pages.append(dewi.get(f"/w/task/{office.task('dewi', ActKind.ACKNOWLEDGE)}"))
    for page in pages:
        assert RULE in page
        assert TODAY in page
        assert not [day for day in OF_THE_STAGE if day in page]


def test_after_receipt_each_page_has_the_one_date(office, browser):
    opened(office)
    with office.db.transaction() as session:
        mine = update(Assignment).where(Assignment.person_id == office.people["dewi"])
        session.execute(mine.values(due_at=datetime(2027, 1, 18, 15, 59, 59, tzinfo=UTC)))
    dewi = browser()
    dewi.get(f"/a/{office.token('dewi', OBJECTIONS)}")
    pages = [dewi.html]
    dewi.fill("/a", {})
    pages.append(dewi.get("/w"))
    for page in pages:
        assert "18 Januari 2027 pukul 23.59 WITA" in page
        assert RULE not in page
        assert not [day for day in OF_THE_STAGE if day in page]


def test_somebody_who_owes_nothing_is_told_no_date(office, browser):
    hadi = browser()
    hadi.get(f"/a/{opened(office).token('hadi', OBJECTIONS)}")
    assert hadi.status == 200
    assert not [day for day in OF_THE_STAGE if day in hadi.html]
    assert RULE not in hadi.html
