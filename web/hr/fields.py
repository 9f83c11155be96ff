"""The forms with which HR steers, read: everything that cannot be read is noted at its field, in the form's words."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.steering import SteeringRefused
from actions.steering.preview import LONGEST
from models import Agency, Person, Unit
from rules.roster.columns import read_day
from web.hr.ask import Desk
from web.render import day
from web.texts import say

FIELDS: Mapping[str, tuple[str, ...]] = {
    "extend": ("stage", "until", "decree_no", "reason", "unit", "person", "keep_later"),
    "reassign": ("new", "role", "decree_no", "reason", "rater", "employees"),
    "delegate": ("principal", "acting", "kind", "decree_no", "from_on", "to_on"),
    "pause": ("reason",),
    "resume": ("reason",),
    "address": ("address", "reason"),
    "resend": ("stage", "reason"),
    "confirm_address": ("reason",),
}
"""What each form holds; what else is sent with it is not shown and not sent on."""
NOBODY = -1
"""Stands for a person who could not be read, so that the rest of the form is checked all the same."""
SOME_DAY = date(2000, 1, 1)
Word = TypeVar("Word", bound=StrEnum)
_WEEKDAY = re.compile(r"^[^\W\d]+['’]?[^\W\d]*,\s*")
_SEPARATORS = re.compile(r"[,;\n\t]+")


class Fields:
    """What a form said, as the actions want it; `wrong`: field -> why it cannot be read."""

    def __init__(self, desk: Desk, session: Session, agency: Agency) -> None:
        self.desk, self.session, self.agency = desk, session, agency
        self.wrong: dict[str, str] = {}
        self.named: dict[str, str] = {}
        """Field -> who or what was meant, for a preview."""

    def refuse(self, name: str, code: str, **details: object) -> None:
        """Note why a field cannot be read; the first reason stays."""
        self.wrong.setdefault(name, say(self.desk.look.locale, code, **details))

    def add(self, problems: Iterable[SteeringRefused]) -> None:
        """Note what the action refuses, but for fields of which it saw only a stand-in."""
        unread, found = set(self.wrong), dict[str, str]()
        for problem in problems:
            if problem.field not in unread:
                said = self.desk.said(problem)
                found[problem.field] = f"{found[problem.field]} {said}" if problem.field in found else said
        self.wrong |= found

    def text(self, name: str, *, needed: bool = True) -> str:
        text = self.desk.posted.get(name).strip()
        if needed and not text:
            self.refuse(name, "wrong.missing")
        if (over := len(text) - LONGEST.get(name, len(text))) > 0:
            self.refuse(name, "wrong.long", max=LONGEST[name], n=len(text), over=over)
        return text

    def person(self, name: str, *, needed: bool = True) -> int | None:
        """The person of a NIP, written with or without spaces; a stand-in if there is no such person."""
        typed = self.text(name, needed=needed)
        if not typed:
            return NOBODY if needed else None
        query = select(Person.id, Person.name).filter_by(agency_id=self.agency.id, nip=re.sub(r"[\s.'-]", "", typed))
        found = self.session.execute(query).first()
        if found is None:
            self.refuse(name, "hr.refused.nip", nip=typed)
            return NOBODY
        self.named[name] = f"{found.name} ({typed})"
        return found.id

    def unit(self, name: str) -> int | None:
        """The unit of a code, or of a name that only one unit has."""
        if not (typed := self.text(name, needed=False)):
            return None
        ours = select(Unit.id, Unit.name).where(Unit.agency_id == self.agency.id)
        found = self.session.execute(ours.where(Unit.code == typed)).all()
        found = found or self.session.execute(ours.where(func.lower(Unit.name) == typed.lower())).all()
        if len(found) != 1:
            self.refuse(name, "hr.refused.unit", unit=typed)
            return None
        self.named[name] = f"{found[0].name} ({typed})"
        return found[0].id

    def day(self, name: str) -> date:
        """A day as people write it; a stand-in if it cannot be read."""
        typed = self.text(name)
        found = read_day(_WEEKDAY.sub("", " ".join(typed.split())))
        if found is None:
            self.refuse(name, "hr.refused.day", text=typed)
            return SOME_DAY
        self.named[name] = day(found, self.desk.look.zone, self.desk.look.locale)
        return found

    def one_of(self, name: str, allowed: type[Word], otherwise: Word) -> Word:
        try:
            return allowed(self.text(name, needed=False))
        except ValueError:
            self.refuse(name, "wrong.choose")
            return otherwise

    def nips(self, name: str) -> list[str]:
        """NIPs as they are pasted: one to a line, with spaces within or between, with commas."""
        found: list[str] = []
        for part in _SEPARATORS.split(self.text(name, needed=False)):
            whole = re.sub(r"[\s.'-]", "", part)
            found += [whole] if len(whole) == 18 else re.sub(r"[.'-]", "", part).split()
        return list(dict.fromkeys(found))
