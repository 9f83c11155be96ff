"""The head of the organisation above lets a distribution stand that does not fit the pattern, and says why."""

from typing import Any

from sqlalchemy import select

from actions.acts.act import Act, ActForm, Acting, Done, Text
from models import Unit, UnitPredicate
from rules.pack.contradictions import Doubt, of_text
from rules.terms import ActKind, Proof, Role


class Form(ActForm):
    reason: Text


def _row(acting: Acting) -> UnitPredicate:
    query = select(UnitPredicate).filter_by(cycle_id=acting.cycle.id, unit_id=acting.assignment.unit_id)
    return acting.session.scalars(query).one()


def show(acting: Acting) -> dict[str, Any]:
    row = _row(acting)
    unit = acting.session.get_one(Unit, acting.assignment.unit_id)
    return {"unit": unit.name, "predicate": row.predicate.value, "distribution": row.distribution}


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    return of_text("reason", form.reason)


def carry_out(acting: Acting, form: Form) -> Done:
    row = _row(acting)
    row.override_reason, row.overridden_by_id = form.reason, acting.person.id
    return Done(after={"overridden": True}, why=form.reason, summary={"overridden": True})


ACT = Act(ActKind.OVERRIDE_DISTRIBUTION, Proof.CODE, Form, show, carry_out, doubts=doubts)
ROLE = Role.UNIT_HEAD
