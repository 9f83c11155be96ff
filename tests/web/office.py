"""A tiny agency in Makassar: a head, two raters and three employees, HR, an auditor; a year on a virtual clock."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

import clock
import policies
import settings
from actions.access import codes
from actions.cycle import cycles
from actions.duties import links
from actions.stages import steps
from actions.stages.steps import StepRef
from database import Database
from models import (
    ActionLink,
    Agency,
    Assignment,
    Cycle,
    Letter,
    Person,
    Posting,
    RoleGrant,
    Stage,
    Submission,
    Supervision,
    Unit,
)
from rules.files.agency_files import StageDates
from rules.proof.tokens import sign
from rules.terms import ActKind, AssignmentState, Locale, PostGroup, Role, StageKind, Step

HOST = "http://127.0.0.1:8080"
ORIGIN = {"Origin": HOST}
SUGGESTED = [
    {
        "title": "Terlayaninya warga di loket", "kind": "main",
        "indicators": [{"text": "Warga terlayani", "aspect": "quantity", "target": "1200", "unit": "orang"},
                       {"text": "Lama layanan", "aspect": "time", "target": "2.5", "unit": "hari",
                        "lower_is_better": True}],
    }
]  # fmt: skip
DATES = {
    StageKind.TARGET_SETTING: StageDates(date(2026, 1, 2), date(2026, 1, 30), date(2026, 1, 31)),
    StageKind.MID_YEAR_REVIEW: StageDates(date(2026, 6, 15), date(2026, 7, 10), date(2026, 7, 15)),
    StageKind.SUPERVISOR_SCORING: StageDates(date(2026, 12, 1), date(2026, 12, 20), date(2026, 12, 31)),
    StageKind.OBJECTION_HANDLING: StageDates(date(2027, 1, 4), date(2027, 2, 20), date(2027, 3, 1)),
    StageKind.AUDIT_SAMPLING: StageDates(date(2027, 3, 2), date(2027, 3, 30), date(2027, 4, 5)),
    StageKind.FINALIZATION: StageDates(date(2027, 4, 6), date(2027, 4, 20), date(2027, 4, 30)),
}
NAMES = ("Andi Kepala", "Budi Penilai", "Citra Penilai", "Dewi Rahma", "Eko Santoso", "Fitri Amalia",
         "Gita Kepegawaian", "Hadi Auditor")  # fmt: skip


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc]


@dataclass
class Office:
    db: Database
    people: dict[str, int] = field(default_factory=dict)
    """First name -> person id."""

    def found(self, pack: str = policies.DEFAULT) -> "Office":
        """Write the agency, launch its cycle and enrol everybody."""
        with self.db.transaction() as session:
            self._people(session)
        at = clock.now()
        with self.db.transaction() as session:
            wanted = cycles.Launch("kota", 2026, policies.load(pack), DATES, date(2026, 1, 14))
            cycle_id = cycles.launch(session, wanted, at=at).id
        after, done = 0, False
        while not done:
            with self.db.transaction() as session:
                enrolled = cycles.enroll(session, cycle_id, after=after, at=at)
                after, done = enrolled.last, enrolled.done
        return self

    def _people(self, session: Session) -> None:
        agency = Agency(code="kota", name="Pemerintah Kota Contoh", zone="Asia/Makassar", contact="bkpsdm@kota.example",
                        indicators=json.dumps({"default": SUGGESTED}))  # fmt: skip
        session.add(agency)
        session.flush()
        root = Unit(agency_id=agency.id, code="setda", name="Sekretariat Daerah")
        session.add(root)
        session.flush()
        office = Unit(agency_id=agency.id, code="dukcapil", name="Dinas Kependudukan", parent_id=root.id)
        session.add(office)
        session.flush()
        for n, name in enumerate(NAMES):
            first = name.split()[0].lower()
            locale = Locale.EN if first == "fitri" else Locale.ID
            person = Person(agency_id=agency.id, nip=f"1980010120050110{n:02}", name=name,
                            email=f"{first}@kota.example", locale=locale, active_from=date(2005, 1, 1))  # fmt: skip
            session.add(person)
            session.flush()
            self.people[first] = person.id
            if first != "hadi":
                unit = root if first in ("andi", "gita") else office
                session.add(
                    Posting(person_id=person.id, unit_id=unit.id, post="Analis", post_group=PostGroup.JA,
                            is_unit_head=first in ("andi", "budi"), from_on=date(2020, 1, 1))
                )  # fmt: skip
        who = self.people
        lines = [
            ("budi", "andi"),
            ("citra", "andi"),
            ("gita", "andi"),
            ("dewi", "budi"),
            ("eko", "budi"),
            ("fitri", "citra"),
        ]
        session.add_all(
            Supervision(person_id=who[a], superior_id=who[b], from_on=date(2020, 1, 1)) for a, b in lines
        )  # fmt: skip
        grants = [("andi", Role.APPOINTING_AUTHORITY), ("gita", Role.PERFORMANCE_ADMIN), ("hadi", Role.AUDITOR)]
        session.add_all(RoleGrant(person_id=who[a], role=role, from_on=date(2020, 1, 1)) for a, role in grants)

    def step(self, stage: StageKind, step: Step, occasion: str = "") -> None:
        steps.run(self.db.transaction, StepRef("kota", 2026, stage, step, occasion), at=clock.now())

    def open(self, stage: StageKind) -> None:
        self.go_to(DATES[stage].opens_on)
        self.step(stage, Step.OPEN)

    def go_to(self, day: date, hour: int = 2) -> None:
        clock.move_to(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))

    def token(self, first: str, stage: StageKind = StageKind.TARGET_SETTING) -> str:
        with self.db.transaction() as session:
            row = session.scalars(select(Stage).filter_by(kind=stage)).one()
            kid = links.kid_of(session.get_one(Cycle, row.cycle_id))
            made = links.ensure_links(session, row, kid, [self.people[first]], at=clock.now())
        return sign(made[self.people[first]], kid=kid, master=settings.load().master)

    def task(self, first: str, kind: ActKind, about: str = "") -> int:
        """The open assignment of a person."""
        with self.db.reading() as session:
            query = select(Assignment).filter_by(person_id=self.people[first], kind=kind, state=AssignmentState.OPEN)
            found = session.scalars(query.order_by(Assignment.id)).all()
            if about:
                from models import Appraisal

                cases = select(Appraisal.id).filter_by(employee_id=self.people[about])
                found = [one for one in found if one.appraisal_id in set(session.scalars(cases))]
            return found[0].id

    def receipt(self, first: str, kind: ActKind) -> str:
        """The number of the first receipt of a person for an act."""
        with self.db.reading() as session:
            sent = select(Submission.receipt_no).join(Assignment).where(
                Submission.person_id == self.people[first], Assignment.kind == kind
            )  # fmt: skip
            return session.scalars(sent.order_by(Submission.id)).first() or ""

    def code(self, first: str) -> str:
        """The digits of the newest code mailed to a person."""
        with self.db.reading() as session:
            query = select(Letter.code_id).filter_by(person_id=self.people[first], kind="step_code")
            newest = session.scalars(query.order_by(Letter.id.desc())).first()
            assert newest is not None
            return codes.digits(session, newest, master=settings.load().master)

    def letters(self, kind: str) -> int:
        with self.db.reading() as session:
            return len(session.scalars(select(Letter.id).filter_by(kind=kind)).all())

    def link_row(self, first: str) -> ActionLink:
        with self.db.reading() as session:
            query = select(ActionLink).filter_by(person_id=self.people[first]).order_by(ActionLink.made_at.desc())
            return session.scalars(query).first()  # type: ignore[return-value]


class _Forms(HTMLParser):
    """Reads the forms of a page as a browser would: action, and the fields that would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.names: set[str] = set()
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        if "name" not in given and tag != "option":
            return
        fields = self.forms[-1][1] if self.forms else {}
        self.names.add(given.get("name", ""))
        if tag == "textarea":
            self._area = given["name"]
            fields[self._area] = ""
        elif tag == "select":
            self._select = given["name"]
            fields[self._select] = ""
        elif tag == "option" and "selected" in given:
            fields[self._select] = given["value"]
        elif tag == "input" and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][1][self._area] = data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""


