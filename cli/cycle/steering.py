"""`appraisal cycle extend|reopen|reassign|delegate|address`: steering, each with a preview of whom it touches."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.language import say
from cli.words import possible_year

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from actions.steering import Preview
    from models import Cycle

LISTED = 20
Agency = Annotated[str, typer.Argument(metavar="AGENCY", help="Code of the agency.")]
Year = Annotated[int, typer.Option(callback=possible_year, help="Year of the cycle.")]
Stage = Annotated[str, typer.Option(help="target_setting, ..., or as HR calls it: keberatan.")]
Unit = Annotated[str, typer.Option(help="Code of a unit: it and all below.")]
Person = Annotated[str, typer.Option(help="NIP of one person.")]
Decree = Annotated[str, typer.Option(help="Number of the decree.")]
Reason = Annotated[str, typer.Option(help="Why; kept on the trail.")]
By = Annotated[str, typer.Option(help="NIP of who orders it, for the trail.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")]
KeepLater = Annotated[
    bool, typer.Option("--keep-later", help="Leave the later stages where they are; refused if one would be too short.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]
Act = Callable[["Session", "Cycle | None", "_Names", bool], "Preview"]


def register(app: typer.Typer) -> None:
    """Add the commands to `appraisal cycle`."""
    for command in (extend, reopen, reassign, delegate):
        app.command()(command)
    app.command("address")(correct_address)
    app.command("renew-links")(renew_links)


def extend(
    agency: Agency, year: Year, stage: Stage, until: Day, decree: Decree, reason: Reason, unit: Unit = "",
    person: Person = "", by: By = "", keep_later: KeepLater = False, yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Give more time, until the end of a day: the whole stage, a unit with all below, or one person; late as well.

    The later stages move along, and the preview says how.
    """
    from actions import steering
    from cli.words import stage_called

    kind = stage_called(stage)

    def act(session: "Session", cycle: "Cycle | None", names: _Names, preview: bool) -> "Preview":
        assert cycle is not None
        return steering.extend(
            session, cycle, kind, until.date(), decree_no=decree, reason=reason, unit=names.unit(unit),
            person=names.person(person), at=names.at, by=names.person(by), keep_later=keep_later, preview=preview,
        )  # fmt: skip

    _steer(agency, year, act, yes=yes, as_json=as_json)


