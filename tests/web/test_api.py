"""The JSON API: the same guards as the pages, refusals as JSON, and nothing for whoever has no right to it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

import clock
import settings
from actions.access import codes, signin
from actions.duties import links
from database import Database
from models import Assignment, Cycle, Letter, Person, Plan, RoleGrant, Stage, StepCode, Submission
from rules.proof.tokens import sign
from rules.terms import ActKind, AssignmentState, Role, StageKind
from tests.living import launched
from tests.web.hr import newest_code

pytest_plugins = ["tests.lived"]
HOST = "http://127.0.0.1:8080"
EXAMPLES = Path(__file__).parents[2] / "examples"
PLAN = {
    "confirm": "yes",
    "items": [{"title": "Surat tercatat", "kind": "main", "indicators": [
        {"text": "Surat masuk", "aspect": "quantity", "target": "120", "unit": "surat"}]}],
}  # fmt: skip


class Program:
    def __init__(self, app: Any, db: Database) -> None:
        self.client, self.db = TestClient(app, base_url=HOST), db

    def call(self, method: str, path: str, auth: str = "", body: Any = None) -> Any:
        headers = {"Authorization": auth} if auth else {}
        return self.client.request(method, f"/api/v1{path}", headers=headers, json=body)

    def bearer(self, role: Role = Role.PERFORMANCE_ADMIN) -> str:
        with self.db.transaction() as session:
            query = select(Person).join(RoleGrant, RoleGrant.person_id == Person.id).where(RoleGrant.role == role)
            person = session.scalars(query.order_by(Person.id)).first()
            assert person is not None
            address = person.email
        asked = self.call("POST", "/session/request", body={"address": address})
        assert asked.status_code == 202
        self.sign_in = {"request": asked.json()["request"], "code": newest_code(self.db)}
        answer = self.call("POST", "/session", body=self.sign_in)
        assert answer.status_code == 201
        return f"Bearer {answer.json()['secret']}"

    def confirmed(self, bearer: str) -> str:
        """The bearer of the same session after a code for weighty acts."""
        assert self.call("POST", "/session/code", bearer).status_code == 202
        answer = self.call("POST", "/session/code/verify", bearer, {"code": self.step_code()})
        assert answer.status_code == 200
        return f"Bearer {answer.json()['secret']}"

    def step_code(self) -> str:
        with self.db.reading() as session:
            code = session.scalars(select(StepCode).order_by(StepCode.id.desc())).first()
            assert code is not None
            return codes.digits(session, code.id, master=settings.load().master)

    def link(self, person: int, kind: StageKind) -> str:
        with self.db.transaction() as session:
            stage = session.scalars(select(Stage).filter_by(kind=kind)).one()
            kid = links.kid_of(session.get_one(Cycle, stage.cycle_id))
            made = links.ensure_links(session, stage, kid, [person], at=clock.now())
        return f"Link {sign(made[person], kid=kid, master=settings.load().master)}"

    def open_act(self, kind: ActKind) -> tuple[int, int]:
        with self.db.reading() as session:
            one = session.scalars(select(Assignment).filter_by(kind=kind, state=AssignmentState.OPEN)).first()
            assert one is not None
            return one.id, one.person_id


@pytest.fixture
def program(january: Database, app: Any) -> Program:
    return Program(app, january)


# HR


def test_a_mailed_code_and_what_its_asker_kept_give_a_bearer_once(program: Program) -> None:
    bearer = program.bearer()
    assert program.call("GET", "/cycles/mamuju/2026", bearer).status_code == 200
    again = program.call("POST", "/session", body=program.sign_in)
    assert (again.status_code, again.json()["code"]) == (422, "code_none")
    other = program.call("POST", "/session/request", body={"address": "nobody@x.example"}).json()
    wrong = program.call("POST", "/session", body={"request": other["request"], "code": "12345678"})
    assert (wrong.status_code, wrong.json()) == (422, {"code": "code_wrong", "details": {"tries_left": 4}})
    assert program.call("DELETE", "/session", bearer).status_code == 204
    assert program.call("GET", "/cycles/mamuju/2026", bearer).json() == {"code": "no_session", "details": {}}


def test_status_and_certificate_say_what_the_command_line_says(program: Program, january: Database) -> None:
    from actions.cycle import progress
    from actions.mail import letters
    from models import Agency

    bearer = program.bearer()
    with january.reading() as session:
        cycle, agency = session.scalars(select(Cycle)).one(), session.scalars(select(Agency)).one()
        wanted = progress.as_data(session, cycle, agency, at=clock.now(), units=True)
        certificate = letters.certificate(session, cycle_id=cycle.id)
    assert program.call("GET", "/cycles/mamuju/2026?units=true", bearer).json() == json.loads(json.dumps(wanted))
    told = program.call("GET", "/cycles/mamuju/2026/letters", bearer).json()
    assert (told["owed"], told["missing"], told["doubled"]) == (certificate.owed, 0, 0)
    assert sum(told["states"].values()) == told["owed"]


def test_a_launch_is_done_once_and_again_changes_nothing(
    db: Database, app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISAL_AGENCIES_DIR", str(EXAMPLES))
    settings.load.cache_clear()
    launched(tmp_path / "appraisal.db")
    program = Program(app, db)
    bearer = program.confirmed(program.bearer())
    made = program.call("POST", "/cycles", bearer, {"agency_dir": "mamuju", "year": 2026})
    assert made.status_code == 201, made.text
    assert (made.json()["again"], made.json()["added"], made.json()["agency"]) == (True, 0, "mamuju")
    too_far = program.call("POST", "/cycles", bearer, {"agency_dir": "mamuju", "year": 2040})
    assert (too_far.status_code, too_far.json()["code"]) == (422, "launch_refused")
    assert "too far" in too_far.json()["details"]["reasons"][0]
    assert (
        program.call("POST", "/cycles", bearer, {"agency_dir": "palu", "year": 2026}).json()["code"] == "other_agency"
    )
    assert program.call("POST", "/cycles", bearer, {"agency_dir": "nowhere", "year": 2026}).status_code == 404
    for name in ("../examples/mamuju", "/etc", "", "mamuju\n"):
        refused = program.call("POST", "/cycles", bearer, {"agency_dir": name, "year": 2026})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


def test_a_launch_asks_for_a_code_of_this_quarter_of_an_hour_and_a_preview_for_none(
    db: Database, app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISAL_AGENCIES_DIR", str(EXAMPLES))
    settings.load.cache_clear()
    launched(tmp_path / "appraisal.db")
    program = Program(app, db)
    bearer, asked = program.bearer(), {"agency_dir": "mamuju", "year": 2026}
    assert program.call("POST", "/cycles", bearer, asked | {"preview": True}).status_code == 200
    refused = program.call("POST", "/cycles", bearer, asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "code_needed")
    assert refused.json()["details"]["ask"] == "/api/v1/session/code"
    assert program.call("POST", "/session/code/verify", bearer, {"code": "00000000"}).json()["code"] == "code_none"
    assert program.call("POST", "/session/code", bearer).status_code == 202
    wrong = program.call("POST", "/session/code/verify", bearer, {"code": "00000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_wrong")
    bearer = program.confirmed(bearer)
    assert program.call("POST", "/cycles", bearer, asked).status_code == 201
    clock.move_to(clock.now() + signin.CONFIRMED_FOR)
    assert program.call("POST", "/cycles", bearer, asked).json()["code"] == "code_needed"


def test_another_role_another_agency_or_nobody_gets_nothing(program: Program) -> None:
    reader = program.bearer(Role.APPOINTING_AUTHORITY)
    assert program.call("GET", "/cycles/mamuju/2026", reader).status_code == 200
    refused = program.call("POST", "/cycles", reader, {"agency_dir": "mamuju", "year": 2026})
    assert (refused.status_code, refused.json()["code"]) == (403, "read_only")
    assert program.call("GET", "/cycles/palu/2026", reader).status_code == 404
    for auth in ("", "Bearer", "Bearer x", "Basic abc", reader.replace("Bearer", "Desk")):
        assert program.call("GET", "/cycles/mamuju/2026", auth).status_code == 401
        assert program.call("POST", "/cycles", auth, {"agency_dir": "mamuju", "year": 2026}).status_code == 401


# a desk


def test_an_act_over_the_api_is_the_act_of_the_page(program: Program, january: Database) -> None:
    task, person = program.open_act(ActKind.DRAFT_TARGETS)
    link = program.link(person, StageKind.TARGET_SETTING)
    desk = program.call("GET", "/desk", link).json()
    assert task in [one["id"] for one in desk["tasks"] if one["state"] == "open"]
    sheet = program.call("GET", f"/desk/tasks/{task}", link).json()
    assert sheet["form"]["properties"]["items"]
    sent = {"data": PLAN, "version": sheet["version"], "nonce": sheet["nonce"]}
    first = program.call("POST", f"/desk/tasks/{task}", link, sent)
    assert first.status_code == 200, first.text
    again = program.call("POST", f"/desk/tasks/{task}", link, sent)
    assert again.json() == first.json() | {"again": True}
    other = program.call("POST", f"/desk/tasks/{task}", link, sent | {"nonce": "another-nonce"})
    assert (other.status_code, other.json()["code"]) == (409, "done_already")
    with january.reading() as session:
        assert len(session.scalars(select(Submission).filter_by(assignment_id=task)).all()) == 1
        assert session.scalars(select(Letter).filter_by(kind="receipt", person_id=person)).all()
        case = session.get_one(Assignment, task).appraisal_id
        assert session.scalars(select(Plan).filter_by(appraisal_id=case)).all()[-1].number >= 1


def test_a_form_that_does_not_fit_says_where(program: Program) -> None:
    task, person = program.open_act(ActKind.DRAFT_TARGETS)
    link = program.link(person, StageKind.TARGET_SETTING)
    sheet = program.call("GET", f"/desk/tasks/{task}", link).json()
    sent = {"data": {"confirm": "yes", "items": []}, "version": sheet["version"], "nonce": sheet["nonce"]}
    wrong = program.call("POST", f"/desk/tasks/{task}", link, sent)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
    assert list(wrong.json()["details"]["errors"]) == ["items"]
    stale = program.call("POST", f"/desk/tasks/{task}", link, sent | {"version": sheet["version"] + 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")


def test_a_task_of_somebody_else_or_of_nobody_is_not_there(program: Program) -> None:
    task, person = program.open_act(ActKind.DRAFT_TARGETS)
    stranger = program.link(person + 1, StageKind.TARGET_SETTING)
    sent = {"data": PLAN, "version": 1, "nonce": "nonce-nonce"}
    for number in (task, 99999999):
        assert program.call("GET", f"/desk/tasks/{number}", stranger).status_code == 404
        assert program.call("POST", f"/desk/tasks/{number}", stranger, sent).status_code == 404
    elsewhere = program.link(person, StageKind.MID_YEAR_REVIEW)
    assert program.call("GET", f"/desk/tasks/{task}", elsewhere).status_code == 404
    assert program.call("POST", f"/desk/tasks/{task}", elsewhere, sent).status_code == 404
    for auth in ("", "Link", f"Link {'a' * 40}", "Desk x", "Bearer x"):
        assert program.call("GET", "/desk", auth).status_code in (401, 404)
        assert program.call("POST", f"/desk/tasks/{task}", auth, sent).status_code in (401, 404)


def test_a_weighty_act_needs_the_mailed_code(december: Database, app: Any) -> None:
    program = Program(app, december)
    task, person = program.open_act(ActKind.SCORE)
    link = program.link(person, StageKind.SUPERVISOR_SCORING)
    sent = {"data": {"confirm": "yes"}, "version": 1, "nonce": "nonce-nonce"}
    for answer in (program.call("GET", f"/desk/tasks/{task}", link),
                   program.call("POST", f"/desk/tasks/{task}", link, sent)):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (403, "code_needed")
    begun = program.call("POST", "/desk/session", link)
    assert begun.status_code == 201
    desk = f"Desk {begun.json()['secret']}"
    assert program.call("GET", f"/desk/tasks/{task}", desk).status_code == 403
    assert program.call("POST", "/desk/code", desk).status_code == 202
    wrong = program.call("POST", "/desk/code/verify", desk, {"code": "00000000"})
    assert (wrong.status_code, wrong.json()["details"]) == (422, {"tries_left": 4})
    proven = program.call("POST", "/desk/code/verify", desk, {"code": program.step_code()})
    assert proven.status_code == 200
    assert program.call("GET", "/desk", desk).status_code == 401
    desk = f"Desk {proven.json()['secret']}"
    sheet = program.call("GET", f"/desk/tasks/{task}", desk)
    assert sheet.status_code == 200
    wrong = program.call("POST", f"/desk/tasks/{task}", desk, sent | {"version": sheet.json()["version"]})
    assert wrong.json()["code"] in ("invalid", "unit_predicate_first")


def test_too_many_bad_tokens_are_turned_away(program: Program) -> None:
    answers = [program.call("GET", "/desk", f"Link {'b' * 40}").status_code for _ in range(25)]
    assert answers[0] == 404
    assert answers[-1] == 429


# the shape of answers


def test_errors_are_json_also_where_there_is_nothing(program: Program) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/desk"), ("POST", "/session")):
        answer = program.call(method, path, body={"x": 1} if method == "POST" else None)
        assert answer.status_code in (404, 405, 422)
        assert set(answer.json()) == {"code", "details"}
        assert answer.headers["cache-control"] == "no-store"


def test_the_description_names_every_operation_and_shows_no_page(program: Program) -> None:
    described = program.call("GET", "/openapi.json").json()
    assert all(path.startswith("/api/v1/") for path in described["paths"])
    names = {one["operationId"] for methods in described["paths"].values() for one in methods.values()}
    assert {"sign_in", "launch_cycle", "cycle_status", "cycle_certificate", "read_desk", "act"} <= names


def test_whatever_is_sent_no_answer_is_a_server_error_or_undescribed(program: Program, app: Any) -> None:
    import schemathesis
    from hypothesis import HealthCheck, given
    from hypothesis import settings as how
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import status_code_conformance

    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers={"Host": "127.0.0.1:8080"})
    person = program.open_act(ActKind.DRAFT_TARGETS)[1]
    auths = (program.bearer(), program.link(person, StageKind.TARGET_SETTING), "")

    for found in schema.get_all_operations():
        operation = found.ok()

        @how(max_examples=6, deadline=None, database=None, derandomize=True,
             suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def tried(case: Any) -> None:
            for auth in auths:
                answer = case.call(headers={"Host": "127.0.0.1:8080", "Authorization": auth})
                case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])

        tried()