def forms_of(html: str) -> dict[str, dict[str, str]]:
    """Action (without the query) -> the fields that it would send."""
    parser = _Forms()
    parser.feed(html)
    return {action.split("?")[0]: fields for action, fields in parser.forms}


def names_of(html: str) -> set[str]:
    parser = _Forms()
    parser.feed(html)
    return parser.names


class Browser:
    """A person at a browser: follows redirects, sends what the page's own forms send."""

    def __init__(self, app: Any, office: Office) -> None:
        self.http = TestClient(app, base_url=HOST, headers={"Accept": "text/html"}, raise_server_exceptions=False)
        self.office, self.html, self.status = office, "", 0

    def get(self, path: str) -> str:
        answer = self.http.get(path)
        self.html, self.status, self.url = answer.text, answer.status_code, str(answer.url).removeprefix(HOST)
        return self.html

    def send(self, path: str, fields: Mapping[str, Any], headers: Mapping[str, str] = ORIGIN) -> str:
        answer = self.http.post(path, data=dict(fields), headers=dict(headers))
        self.html, self.status, self.url = answer.text, answer.status_code, str(answer.url).removeprefix(HOST)
        self.answer = answer
        return self.html

    def fields(self, path: str) -> dict[str, str]:
        """What the form of the page shown now would send to a path as it stands."""
        return dict(forms_of(self.html)[path])

    def fill(self, path: str, more: Mapping[str, Any], *, to: str = "") -> str:
        return self.send(to or path, self.fields(path) | dict(more))

    def confirm(self) -> str:
        """On the page that shows one's answers: yes, in spite of any warnings."""
        path = next(action for action, fields in forms_of(self.html).items() if "seen" in fields)
        return self.fill(path, {"aware": "yes"})

    def enter(self, first: str, stage: StageKind = StageKind.TARGET_SETTING) -> "Browser":
        self.get(f"/a/{self.office.token(first, stage)}")
        self.fill("/a", {})
        return self

    def prove(self, first: str) -> "Browser":
        self.get("/w/code")
        self.fill("/w/code", {})
        self.fill("/w/code/verify", {"code": self.office.code(first)})
        return self

    @property
    def title(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.html, re.S)
        return found[1].strip() if found else ""


def plan_form(targets: int = 1) -> dict[str, str]:
    """A plan as somebody types it."""
    fields = {"items.0.title": "Terlayaninya warga", "confirm": "yes"}
    for n in range(targets):
        one = f"items.0.indicators.{n}"
        fields |= {f"{one}.text": f"Warga terlayani {n}", f"{one}.aspect": "quantity", f"{one}.target": "1200",
                   f"{one}.unit": "orang"}  # fmt: skip
    return fields


def dump(db: Database) -> list[str]:
    """Every row of the database: what a page that only shows may not change."""
    import sqlite3

    with sqlite3.connect(db.url.removeprefix("sqlite:///")) as connection:
        return list(connection.iterdump())
