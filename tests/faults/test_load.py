"""F56 to F58: a great many letters, a great many clicks at once, and a relay that takes one letter a second.

What a million rows cost is measured by benchmarks/outbox.py; here is counted what one claim touches.
"""

import asyncio
import time
import tracemalloc
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

import clock
import settings
from actions.mail import outbox
from database import Database
from models import Agency, Assignment, Letter, Person, Posting, Submission, Supervision, Unit, Wave
from rules.terms import ActKind, AssignmentState, Lane, LetterState, PostGroup, StageKind
from simulation.sink import Sink
from tests.mail.posting import AT, UNDER_WAY, assert_sound, dispatcher, letter, limit, owe, send
from tests.mail.test_dispatch import running
from tests.web.office import HOST, ORIGIN, Office, forms_of, plan_form
from web.app import create_app

CLAIM, CROWD = 15, 40


def owe_many(db: Database, number: int, *, lane: Lane = Lane.INVITATION) -> None:
    """Queue so many letters of a wave to one person, in a moment."""
    (first,) = owe(db, 1, lane=lane, wave="many")
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number - 1}) "
        if db.is_sqlite
        else f"WITH n AS (SELECT generate_series(1, {number - 1}) AS i) "
    )
    columns = [str(column.name) for column in Letter.__table__.columns if column.name != "id"]
    made = {"key": "key || ':' || i", "message_id": "'<' || person_id || '.' || i || '@many.example>'"}
    values = ", ".join(made.get(name, name) for name in columns)
    with db.transaction() as session:
        session.execute(
            text(f"INSERT INTO letter ({', '.join(columns)}) {numbers} SELECT {values} FROM letter, n WHERE id = :id"),
            {"id": first},
        )
        session.scalars(select(Wave)).one().planned += number - 1


# ---- F56: many rows


def touched(db: Database) -> tuple[int, int]:
    """What one claim touches (steps of SQLite's machine, or rows that PostgreSQL reads), and its peak of memory."""
    with db.transaction() as session:
        driver: Any = session.connection().connection.driver_connection
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        def read() -> int:
            counted = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'letter'"
            return 0 if db.is_sqlite else int(session.execute(text(counted)).scalar() or 0)

        before = read()
        if db.is_sqlite:
            driver.set_progress_handler(step, 1)
        tracemalloc.start()
        assert len(outbox.claim(session, "me", [Lane.INVITATION], CLAIM, at=AT)) == CLAIM
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if db.is_sqlite:
            driver.set_progress_handler(None, 1)
        return steps or read() - before, peak


def test_f56_a_claim_costs_the_same_with_a_hundred_times_as_many_letters_from_the_first_to_the_last(
    both: Database,
) -> None:
    owe_many(both, 300)
    few = [touched(both) for _ in range(8)][2:]
    owe_many(both, 30_000)
    first = [touched(both) for _ in range(8)]
    with both.transaction() as session:
        last = session.scalar(select(func.max(Letter.id))) or 0
        done = update(Letter).where(Letter.state.in_(UNDER_WAY), Letter.id < last - 200)
        session.execute(done.values(state=LetterState.ACCEPTED).execution_options(synchronize_session=False))
    if not both.is_sqlite:
        with both.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM letter"))  # as the server does on its own
    final = [touched(both) for _ in range(8)]
    steps, peak = max(few)[0], max(memory for _, memory in few)
    assert max(first)[0] <= 1.2 * steps
    assert max(final)[0] <= 1.2 * steps
    assert max(memory for _, memory in first + final) <= 1.3 * peak


# ---- F57: many people at once


class Crowd(Office):
    """The agency of the pages' tests, with many employees more, who all report to the same person."""

    def _people(self, session: Session) -> None:
        super()._people(session)
        agency, unit = session.scalars(select(Agency.id)).one(), session.scalars(select(Unit.id).limit(1)).one()
        for n in range(CROWD):
            person = Person(agency_id=agency, nip=f"2990{n:014d}", name=f"Pegawai {n}", email=f"p{n}@kota.example",
                            active_from=date(2005, 1, 1))  # fmt: skip
            session.add(person)
            session.flush()
            self.people[f"p{n}"] = person.id
            since = date(2020, 1, 1)
            session.add(
                Posting(person_id=person.id, unit_id=unit, post="Analis", post_group=PostGroup.JA, from_on=since)
            )
            session.add(Supervision(person_id=person.id, superior_id=self.people["budi"], from_on=since))


async def click(http: httpx.AsyncClient, token: str, task: int) -> list[int]:
    """Open the link, begin, open the task, and press its button three times at once; what the presses got."""
    landing = forms_of((await http.get(f"/a/{token}")).text)["/a"]
    begun = await http.post("/a", data=landing, headers=ORIGIN)
    assert begun.status_code == 303
    path = f"/w/task/{task}"
    form = forms_of((await http.get(path)).text)[path] | plan_form()
    pressed = [http.post(path, data=form, headers=ORIGIN) for _ in range(3)]
    return [answer.status_code for answer in await asyncio.gather(*pressed)]


def test_f57_when_everybody_clicks_at_once_every_act_counts_once(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISAL_BASE_URL", HOST)
    settings.load.cache_clear()
    office = Crowd(both).found()
    office.open(StageKind.TARGET_SETTING)
    names = [f"p{n}" for n in range(CROWD)]
    with both.reading() as session:
        owed = select(Assignment.person_id, Assignment.id).filter_by(kind=ActKind.DRAFT_TARGETS)
        tasks = dict(session.execute(owed).tuples().all())
    tokens = {name: office.token(name) for name in names}
    app = create_app()

    async def everybody() -> list[list[int]]:
        async def one(name: str) -> list[int]:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=HOST, headers={"Accept": "text/html"}) as http:
                return await click(http, tokens[name], tasks[office.people[name]])

        return await asyncio.gather(*map(one, names))

    assert asyncio.run(everybody()) == [[303] * 3] * CROWD
    with both.reading() as session:
        sent = session.scalars(select(Submission)).all()
        done = session.scalars(select(Assignment).filter_by(kind=ActKind.DRAFT_TARGETS, state=AssignmentState.DONE))
        assert len(sent) == len({one.assignment_id for one in sent}) == len(done.all()) == CROWD
    assert office.letters("receipt") == CROWD
    with Sink() as sink:
        send(both, sink, now=clock.now)
        assert_sound(both, sink, everything_out=True)


# ---- F58: a slow relay


def test_f58_a_code_leaves_within_seconds_behind_a_great_many_letters_at_one_a_second(both: Database) -> None:
    limit(both, "relay", "1/s")
    owe_many(both, 20_000)
    with Sink() as sink:
        with running(dispatcher(both, sink)):
            sink.wait_for_letters(2)
            (code,) = owe(both, 1, lane=Lane.URGENT)
            began = time.monotonic()
            while letter(both, code).state is not LetterState.ACCEPTED:
                assert time.monotonic() - began < 5, "a code waits behind a wave"
                time.sleep(0.05)
        assert_sound(both, sink, most_per_window=(0.95, 1))
