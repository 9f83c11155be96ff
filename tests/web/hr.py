"""An HR officer at the console, for the tests."""

import html
import re
from typing import Any

from sqlalchemy import func, select
from starlette.testclient import TestClient

import settings
from actions.access import codes, signin
from database import Database
from models import Appraisal, Assignment, Cycle, Letter, Person, RoleGrant
from rules.terms import AssignmentState, Role

HOST = "http://127.0.0.1:8080"
FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.S)
FIELD = re.compile(r'name="([^"]*)" value="([^"]*)"')


class Hr:
    """A browser at the console."""

    def __init__(self, app: Any, db: Database) -> None:
        self.client = TestClient(app, base_url=HOST, follow_redirects=False)
        self.db = db

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> Any:
        return self.client.post(path, data=fields, headers={"Origin": HOST, **headers})

    def code(self) -> str:
        """The digits of the newest sign-in letter."""
        return newest_code(self.db)

    def sign_in(self, role: Role = Role.PERFORMANCE_ADMIN) -> "Hr":
        person = holder(self.db, role)
        assert self.post("/hr/link", {"address": person.email}).status_code == 200
        answer = self.post("/hr/code", {"code": self.code()})
        assert answer.headers["location"] == "/hr"
        self.who = person.id
        return self

    def cycle(self) -> str:
        with self.db.reading() as session:
            return f"/hr/c/{session.scalars(select(Cycle.id)).one()}"

    def order(self, path: str, **fields: Any) -> Any:
        return self.post(path, {"who": self.who, **fields})

    def confirm(self, answer: Any) -> Any:
        """Press the button of a preview page."""
        action, body = next((a, b) for a, b in FORM.findall(answer.text) if 'name="seen"' in b)
        answer = self.post(action, {name: html.unescape(value) for name, value in FIELD.findall(body)})
        return self.type_code(answer) if 'id="code"' in answer.text else answer

    def type_code(self, answer: Any, code: str = "") -> Any:
        """Type what was mailed for a weighty act, or something else."""
        action, body = next((a, b) for a, b in FORM.findall(answer.text) if 'id="code"' in b)
        fields = {name: html.unescape(value) for name, value in FIELD.findall(body) if name != "again"}
        return self.post(action, {**fields, "code": code or self.step_code()})

    def step_code(self) -> str:
        with self.db.reading() as session:
            query = select(Letter.code_id).filter_by(person_id=self.who, kind="step_code")
            code_id = session.scalars(query.order_by(Letter.id.desc())).first()
            assert code_id is not None
            return codes.digits(session, code_id, master=settings.load().master)


def newest_code(db: Database, *people: int) -> str:
    """The digits of the newest sign-in letter, perhaps of one of these people."""
    with db.reading() as session:
        query = select(Letter.link_id).filter_by(kind="sign_in").order_by(Letter.id.desc())
        query = query.where(Letter.person_id.in_(people)) if people else query
        code_id = session.scalars(query).first()
        assert code_id is not None
        return signin.digits(session, code_id, master=settings.load().master)


def holder(db: Database, role: Role) -> Person:
    with db.reading() as session:
        query = select(Person).join(RoleGrant, RoleGrant.person_id == Person.id).where(RoleGrant.role == role)
        person = session.scalars(query.order_by(Person.id)).first()
        session.expunge_all()
    assert person is not None
    return person


def count(db: Database, *tables: Any) -> list[int]:
    with db.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def stranger_to(db: Database, officer: int) -> Person:
    """Somebody who owes something and has nothing to do with the officer's appraisal."""
    with db.reading() as session:
        near = select(Appraisal).where(
            (Appraisal.employee_id == officer) | (Appraisal.rater_id == officer) | (Appraisal.authority_id == officer)
        )
        known = {one for case in session.scalars(near) for one in (case.employee_id, case.rater_id, case.authority_id)}
        query = (
            select(Person)
            .join(Assignment, Assignment.person_id == Person.id)
            .where(Assignment.state == AssignmentState.OPEN, Person.id.not_in(known - {None}))
        )
        person = session.scalars(query.order_by(Person.id)).first()
        session.expunge_all()
    assert person is not None
    return person
