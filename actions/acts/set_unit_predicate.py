"""The head of the organisation above sets a unit's predicate before anyone in it is rated (SE MenPANRB 3/2023)."""

from typing import Any

from sqlalchemy import func, select

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, Text
from actions.store.bulk import insert_new
from models import Appraisal, Unit, UnitPredicate
from rules.pack.contradictions import Doubt, of_text
from rules.terms import ActKind, OrgPredicate, Proof, Role


class Form(ActForm):
    predicate: OrgPredicate
    reason: Text


def show(acting: Acting) -> dict[str, Any]:
    unit = acting.session.get_one(Unit, acting.assignment.unit_id)
    people = select(func.count()).select_from(Appraisal).filter_by(cycle_id=acting.cycle.id, unit_id=unit.id)
    return {"unit": unit.name, "people": acting.session.scalar(people)}


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    return of_text("reason", form.reason)


def carry_out(acting: Acting, form: Form) -> Done:
    row = {
        "cycle_id": acting.cycle.id, "unit_id": acting.assignment.unit_id, "predicate": form.predicate,
        "reason": form.reason, "set_by_id": acting.person.id, "set_at": acting.at, "override_reason": "",
    }  # fmt: skip
    if not insert_new(acting.session, UnitPredicate, [row]):
        raise ActRefused("already_set")
    predicate = {"predicate": form.predicate.value}
    return Done(after=predicate, why=form.reason, summary=predicate, follows={"organisation": form.predicate.value})


ACT = Act(ActKind.SET_UNIT_PREDICATE, Proof.CODE, Form, show, carry_out, doubts=doubts)
ROLE = Role.UNIT_HEAD
