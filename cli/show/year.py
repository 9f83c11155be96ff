"""The demo's year: starts the processes, moves the clock, lets the robots live, and waits for Prefect each time."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from pathlib import Path

from sqlalchemy import func, select

import clock
import database
import settings
from actions.cycle import cycles
from actions.line.calendars import calendar_of
from actions.line.holders import role_holders
from actions.mail import certificates, letters, outbox
from actions.roster.agency_files import read_agency
from actions.stages.due import due
from actions.steering.addresses import correct_address
from actions.store import schema, trail
from cli import control_plane
from cli.machine import processes, serve
from cli.show import mailbox
from models import Agency, Appraisal, Person, Stage, Submission
from rules.terms import AddressState, CycleState, Lane, Role, StageKind, StageState, Step
from rules.time.calendar import Calendar
from simulation import ceremony, office
from simulation.mailbox import Mailbox
from simulation.mailbox import serve as serve_mailbox
from simulation.robots import Robot, Scanner

AFTER_MIDNIGHT, MORNING = timedelta(minutes=5), timedelta(hours=8)
"""When the clock's work is done, and when people read their mail."""
BOUNCING, SCANNED = 9, 14
"""Which people of the roster have a dead address at first, and a mail scanner that presses every button."""
AT_ONCE = 6
"""Robots that sit at their desks at the same time."""
PATIENCE = 180.0
"""Seconds that Prefect may take for everything that is due on one day."""
EVERY, MAY_WAIT = 7, (Step.REMIND, Step.LAPSE)
"""Reminders and lapses are looked at on every seventh day of an open stage: a demo need not show each of them."""


@dataclass(slots=True)
class Summary:
    agency: str
    year: int
    states: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    scanner: Counter[str] = field(default_factory=Counter)
    by_scanner: int = 0
    runs: int = 0
    finished: bool = False
    certificate: letters.Certificate | None = None
    broken: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        mail = self.certificate is not None and self.certificate.clean
        return self.finished and mail and not self.broken and not self.by_scanner

    def told(self, seconds: float) -> str:
        assert self.certificate is not None
        states = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in self.states.most_common())
        acts = ", ".join(f"{n} {act.replace('_', ' ')}" for act, n in self.acts.most_common())
        mail = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in self.certificate.states.items())
        return (
            f"\n{self.agency} {self.year} in {seconds:.0f} s\n"
            f"  appraisals   {states}\n"
            f"  acts         {acts}\n"
            f"  scanner      opened {self.scanner['links']} links, pressed {self.scanner['forms']} buttons,"
            f" submitted {self.by_scanner} acts\n"
            f"  Prefect      {self.runs} flow runs\n"
            f"  trail        {'whole' if not self.broken else self.broken[0]}\n"
            f"  certificate  {self.certificate.owed} letters owed: {mail}; {self.certificate.missing} missing,"
            f" {self.certificate.doubled} doubled: {'clean' if self.clean else 'NOT CLEAN'}"
        )


