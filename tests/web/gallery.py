"""Every act's form as a browser gets it, through one lived year: empty, filled, checked and with errors."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from office import HOST, ORIGIN, SUGGESTED, forms_of
from sqlalchemy import select, update
from starlette.testclient import TestClient

import clock
import database
import settings
from actions.access import codes
from actions.acts.table import ACTS
from actions.duties import links
from database import Database
from models import Agency, Cycle, Draft, Letter, Stage
from rules.proof.tokens import sign
from rules.terms import ActKind
from simulation.forms import flat
from tests.actions.world import ABOVE, BELOW, World, in_use
from web.app import create_app

_IS_ACTUAL = re.compile(r"actuals\.\d+\.value")
LONG = "Pertanggungjawabanpelaksanaankegiatan" * 9
"""A word that no line can hold: nothing may grow wider by it."""
RESULT_ABOVE = ABOVE | {"notes": [note | {"seen": "below"} for note in ABOVE["notes"]]}


@dataclass
class Gallery:
    """Pages by name: `score filled id`."""

    world: World
    pages: dict[str, str] = field(default_factory=dict)
    kinds: set[ActKind] = field(default_factory=set)

    def take(self, who: str, kind: ActKind, about: str | None = None, *, note: str = "", **more: Any) -> None:
        """Photograph one task in every state; it is still open afterwards."""
        world = self.world
        clock.move_to(world.at)
        task = world.open(who, kind, about)[0]
        visitor = Visitor(world, who, task.stage_id)
        path, valid = f"/w/task/{task.id}", dict(flat(world.form(task, **more)))
        valid = {name: _long(name, value) for name, value in valid.items()}
        for lang in ("id", "en"):
            url = f"{path}?lang={lang}"
            name = f"{kind.value}{note}"
            empty = visitor.get(url)
            assert 'id="act"' in empty, empty
            self.pages[f"{name} empty {lang}"] = empty
            fields = forms_of(empty)[path] | _as_named(empty, valid)
            self.pages[f"{name} filled {lang}"] = visitor.post(f"{path}/draft?lang={lang}", fields)
            if ACTS[kind].weighty:
                checked = visitor.post(url, fields | {"confirm": "yes"})
                assert "data-check" in checked, checked
                self.pages[f"{name} checked {lang}"] = checked
            numbers = {key: "Rp" for key in valid if key.endswith((".target", ".score")) or _IS_ACTUAL.fullmatch(key)}
            wrong = visitor.post(url, forms_of(empty)[path] | numbers)
            assert 'class="errors"' in wrong, wrong
            self.pages[f"{name} errors {lang}"] = wrong
            with world.db.transaction() as session:
                for draft in session.scalars(select(Draft)):
                    session.delete(draft)
        self.kinds.add(kind)

    def taken(self, who: str, kind: ActKind, about: str | None = None, **more: Any) -> None:
        """Photograph it, then do it."""
        self.take(who, kind, about, **more)
        task = self.world.open(who, kind, about)[0]
        self.world.send(task, self.world.form(task, **more))


def _long(name: str, value: str) -> str:
    texts = ("text", "evidence", "title", "summary", "feedback", "reasons", "reason", "reply", "explanation")
    return LONG[:290] if name.rsplit(".", 1)[-1] in texts else value


def _as_named(html: str, valid: Mapping[str, str]) -> dict[str, str]:
    """The valid form under the names of the page, which numbers rows of values by itself."""
    return {name: value for name, value in valid.items() if f'name="{name}"' in html}


class Visitor:
    """A person of the world at a browser, who has entered a code."""

    def __init__(self, world: World, who: str, stage_id: int) -> None:
        self.http = TestClient(create_app(), base_url=HOST, headers={"Accept": "text/html"})
        person = world.people[who]
        with world.db.transaction() as session:
            stage = session.get_one(Stage, stage_id)
            kid = links.kid_of(session.get_one(Cycle, stage.cycle_id))
            link = links.ensure_links(session, stage, kid, [person], at=world.at)[person]
        self.post("/a", {"token": sign(link, kid=kid, master=settings.load().master)})
        self.post("/w/code", forms_of(self.get("/w/code"))["/w/code"])
        with world.db.reading() as session:
            query = select(Letter.code_id).filter_by(person_id=person, kind="step_code").order_by(Letter.id.desc())
            newest = session.scalars(query).first()
            assert newest is not None
            code = codes.digits(session, newest, master=settings.load().master)
        self.post("/w/code/verify", forms_of(self.get("/w/code"))["/w/code/verify"] | {"code": code})

    def get(self, path: str) -> str:
        return self.http.get(path).text

    def post(self, path: str, data: Mapping[str, str]) -> str:
        return self.http.post(path, data=dict(data), headers=ORIGIN).text


def lived(path: Path) -> Gallery:
    """One year, as short as every kind of act allows."""
    world = in_use(World.make(Database(f"sqlite:///{path}", durable=False)))
    with world.db.transaction() as session:
        session.execute(update(Agency).values(indicators=json.dumps({"default": SUGGESTED})))
    gallery = Gallery(world)
    for part in (_targets, _mid_year, _scoring, _objection, _audit, _final):
        part(gallery)
    return gallery


def _targets(gallery: Gallery) -> None:
    world = gallery.world
    world.on("2026-01-05")
    gallery.taken("ani", ActKind.DRAFT_TARGETS)
    gallery.taken("head", ActKind.ESTABLISH_TARGETS, "ani")
    world.everybody(ActKind.DRAFT_TARGETS, ActKind.ESTABLISH_TARGETS)
    world.on("2026-02-02")


def _mid_year(gallery: Gallery) -> None:
    world = gallery.world
    world.on("2026-07-01")
    form = world.form(world.task("ani", ActKind.REPORT_PROGRESS))
    actuals = [form["actuals"][0] | {"new_target": "150"}, *form["actuals"][1:]]
    changes = {"actuals": actuals, "change_reason": "Dua loket digabung sejak Mei."}
    gallery.taken("ani", ActKind.REPORT_PROGRESS, **changes)
    gallery.taken("head", ActKind.GIVE_FEEDBACK, "ani")
    world.everybody(ActKind.REPORT_PROGRESS, ActKind.GIVE_FEEDBACK)
    world.on("2026-07-22")


def _scoring(gallery: Gallery) -> None:
    world = gallery.world
    world.on("2026-12-01")
    first = world.open(None, ActKind.SET_UNIT_PREDICATE)[0]
    gallery.take(world.name(first.person_id), ActKind.SET_UNIT_PREDICATE)
    gallery.taken("ani", ActKind.SELF_ASSESS)
    world.everybody(ActKind.SET_UNIT_PREDICATE, ActKind.SELF_ASSESS)
    gallery.take("head", ActKind.SCORE, "ani", **RESULT_ABOVE)
    world.act("head", ActKind.SCORE, "ani", **BELOW)
    world.everybody(ActKind.SCORE, but=("citra",))
    world.on("2027-01-21")


def _objection(gallery: Gallery) -> None:
    world = gallery.world
    if override := world.open(None, ActKind.OVERRIDE_DISTRIBUTION):
        gallery.take(world.name(override[0].person_id), ActKind.OVERRIDE_DISTRIBUTION)
    gallery.taken("ani", ActKind.ACKNOWLEDGE)
    gallery.taken("ani", ActKind.OBJECT)
    gallery.taken("head", ActKind.EXPLAIN, "ani")
    world.everybody(ActKind.EXPLAIN)
    decision = world.open(None, ActKind.DECIDE_OBJECTION)[0]
    who = world.name(decision.person_id)
    gallery.take(who, ActKind.DECIDE_OBJECTION, "ani", decision="change", **RESULT_ABOVE)
    world.act(who, ActKind.DECIDE_OBJECTION, "ani")
    world.everybody(ActKind.OVERRIDE_DISTRIBUTION)


def _audit(gallery: Gallery) -> None:
    world = gallery.world
    world.publish_and_roll()
    first = world.open(None, ActKind.EXAMINE)[0]
    gallery.take(world.name(first.person_id), ActKind.EXAMINE)
    for task in world.open(None, ActKind.EXAMINE):
        world.send(task, world.form(task, evidence_ok="no"))
    reply = world.open(None, ActKind.REPLY_TO_FINDING)[0]
    gallery.take(world.name(reply.person_id), ActKind.REPLY_TO_FINDING)
    world.everybody(ActKind.REPLY_TO_FINDING)
    conclude = world.open(None, ActKind.CONCLUDE_FINDING)[0]
    review = {"conclusion": "confirmed", "review_result": "yes", "recommendation": "Tinjau kembali hasilnya."}
    gallery.take(world.name(conclude.person_id), ActKind.CONCLUDE_FINDING, **review)
    for task in world.open(None, ActKind.CONCLUDE_FINDING):
        world.send(task, world.form(task, **review))
    decide = world.open(None, ActKind.DECIDE_RECOMMENDATION)[0]
    gallery.take(world.name(decide.person_id), ActKind.DECIDE_RECOMMENDATION, result_rating="above")


def _final(gallery: Gallery) -> None:
    world = gallery.world
    world.on("2027-03-11")
    gallery.take("hr", ActKind.ACCOUNT_FOR, "citra")


def numeric(path: Path) -> Iterator[tuple[str, str]]:
    """The one form that looks different under the numeric method."""
    world = in_use(World.make(Database(f"sqlite:///{path}", durable=False), pack="pp-30-2019").to_scoring())
    gallery = Gallery(world)
    gallery.take("head", ActKind.SCORE, "ani", note=" by number")
    yield from gallery.pages.items()
    database.use(None)
    world.db.close()
