"""The same pages on a real PostgreSQL server: locks, limits and codes do not depend on SQLite's single writer."""

from concurrent.futures import ThreadPoolExecutor

from office import ORIGIN, Browser, Office, plan_form
from sqlalchemy import select

from models import Submission
from rules.terms import ActKind, StageKind


def test_a_plan_is_sent_once_and_a_code_is_spent_once_however_many_press_at_once(pg, app):
    office = Office(pg).found()
    office.open(StageKind.TARGET_SETTING)
    dewi = Browser(app, office).enter("dewi")
    path = f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}"
    dewi.get(path)
    dewi.fill(path, {"use": "suggestions"}, to=f"{path}/draft")
    form, cookie = dewi.fields(path) | plan_form(), dewi.http.cookies["s"]

    def press(_n: int) -> int:
        headers = {**ORIGIN, "Cookie": f"s={cookie}"}
        return Browser(app, office).http.post(path, data=form, headers=headers, follow_redirects=False).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(press, range(4))) == [303] * 4
    with pg.reading() as session:
        assert len(session.scalars(select(Submission)).all()) == 1
    assert office.letters("receipt") == 1

    budi = Browser(app, office).enter("budi")
    budi.get("/w/code")
    budi.fill("/w/code", {})
    form = budi.fields("/w/code/verify") | {"code": office.code("budi")}
    cookie = budi.http.cookies["s"]

    def verify(_n: int) -> int:
        headers = {**ORIGIN, "Cookie": f"s={cookie}"}
        answer = Browser(app, office).http.post("/w/code/verify", data=form, headers=headers, follow_redirects=False)
        return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(verify, range(4))).count(303) == 1
    assert verify(0) == 401, "the secret from before the code opens nothing any more"
