"""Worker and run killed together, and the machine cut, in the middle of the steps of a year, again and again.

Several small agencies live one year on each database through Prefect as shipped: no timer is shorter than in earnest,
and between two kills nothing is mended by hand. Beside the schedule, a tick is pressed every half minute,
once a minute has passed: what is measured is how long a step stands still until the first tick that could take it up.
Only the 35 minutes for which a dead dispatcher holds its letters are ended in the database, as `benchmarks.soak` does.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

import clock
from actions.cycle import cycles
from actions.line.calendars import calendar_of
from actions.mail import certificates, letters, outbox
from actions.stages.due import due
from actions.store import trail
from benchmarks import world
from benchmarks.kills.site import WORKERS, YEAR, Killed, Site, site, wait_for
from benchmarks.measure import BenchmarkRefused, table, tell
from models import Agency, Cycle, Letter, TrailEntry
from rules.terms import CycleState, LetterState
from simulation import ceremony, office
from simulation.delivery import accept_all
from simulation.year import Year

FIRST_TICK, BETWEEN_TICKS = 60.0, 30.0
LONGEST = 120.0
"""Seconds after which the next tick must go on."""
AT_ONCE = 3
"""So many steps are at work when a kill comes, if so many are due."""
SOME_TIME, GATHERING = 1.5, 12.0
"""Kills come at random within so many seconds of that; seconds to wait for it after the first step is at work."""
EARLY_CUTS, LATE_CUTS = 1, 3
"""On a day before and after scoring has closed: the later stages have fewer steps, and need as many kills."""
DAYS = (date(2026, 1, 2), date(2026, 1, 15), date(2026, 2, 2), date(2026, 6, 24), date(2026, 7, 20),
        date(2026, 12, 1), date(2026, 12, 16), date(2027, 1, 21),
        *(date(2027, 1, 22) + timedelta(days) for days in range(0, 200, 4)))  # fmt: skip
"""On which people act and the clock moves: the steps of a year, and few days on which nothing happens."""


@dataclass
class Count:
    cuts: int = 0
    runs: int = 0
    """Flow runs killed with their worker."""
    mid_step: int = 0
    """Of these, with a step of a stage under way."""
    standstills: list[float] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


KINDS = {
    "machine": ["prefect-server", *WORKERS], "both workers": list(WORKERS), "one worker": [WORKERS[0]],
}  # fmt: skip


@dataclass
class Cutter:
    place: Site
    chance: random.Random
    wanted: int
    """Runs to be killed with their worker."""
    count: Count = field(default_factory=Count)

    def due(self) -> list[Any]:
        with self.place.db.reading() as session:
            return due(session, at=clock.now())

    def take_all(self) -> None:
        """Let Prefect do all that is due, cutting it off at first; then wait until nothing is."""
        late = clock.now().year > YEAR
        for _ in range(LATE_CUTS if late else EARLY_CUTS):
            if self.due() and self.count.runs < self.wanted:
                self.cut()
        pressed = 0.0
        until = time.monotonic() + 1800
        while self.due() or self.place.stage_leases():
            if time.monotonic() > until:
                raise BenchmarkRefused(f"still due: {self.due()}")
            if not self.place.stage_leases() and time.monotonic() - pressed > BETWEEN_TICKS:
                self.place.press_tick()
                pressed = time.monotonic()
            time.sleep(0.5)

    def cut(self) -> None:
        self.place.press_tick()
        wait_for("a step at work", lambda: self.place.stage_leases() or not self.due())
        enough, until = min(AT_ONCE, len(self.due())), time.monotonic() + GATHERING
        while len(self.place.stage_leases()) < enough and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(self.chance.uniform(0, SOME_TIME))
        kind = list(KINDS)[self.count.cuts % len(KINDS)]
        killed = self.place.kill(KINDS[kind])
        self.count.cuts += 1
        self.count.kinds[kind] += 1
        self.count.runs += len(killed.runs)
        self.count.mid_step += len(killed.stages)
        self.count.stages.update(name.rsplit(":", 1)[1] for name in killed.stages)
        self.place.start_again(kind == "machine", [name for name in KINDS[kind] if name in WORKERS])
        self.measure(killed)
        self.end_letters_leases()
        print(f"{kind}: {len(killed.runs)} runs, {len(killed.stages)} in a step; {self.count}", flush=True)

    def measure(self, killed: Killed) -> None:
        """How long each step stood still."""
        waiting, next_tick = set(killed.stages), killed.at + FIRST_TICK
        until = time.monotonic() + 1800
        while waiting:
            if time.monotonic() > until:
                raise BenchmarkRefused(f"these stand still: {sorted(waiting)}")
            if time.monotonic() >= next_tick:
                self.place.press_tick()
                next_tick = time.monotonic() + BETWEEN_TICKS
            held = self.place.stage_leases()
            stages = {f"stage:{ref.agency}:{ref.year}:{ref.stage.value}" for ref in self.due()}
            for name in sorted(waiting):
                alive = name in held and held[name] not in killed.runs
                if alive or name not in stages:
                    waiting.discard(name)
                    self.count.standstills.append(time.monotonic() - killed.at)
            time.sleep(0.1)

    def end_letters_leases(self) -> None:
        """As if the 35 minutes were over for which a dispatcher that died with its run holds its letters."""
        with self.place.db.transaction() as session:
            past = outbox.database_now(session) - timedelta(seconds=1)
            held = update(Letter).where(Letter.state == LetterState.SENDING)
            session.execute(held.values(lease_until=past))


def live(place: Site, cutter: Cutter, say: Any) -> None:
    """Day after day until every cycle is closed: Prefect takes the steps, invented people act."""
    db = place.db
    people = Year(db.transaction, place.agencies[0], YEAR, seed=7, deliver=accept_all(db.transaction))
    for day in DAYS:
        with db.reading() as session:
            agency = session.scalars(select(Agency).limit(1)).one()
            calendar = calendar_of(session, agency, clock.now())
            open_cycles = session.scalars(select(Cycle).filter_by(state=CycleState.RUNNING)).all()
            if not open_cycles:
                return
        morning = calendar.start_of_day(day) + timedelta(hours=7)
        clock.move_to(max(clock.now(), morning))
        cutter.take_all()
        for code in place.agencies:
            act_for(place, code, morning)
        people._live(day, calendar)
        say(f"{day}: {len(open_cycles)} cycles run")


def act_for(place: Site, code: str, at: datetime) -> None:
    with place.db.transaction() as session:
        cycle = cycles.find(session, code, YEAR)
        if cycle is None or cycle.state is not CycleState.RUNNING:
            return
        certificates.certify_launch(session, cycle, at=at)
        office.name_authorities(session, cycle, at=at)
        ceremony.hold(session, cycle, 7, at=at)


def check(place: Site) -> list[str]:
    """What is not as it should be when the year is over."""
    found: list[str] = []
    place.press_tick()
    time.sleep(LONGEST)
    place.press_tick()
    wait_for("runs to end", lambda: not place.under_way())
    accept_all(place.db.transaction)(clock.now())
    with place.db.transaction() as session:
        outbox.reap(session, at=clock.now())
        outbox.resolve_ambiguous(session, at=clock.now() + timedelta(hours=1))
    accept_all(place.db.transaction)(clock.now() + timedelta(days=1))
    with place.db.reading() as session:
        for code in place.agencies:
            cycle = cycles.find(session, code, YEAR)
            assert cycle is not None
            if cycle.state is not CycleState.CLOSED:
                found.append(f"{code} is not closed")
            certificate = letters.certificate(session, cycle_id=cycle.id)
            if certificate.missing or certificate.doubled:
                found.append(f"{code}: {certificate.missing} letters missing, {certificate.doubled} doubled")
            found += [f"{code}: {broken}" for broken in trail.verify(session, cycle.agency_id)]
        once = select(TrailEntry.subject, TrailEntry.type, func.count()).where(
            TrailEntry.type.like("%.open") | TrailEntry.type.like("%.close")
        )
        again = once.group_by(TrailEntry.subject, TrailEntry.type).having(func.count() > 1)
        found += [f"taken twice: {subject} {kind}" for subject, kind, _ in session.execute(again)]
    return found


def measure(kinds: Sequence[str], kills: int, agencies: int, seed: int) -> dict[str, Any]:
    runs = []
    for number, kind in enumerate(kinds):
        share = kills // len(kinds) + (number < kills % len(kinds))
        began = time.monotonic()
        with world.scratch() as home, world.server(kind) as address, world.fresh(address) as db:
            with site(db, Path(home), agencies) as place:
                cutter = Cutter(place, random.Random(seed + number), share)  # noqa: S311 - repeatable
                try:
                    live(place, cutter, lambda said: print(said, flush=True))
                    broken = check(place)
                except Exception as failed:  # what was counted so far is told
                    broken = [f"{type(failed).__name__}: {failed}"]
            told = cutter.count
        times = sorted(told.standstills)
        runs.append({
            "database": kind, "agencies": agencies, "cuts": told.cuts, "runs": told.runs, "mid_step": told.mid_step,
            "stages": dict(told.stages), "kinds": dict(told.kinds), "ticks": place.ticks,
            "median": round(times[len(times) // 2]) if times else 0, "longest": round(max(times, default=0)),
            "broken": broken, "minutes": round((time.monotonic() - began) / 60),
        })  # fmt: skip
    return {"clean": not any(run["broken"] for run in runs), "runs": runs}


def words(found: dict[str, Any]) -> str:
    head = ["", "agencies", "cuts", "runs killed", "in a step", "median s", "longest s", "minutes"]
    rows = [[run["database"], run["agencies"], run["cuts"], run["runs"], run["mid_step"], run["median"],
             run["longest"], run["minutes"]] for run in found["runs"]]  # fmt: skip
    said = [f"{run['database']}: {one}" for run in found["runs"] for one in run["broken"]]
    title = "Cuts: all years closed, nothing lost or doubled" if found["clean"] else "Cuts: NOT as promised"
    return "\n".join([table(title, head, rows), *said])


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.cuts", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="runs killed with their worker, in all")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"])
    parser.add_argument("--agencies", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.database or ["sqlite", "postgresql"], asked.kills, asked.agencies, asked.seed)
    tell(found, words(found), asked.json)
    raise SystemExit(not found["clean"])


if __name__ == "__main__":
    main()