def reopen(
    agency: Agency, year: Year, stage: Stage, act: Annotated[str, typer.Option(help="Kind of act, such as score.")],
    reason: Reason, unit: Unit = "", person: Person = "", by: By = "", yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Ask again for acts that are done or lapsed: one person's, a unit's, or the whole stage's; history is kept."""
    from actions import steering
    from cli.words import act_called, stage_called

    kind, asked = stage_called(stage), act_called(act)

    def again(session: "Session", cycle: "Cycle | None", names: _Names, preview: bool) -> "Preview":
        assert cycle is not None
        found = steering.acts_done(session, cycle.id, kind, asked, unit=names.unit(unit), person=names.person(person))
        return steering.reopen(
            session, cycle, found, reason=reason, at=names.at, by=names.person(by), preview=preview
        )  # fmt: skip

    _steer(agency, year, again, yes=yes, as_json=as_json)


def reassign(
    agency: Agency, year: Year, to: Annotated[str, typer.Option(help="NIP of the new official.")], reason: Reason,
    employee: Annotated[list[str] | None, typer.Option(help="NIP of an employee; may be repeated.")] = None,
    rater: Annotated[str, typer.Option(help="NIP: all cases this person rates.")] = "",
    role: Annotated[str, typer.Option(help="rater (penilai) or objection_authority (atasan penilai).")] = "rater",
    decree: Decree = "", by: By = "", yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Name another rater or objection authority; open duties move at once."""
    from actions import steering
    from cli.words import role_called

    official = role_called(role)
    if bool(employee) == bool(rater):
        raise typer.BadParameter(
            say("sebutkan --employee (boleh berulang) atau --rater", "name --employee (once or more) or --rater"),
            param_hint="--employee",
        )

    def act(session: "Session", cycle: "Cycle | None", names: _Names, preview: bool) -> "Preview":
        assert cycle is not None
        new, old = names.needed(to, "--to"), names.person(rater)
        cases = steering.cases_rated_by(session, cycle.id, old) if old else names.cases(cycle, employee or [])
        return steering.reassign(
            session, cycle, cases, new, role=official, decree_no=decree, reason=reason, at=names.at,
            by=names.person(by), preview=preview,
        )  # fmt: skip

    _steer(agency, year, act, yes=yes, as_json=as_json)


def delegate(
    agency: Agency, principal: Annotated[str, typer.Option(help="NIP of the official represented.")],
    to: Annotated[str, typer.Option(help="NIP of who acts.")], kind: Annotated[Literal["plt", "plh"], typer.Option()],
    decree: Decree, begins: Day, ends: Day, by: By = "", yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record a mandate (Plt, Plh); duties move when it begins and come back when it ends."""
    from actions import steering
    from rules.terms import ActingKind

    def act(session: "Session", cycle: "Cycle | None", names: _Names, preview: bool) -> "Preview":
        official, acting = names.needed(principal, "--principal"), names.needed(to, "--to")
        return steering.delegate(
            session, official, acting, ActingKind(kind), decree_no=decree, from_on=begins.date(), to_on=ends.date(),
            at=names.at, by=names.person(by), preview=preview,
        )  # fmt: skip

    _steer(agency, None, act, yes=yes, as_json=as_json)


def correct_address(
    agency: Agency, person: Annotated[str, typer.Option(help="NIP.")],
    address: Annotated[str, typer.Option(help="The new address.")], reason: Reason, by: By = "", yes: Yes = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Correct a person's address: links to the old one end, letters that were held go out again."""
    from actions import steering

    def act(session: "Session", cycle: "Cycle | None", names: _Names, preview: bool) -> "Preview":
        who = names.needed(person, "--person")
        return steering.correct_address(
            session, who, address, reason=reason, at=names.at, by=names.person(by), preview=preview
        )

    _steer(agency, None, act, yes=yes, as_json=as_json)


def renew_links(
    agency: Agency, year: Year, reason: Reason,
    made_before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="Only links made before; the same again is safe."),
    ] = None,
    person: Person = "", by: By = "", yes: Yes = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """End the cycle's links at once and mail new ones: after a leak, or when APPRAISAL_SECRET was changed for good."""
    import clock
    from actions import steering
    from actions.steering.renewals import BATCH

    before = made_before or clock.now()
    seen: list[Preview] = []

    def act(session: "Session", cycle: "Cycle | None", names: _Names, preview: bool) -> "Preview":
        assert cycle is not None
        seen.append(
            steering.renew_links(
                session, cycle, made_before=before, reason=reason, at=names.at, by=names.person(by),
                person=names.person(person), limit=None if preview else BATCH, preview=preview,
            )
        )  # fmt: skip
        return seen[-1]

    while _run(agency, year, act, yes=yes).counts["links"] and yes:
        pass  # a portion to a transaction
    people = [touched for preview in seen for touched in preview.people]
    counts = {name: sum(preview.counts[name] for preview in seen) for name in seen[0].counts}
    _show(replace(seen[0], people=people, counts=counts), yes=yes, as_json=as_json)


class _Names:
    """Finds people by NIP and units by code within one agency; an unknown one is refused by name."""

    def __init__(self, session: "Session", agency_id: int, at: datetime) -> None:
        self.session, self.agency_id, self.at = session, agency_id, at

    def person(self, nip: str) -> int | None:
        from models import Person

        return self._find(Person, "nip", nip.strip(), "NIP", "pegawai") if nip else None

    def needed(self, nip: str, option: str) -> int:
        if (found := self.person(nip)) is None:
            raise typer.BadParameter(
                say("isi dengan NIP pegawai yang ada dalam daftar", "name the NIP of somebody on the roster"),
                param_hint=option,
            )
        return found

    def unit(self, code: str) -> int | None:
        from models import Unit

        return self._find(Unit, "code", code, "unit", "unit") if code else None

    def _find(self, table: Any, column: str, value: str, what: str, id_word: str) -> int:
        from sqlalchemy import select

        from actions.steering import SteeringRefused

        query = select(table.id).filter_by(agency_id=self.agency_id, **{column: value})
        if (found := self.session.scalar(query)) is None:
            raise SteeringRefused(
                f"Tidak ada {id_word} {value} dalam daftar pegawai.", f"No {what} {value} on the roster: HR checks it."
            )
        return found

    def cases(self, cycle: "Cycle", nips: list[str]) -> list[int]:
        from sqlalchemy import select

        from actions.steering import SteeringRefused
        from models import Appraisal

        found = []
        for nip in nips:
            query = select(Appraisal.id).filter_by(cycle_id=cycle.id, employee_id=self.needed(nip, "--employee"))
            if (case := self.session.scalar(query)) is None:
                raise SteeringRefused(f"{nip} tidak dinilai pada siklus ini.", f"{nip} has no appraisal in this cycle.")
            found.append(case)
        return found


def _steer(agency: str, year: int | None, act: Act, *, yes: bool, as_json: bool) -> None:
    """Show whom it touches; with --yes do it, in one transaction, and show whom it touched."""
    _show(_run(agency, year, act, yes=yes), yes=yes, as_json=as_json)


def _run(agency: str, year: int | None, act: Act, *, yes: bool) -> "Preview":
    import clock
    import database

    at = clock.now()
    with database.transaction() if yes else database.reading() as session:
        owner, cycle = _found(session, agency, year)
        return act(session, cycle, _Names(session, owner, at), not yes)


def _found(session: "Session", agency: str, year: int | None) -> "tuple[int, Cycle | None]":
    from sqlalchemy import select

    from actions.cycle import cycles
    from actions.steering import SteeringRefused
    from models import Agency as AgencyRow

    owner = session.scalar(select(AgencyRow.id).filter_by(code=agency))
    cycle = cycles.find(session, agency, year) if year is not None else None
    if owner is None or (cycle is None and year is not None):
        raise SteeringRefused(
            f"Tidak ada siklus {year or ''} untuk {agency}.",
            f"There is no cycle {year or ''} of {agency}: see `appraisal cycle status`.",
        )
    return owner, cycle


def _show(seen: "Preview", *, yes: bool, as_json: bool) -> None:
    if as_json:
        people = [
            {"id": touch.person_id, "name": touch.name, "nip": touch.nip, "unit": touch.unit, "how": touch.how}
            for touch in seen.people
        ]
        notes = [note.en for note in seen.notes]
        report = {"action": seen.action, "done": yes, "counts": dict(seen.counts), "notes": notes, "people": people,
                  "stages": {kind: dict(dates) for kind, dates in seen.stages.items()}}  # fmt: skip
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    from cli.words import worded

    touched = len({touch.person_id for touch in seen.people})
    counts = ", ".join(f"{count} {worded(name)}" for name, count in seen.counts.items())
    if yes:
        typer.echo(say(f"{touched} orang terkena: {counts}", f"Touched {touched} people: {counts}"))
    else:
        typer.echo(say(f"Akan terkena {touched} orang: {counts}", f"Would touch {touched} people: {counts}"))
    for touch in seen.people[:LISTED]:
        typer.echo(f"  {touch.name}, {touch.nip}, {touch.unit} ({worded(touch.how)})")
    if (rest := len(seen.people) - LISTED) > 0:
        typer.echo(say(f"  dan {rest} lagi; --json mendaftar semuanya", f"  and {rest} more; --json lists all"))
    for note in seen.notes:
        typer.echo(say(note.id, note.en))
    if yes:
        typer.echo(say("Selesai.", "Done."))
    else:
        typer.echo(say("Belum ada yang berubah. Laksanakan dengan --yes.", "Nothing was changed. Do it with --yes."))