class DemoYear:
    def __init__(
        self, family: processes.Family, home: Path, agency: str, year: int, seed: int, *, smtp: int, web: int,
        prefect: int, box: int, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.family, self.home, self.agency, self.year, self.seed, self.say = family, home, agency, year, seed, say
        self.ports = {"smtp": smtp, "web": web, "prefect": prefect, "box": box}
        self.folder = read_agency(settings.load().agencies_dir / agency)
        self.mailbox = Mailbox()
        self.base = f"http://127.0.0.1:{web}"
        self.scanner = Scanner(self.base)
        self.robots: dict[str, Robot] = {}
        self.scanned, self.by_scanner, self.scanner_read = "", 0, 0

    def start(self) -> None:
        """Bring everything up and launch the cycle in Prefect, as HR would from its form."""
        opens = self.folder.calendar.for_year(self.year)[StageKind.TARGET_SETTING].opens_on
        begin = datetime.combine(opens - timedelta(days=12), day_time(1), UTC)
        schema.upgrade(database.current(), simulation_from=begin.isoformat())
        serve_mailbox(self.mailbox, self.ports["smtp"])
        mailbox.serve(self.mailbox, self.ports["box"])
        self.say("Starting the Prefect server, a worker, the pages and the mailbox ...")
        self._use_prefect(processes.prefect_environment(self.home / "prefect", self.ports["prefect"]))
        env = processes.start_prefect(self.family, self.home / "prefect", self.ports["prefect"])
        self._start_ticker(env)
        processes.start_worker(self.family, env | {"PREFECT_WORKER_QUERY_SECONDS": "0.5"}, limit=2)
        serve.start_pages(self.family, "127.0.0.1", self.ports["web"], env)
        serve.start_mailer(self.family, env, lanes=())
        self.say(f"Launching {self.agency} {self.year} with the deployment annual-cycle ...")
        self._deployment("annual-cycle", {"agency_dir": self.agency, "year": self.year, "preview": False})
        self._people()

    @staticmethod
    def _use_prefect(env: dict[str, str]) -> None:
        """Before anything imports Prefect, which reads its settings then: a client that knows of no server starts one
        of its own, beside ours."""
        control_plane.use(env)

    def _deployment(self, flow: str, parameters: dict[str, object]) -> None:
        """Run a deployment and wait for it; the schedule's own tick may come first, and does the same."""
        from prefect.client.schemas.objects import FlowRun
        from prefect.deployments import run_deployment

        run = run_deployment(
            f"{flow}/default", parameters=parameters, timeout=PATIENCE, poll_interval=0.3, as_subflow=False
        )
        assert isinstance(run, FlowRun)
        if run.state is None or not (run.state.is_completed() or run.state.is_cancelled()):
            raise processes.StartRefused(f"the run of {flow} ended as {run.state}: see {self.home / 'logs'}")

    def _start_ticker(self, env: dict[str, str]) -> None:
        """A process that ticks on demand: the schedule's own ticks come every five minutes, the demo's days sooner."""
        self.ticker = self.family.start("ticker", sys.executable, "-m", "flows", env=env, piped=True)

    def _tick_once(self) -> None:
        stdin, stdout = self.ticker.process.stdin, self.ticker.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(b"tick\n")
        stdin.flush()
        if not stdout.readline():
            raise processes.StartRefused(f"the ticker ended, see {self.ticker.log}")

    def _people(self) -> None:
        with database.reading() as session:
            people = session.scalars(select(Person.email).order_by(Person.id)).all()
        for address in people:
            self.robots[address] = Robot(address, self.base, self.mailbox, self.seed, self._mail_for(address))
        self.mailbox.refused.add(people[BOUNCING])
        self.scanned = people[SCANNED]

    def _mail_for(self, address: str) -> Callable[[int], None]:
        def wait(before: int) -> None:
            until = time.monotonic() + 15
            while len(self.mailbox.by_address[address]) <= before and time.monotonic() < until:
                time.sleep(0.05)

        return wait

    def run(self) -> Summary:
        """Live day by day until the cycle is closed."""
        with database.reading() as session:
            agency = session.scalars(select(Agency).filter_by(code=self.agency)).one()
            calendar = calendar_of(session, agency, clock.now())
        day = calendar.local_date(clock.now())
        last = self.folder.calendar.for_year(self.year)[StageKind.FINALIZATION].closes_on + timedelta(days=30)
        while day <= last and not self._closed():
            self._live(day, calendar)
            day = self._next_day(day, calendar)
        self.family.dismiss(self.ticker)
        return self._summary()

    def _closed(self) -> bool:
        with database.reading() as session:
            cycle = cycles.find(session, self.agency, self.year)
            return cycle is not None and cycle.state is CycleState.CLOSED

    def _live(self, day: date, calendar: Calendar) -> None:
        self._wait_until(calendar.start_of_day(day) + AFTER_MIDNIGHT)
        told = self._tick(day)
        self._wait_until(calendar.start_of_day(day) + MORNING)
        self._mend_address()
        self._scan()
        before = sum(sum(robot.counts.values()) for robot in self.robots.values())
        with ThreadPoolExecutor(AT_ONCE) as people:
            list(people.map(lambda robot: robot.read_mail(day) or robot.live(day), list(self.robots.values())))
        acted = sum(sum(robot.counts.values()) for robot in self.robots.values()) - before
        at = clock.now()
        with database.transaction() as session:
            cycle = cycles.find(session, self.agency, self.year)
            assert cycle is not None
            certificates.certify_launch(session, cycle, at=at)
            office.name_authorities(session, cycle, at=at)
            ceremony.hold(session, cycle, self.seed, at=at)
        self._settle_mail()
        if told or acted:
            self.say(f"  {day:%d %b %Y}  {', '.join(told) or '-'}{f'; {acted} acts' if acted else ''}")

    @staticmethod
    def _wait_until(at: datetime) -> None:
        clock.move_to(max(clock.now(), at))

    def _tick(self, day: date) -> list[str]:
        """Let Prefect do what is due until nothing is; a step that only reminds may wait for its turn."""
        done: list[str] = []
        until = time.monotonic() + PATIENCE
        while True:
            with database.reading() as session:
                found = due(session, at=clock.now())
            if not found or (day.toordinal() % EVERY and all(ref.step in MAY_WAIT for ref in found)):
                break
            if time.monotonic() > until:
                raise processes.StartRefused(f"still due after {PATIENCE:.0f} s: {found}; see the Prefect UI")
            done += [
                name for ref in found if (name := f"{ref.stage.value.replace('_', ' ')}: {ref.step.value}") not in done
            ]
            self._tick_once()
            self._wait_for_steps()
        self._settle_mail()
        return done

    def _wait_for_steps(self) -> None:
        """Wait until no run that was started for a step is under way."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import (
            FlowRunFilter,
            FlowRunFilterState,
            FlowRunFilterStateType,
            FlowRunFilterTags,
        )
        from prefect.client.schemas.objects import StateType

        live = FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.SCHEDULED])
        )
        wanted = FlowRunFilter(state=live, tags=FlowRunFilterTags(all_=[f"agency:{self.agency}"]))
        until = time.monotonic() + PATIENCE
        with get_client(sync_client=True) as client:
            while time.monotonic() < until:
                now = datetime.now(UTC)
                runs = client.read_flow_runs(flow_run_filter=wanted, limit=200)
                if not any(run.expected_start_time is None or run.expected_start_time <= now for run in runs):
                    return
                time.sleep(0.2)

    def _settle_mail(self) -> None:
        """Wait until the resident dispatcher has sent what is due now."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with database.reading() as session:
                next_at = outbox.next_due(session, tuple(Lane))
            if next_at is None or next_at > clock.now():
                return
            time.sleep(0.05)

    def _mend_address(self) -> None:
        """HR sees the bounce, asks the person and corrects the address; the letters that were held go out."""
        with database.transaction() as session:
            dead = session.scalars(select(Person).filter_by(email_state=AddressState.HARD)).all()
            for person in dead:
                old = person.email
                self.mailbox.refused.discard(old)
                new = f"baru.{old}"
                correct_address(session, person.id, new, reason="Alamat lama tidak berlaku lagi", at=clock.now())
                self.robots[new] = Robot(new, self.base, self.mailbox, self.seed, self._mail_for(new))
                self.say(f"  one letter bounced; HR corrected the address of person {person.id}")
        if dead:
            self._settle_mail()

    def _scan(self) -> None:
        received = self.mailbox.by_address[self.scanned]
        before = self._submitted()
        for letter in received[self.scanner_read :]:
            self.scanner.scan(letter)
        self.scanner_read = len(received)
        self.by_scanner += self._submitted() - before

    def _submitted(self) -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(Submission)) or 0

    def _next_day(self, day: date, calendar: Calendar) -> date:
        """Tomorrow while a stage is open; else the next opening."""
        with database.reading() as session:
            cycle = cycles.find(session, self.agency, self.year)
            assert cycle is not None
            stages = session.scalars(select(Stage).filter_by(cycle_id=cycle.id)).all()
        tomorrow = day + timedelta(days=1)
        if any(stage.state in (StageState.OPENING, StageState.OPEN, StageState.CLOSING) for stage in stages):
            return tomorrow
        ahead = [calendar.local_date(stage.opens_at) for stage in stages if stage.state is StageState.PLANNED]
        return max(tomorrow, min(ahead)) if ahead else tomorrow

    def hr_address(self) -> str:
        """Somebody who may sign in to the console."""
        with database.reading() as session:
            agency = session.scalars(select(Agency).filter_by(code=self.agency)).one()
            today = calendar_of(session, agency, clock.now()).local_date(clock.now())
            holders = role_holders(agency.id, Role.PERFORMANCE_ADMIN, today)
            return session.scalars(select(Person.email).where(Person.id.in_(holders)).order_by(Person.id)).first() or ""

    def _summary(self) -> Summary:
        self._settle_mail()
        acts = Counter[str]()
        for robot in self.robots.values():
            acts.update(robot.counts)
        with database.reading() as session:
            cycle = cycles.find(session, self.agency, self.year)
            assert cycle is not None
            cases = session.scalars(select(Appraisal).filter_by(cycle_id=cycle.id)).all()
            return Summary(
                self.agency, self.year, Counter(case.state.value for case in cases), acts, self.scanner.tried,
                self.by_scanner, self._runs(), cycle.state is CycleState.CLOSED and all(c.finalized_at for c in cases),
                letters.certificate(session, cycle_id=cycle.id), trail.verify(session, cycle.agency_id),
            )  # fmt: skip

    @staticmethod
    def _runs() -> int:
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
        from prefect.client.schemas.objects import StateType

        done = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED])))
        with get_client(sync_client=True) as client:
            return client.count_flow_runs(flow_run_filter=done)
