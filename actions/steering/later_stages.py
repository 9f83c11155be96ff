"""The stages after one that ends later: moved along, or refused where they would be left without the time they need."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.duties.invitations import invite
from actions.line.deadlines import Deadlines
from actions.mail import letters
from actions.mail.letters import wave_of
from actions.steering.preview import Said, SteeringRefused, stage_name
from actions.store import trail
from models import Assignment, Cycle, Letter, Stage
from notifications.words import WEEKDAYS
from rules.pack.pack import Pack
from rules.terms import AssignmentState, Locale, StageKind, StageState
from rules.time.calendar import Calendar
from rules.time.following import Dates, follow, starved
from rules.time.reminders import occasions
from rules.time.stages import OVER


@dataclass(frozen=True, slots=True)
class MovedStage:
    """A later stage with its dates before and after, in days of the agency."""

    stage: Stage
    before: Dates
    after: Dates
    reminders: int
    """Reminder days that move along."""
    told: Sequence[int]
    """People with a duty in it whose date moves: they get a letter."""
    letters: int
    """Letters that wait to be sent, and may be sent as much later."""

    @property
    def dates(self) -> dict[str, list[str]]:
        """Each date before and after."""
        return {
            name: [getattr(self.before, name).isoformat(), getattr(self.after, name).isoformat()]
            for name in ("opens", "due", "closes")
        }


def dates_of(session: Session, cycle: Cycle, calendar: Calendar) -> dict[StageKind, Dates]:
    """The six stages in days of the agency; one that has more time for somebody ends with the last of them."""
    found = {}
    for stage in session.scalars(select(Stage).filter_by(cycle_id=cycle.id)):
        opens, due, closes = map(calendar.local_date, (stage.opens_at, stage.due_at, stage.closes_at))
        found[stage.kind] = Dates(
            opens, due, closes, begun=stage.state is not StageState.PLANNED, over=stage.state in OVER
        )
    return found


def last_day(deadlines: Deadlines, calendar: Calendar) -> date:
    """The day on which a stage ends for the last of those who have more time."""
    return calendar.local_date(
        max([deadlines.stage.closes_at, *deadlines.by_person.values(), *deadlines.by_unit.values()])
    )


def that_move(
    session: Session, cycle: Cycle, kind: StageKind, was: date, ends: date, calendar: Calendar, *, whole: bool
) -> list[MovedStage]:
    """What the later stages do when one ends on `ends` instead of on `was`."""
    pack = Pack.model_validate_json(cycle.pack)
    before = dates_of(session, cycle, calendar)
    after = follow(before, kind, was, ends, pack.leasts, whole=whole)
    stages = {stage.kind: stage for stage in session.scalars(select(Stage).filter_by(cycle_id=cycle.id))}
    return [
        MovedStage(stages[one], before[one], dates, _reminders(before[one], pack, calendar),
                   _with_duties(session, stages[one]), _waiting(session, stages[one]))
        for one, dates in after.items()
    ]  # fmt: skip


def _reminders(dates: Dates, pack: Pack, calendar: Calendar) -> int:
    listed = occasions(dates.due, pack.reminder_offsets, calendar, pack.escalation)
    return sum(dates.opens < one.on <= dates.closes for one in listed)


def _with_duties(session: Session, stage: Stage) -> Sequence[int]:
    query = select(Assignment.person_id).where(
        Assignment.stage_id == stage.id, Assignment.state == AssignmentState.OPEN, Assignment.optional.is_(False),
        Assignment.due_at.is_(None),
    )  # fmt: skip
    return session.scalars(query.distinct().order_by(Assignment.person_id)).all()


def _waiting(session: Session, stage: Stage) -> int:
    query = select(func.count()).select_from(Letter).where(
        Letter.stage_id == stage.id, Letter.state.in_(letters.UNSENT), Letter.not_after.is_not(None)
    )  # fmt: skip
    return session.scalar(query) or 0


def refuse_starving(session: Session, cycle: Cycle, kind: StageKind, ends: date, calendar: Calendar) -> None:
    """Refuse to keep the later stages where they are if one of them would be left with less than it needs."""
    pack = Pack.model_validate_json(cycle.pack)
    if not (short := starved(dates_of(session, cycle, calendar), kind, ends, pack.leasts)):
        return
    said = [(stage_name(one.kind), one) for one in short]
    raise SteeringRefused(
        "Tahap berikutnya tidak dapat tetap pada tanggalnya: "
        + "; ".join(f"{name.id} tinggal {one.left} hari, paling sedikit {one.needed} hari" for name, one in said)
        + ". Pengelola Kinerja memilih tanggal yang lebih awal atau membiarkan tahap itu ikut mundur.",
        "The later stages cannot keep their dates: "
        + "; ".join(f"{name.en} would have {one.left} days and needs at least {one.needed}" for name, one in said)
        + ". HR names an earlier day, or lets them move along (without --keep-later).",
    )


def said_of(moved: Iterable[MovedStage]) -> Iterator[Said]:
    """Each later stage with its dates, and what hangs on them."""
    for one in moved:
        name, old, new = stage_name(one.stage.kind), one.before, one.after
        opens = Said("", "")
        if new.opens != old.opens:
            opens = Said(f"dibuka {old.opens:%d-%m-%Y} → {new.opens:%d-%m-%Y}, ", f"opens {old.opens} → {new.opens}, ")
        hangs = _hanging(one)
        yield Said(
            f"Tahap {name.id} ikut mundur: {opens.id}batas waktu {old.due:%d-%m-%Y} → {new.due:%d-%m-%Y}, "
            f"ditutup {old.closes:%d-%m-%Y} → {new.closes:%d-%m-%Y}{hangs.id}.",
            f"{name.en} moves along: {opens.en}due {old.due} → {new.due}, closes {old.closes} → {new.closes}"
            f"{hangs.en}.",
        )


def _hanging(one: MovedStage) -> Said:
    counted = (
        (one.reminders, "hari pengingat", "reminder days"),
        (one.letters, "surat yang menunggu", "waiting letters"),
        (len(one.told), "orang diberi tahu", "people are told"),
    )
    listed = [(count, id, en) for count, id, en in counted if count]
    if not listed:
        return Said("", "")
    return Said(
        "; ikut bergeser: " + ", ".join(f"{count} {id}" for count, id, _ in listed),
        "; with it: " + ", ".join(f"{count} {en}" for count, _, en in listed),
    )


def days_off(calendar: Calendar, days: Mapping[Said, date]) -> Iterator[Said]:
    """A warning for each date that falls on a day off, as `cycle plan` gives it."""
    for what, day in days.items():
        if not calendar.is_working_day(day):
            holiday, following = calendar.holidays.get(day), calendar.next_working_day(day)
            why = {locale: holiday or WEEKDAYS[locale][day.weekday()] for locale in Locale}
            yield Said(
                f"{what.id} {day:%d-%m-%Y} jatuh pada hari libur ({why[Locale.ID]}); hari kerja "
                f"berikutnya {following:%d-%m-%Y}.",
                f"{what.en} {day} is a day off ({why[Locale.EN]}); the next working day is {following}.",
            )


def dates_off(calendar: Calendar, moved: Iterable[MovedStage]) -> Iterator[Said]:
    """The warnings for the days on which later stages open, and on which they are due."""
    for one in moved:
        name = stage_name(one.stage.kind)
        days = {Said(f"Batas waktu tahap {name.id}", f"The deadline of {name.en}"): one.after.due}
        if one.after.opens != one.before.opens:
            days[Said(f"Pembukaan tahap {name.id}", f"The opening of {name.en}")] = one.after.opens
        yield from days_off(calendar, days)


def move(
    session: Session, cycle: Cycle, moved: Iterable[MovedStage], calendar: Calendar, *, at: datetime, by: int | None,
    decree: str, reason: str, occasion: str,
) -> None:  # fmt: skip
    """Give the later stages their new dates, and tell who owes something in them."""
    for one in moved:
        stage, old_due = one.stage, one.stage.due_at
        if one.after.opens != one.before.opens:
            stage.opens_at = calendar.start_of_day(one.after.opens)
        stage.due_at = calendar.end_of_day(one.after.due)
        stage.closes_at = calendar.end_of_day(one.after.closes)
        stage.revision += 1
        session.flush()
        letters.keep_useful(session, stage.id, stage.closes_at)
        if one.told:
            more = {"old_due": old_due.isoformat(), "due": stage.due_at.isoformat(), "decree": decree, "reason": reason}
            wave = wave_of(session, f"deadline_moved:{occasion}.{stage.id}", cycle.id, stage.id, at=at)
            invite(session, stage, one.told, kind="deadline_moved", occasion=occasion, at=at, wave=wave, more=more)
        trail.record(session, cycle.agency_id, "stage.moved_along", f"stage:{stage.id}", at=at, actor=trail.Actor(by),
                     after=one.dates | {"revision": stage.revision}, why=f"{decree}: {reason}")  # fmt: skip
