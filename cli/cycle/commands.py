"""`appraisal cycle`: plan, launch, watch and steer a yearly cycle."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.cycle import steering
from cli.cycle.prints import bar, plan_data, print_json, print_plan, print_preview, print_status
from cli.language import say, spoken
from cli.roster import imports
from cli.words import possible_year

if TYPE_CHECKING:
    from actions.cycle.launch_checks import Findings
    from actions.cycle.launch_dates import Way

app = typer.Typer(no_args_is_help=True, add_completion=False)
Directory = Annotated[str, typer.Argument(metavar="DIR", help="Folder of an agency, or its name among the agencies.")]
Year = Annotated[int, typer.Option(callback=possible_year, help="Year of the cycle.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Code = Annotated[str, typer.Argument(metavar="AGENCY", help="Code of the agency.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the trail.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask after the preview.")]


@app.callback()
def _group() -> None:
    """Plan, launch and steer a yearly cycle."""


@app.command()
def launch(
    directory: Directory, year: Year,
    via: Annotated[Literal["", "prefect"], typer.Option(help="prefect: let a worker do it.")] = "",
    import_roster: Annotated[bool, typer.Option(help="Take in the roster first.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would happen to whom.")] = False,
    without_held_back: Annotated[str, typer.Option(help="Why to launch without those who are held back.")] = "",
    without_officer: Annotated[str, typer.Option(help="Why to launch without HR officer or PPK.")] = "",
    confirm_leavers: imports.ConfirmLeavers = False,
    same_person: imports.SamePerson = None,
    seen: imports.Seen = "",
    shift: Annotated[bool, typer.Option("--shift", help="Past dates: begin today, move what follows.")] = False,
    begin_at: Annotated[str, typer.Option(help="Past dates: the stage to begin at.")] = "",
    anyway: Annotated[str, typer.Option(help="Past dates: why the calendar stands all the same.")] = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Take in the roster, create the cycle and give everybody an appraisal; again, it changes nothing.

    Exit 2 if it was refused, 1 if it was launched and yet somebody has to look.
    Where dates of the calendar have passed it is refused with the list of them and the ways on.
    """
    from actions.cycle import launching
    from actions.cycle.launch_dates import Way
    from actions.roster.decisions import Decisions, read_pairs
    from cli.words import stage_called

    way = Way(shift, stage_called(begin_at) if begin_at else None, anyway)
    if via == "prefect":
        if without_held_back or without_officer or anyway or same_person:
            raise _not_for_prefect()
        form: dict[str, Any] = {"import_roster": import_roster, "preview": dry_run, "shift": shift}
        form |= {"begin_at": way.begin_at, "confirm_leavers": confirm_leavers, "seen": seen}
        return _launch_via_prefect(directory, year, form, as_json=as_json)
    import clock
    import database

    at = clock.now()
    said = Decisions(confirm_leavers, read_pairs(same_person or ()), seen, without_held_back, without_officer)
    if dry_run:
        return _preview(directory, year, said, way, at, as_json=as_json)
    with bar() as tell:
        made = launching.launch_folder(
            database.transaction, launching.find_folder(directory), year, at=at, import_roster=import_roster,
            progress=lambda what, done, of: tell(f"{say('daftar', 'roster')}: {what}", done, of), said=said, way=way,
        )  # fmt: skip
        added = launching.enroll_all(
            database.transaction,
            made.cycle_id,
            at=at,
            progress=lambda done: tell(say("penilaian", "appraisals"), done, 0),
        )
    with database.reading() as session:
        (told,) = _status(session, made.agency, year, at)
        found = launching.findings(session, made.cycle_id, at=at)
    if as_json:
        counts = {"pack": made.pack, "rows": made.rows, "held_back": made.held_back, "new_appraisals": added}
        attention = [english for _, english in found.sentences()]
        print_json({"again": made.again, **counts, "attention": attention, **told})
        return _look(found)
    already = say("sudah ada", "is there already") if made.again else say("dibuka", "is launched")
    typer.echo(
        f"{made.agency} {year} {already}, "
        + say(
            f"{made.pack}: {made.rows} baris, {made.held_back} tertahan, {added} penilaian baru.",
            f"{made.pack}: {made.rows} rows, {made.held_back} held back, {added} new appraisals.",
        )
    )
    print_status([told])
    return _look(found)


def _preview(directory: str, year: int, said: Any, way: "Way", at: datetime, *, as_json: bool) -> None:
    """List what a launch would do to whom, and what would stop it; exit 1 if something would."""
    import database
    from actions.cycle import launching

    outlook = launching.look_at(database.transaction, launching.find_folder(directory), year, at=at, said=said, way=way)
    if as_json:
        print_json({**outlook.report.as_json(), "stops": outlook.stops})
    else:
        imports.print_report(outlook.report, spoken("id"), as_json=False)
        for stop in outlook.stops:
            typer.echo(stop, err=True)
    if outlook.stops:
        raise typer.Exit(1)


def _look(found: "Findings") -> None:
    """Say what of a launched cycle somebody has to look at; exit 1 if there is something."""
    for indonesian, english in found.sentences():
        typer.echo(say(indonesian, english), err=True)
    if not found.green:
        raise typer.Exit(1)


def _demand_launchable(directory: str, year: int) -> Path:
    """The folder, if the worker will take it. Whoever asks here gets the words of a refusal; Prefect never does."""
    import clock
    from actions.cycle import launching
    from actions.roster.agency_files import read_agency

    folder = launching.find_folder(directory)
    read = read_agency(folder)
    launching.check_year(launching.prepare(read, year), clock.now().astimezone(launching.zone_of(read)).date())
    if folder.resolve() != launching.named_folder(folder.name).resolve():
        raise launching.FolderUnknown([say(
            f"{folder} tidak berada di folder instansi yang dibuka worker: Pengelola Kinerja memindahkannya ke sana",
            f"{folder} is not among the agencies that a worker launches: HR moves it there",
        )])  # fmt: skip
    return folder


def _not_for_prefect() -> typer.BadParameter:
    """Everybody who sees runs reads their parameters: neither reasons nor NIPs go there."""
    return typer.BadParameter(
        say(
            "alasan ditulis di waivers.csv (nip *; kode held_back, role_unfilled atau dates_passed) dan NIP di "
            "nip_corrections.csv di folder instansi, atau luncurkan tanpa --via",
            "reasons stand in waivers.csv (nip *; code held_back, role_unfilled or dates_passed) and NIPs in "
            "nip_corrections.csv of the agency's folder; or launch without --via",
        ),
        param_hint="--via",
    )


def _launch_via_prefect(directory: str, year: int, form: dict[str, Any], *, as_json: bool) -> None:
    """Start the deployment `annual-cycle` and say where to watch it; `form` is what its launch form asks for."""
    import os

    import httpx

    import settings
    from cli import control_plane
    from cli.machine.processes import StartRefused

    folder = _demand_launchable(directory, year)
    ui = settings.load().prefect_ui_url
    api = os.environ.get("PREFECT_API_URL") or f"{ui}/api"
    control_plane.use_as_client(api)
    try:
        httpx.get(f"{api}/health", timeout=5)
    except httpx.HTTPError:
        raise StartRefused(say(
            f"tidak ada server Prefect yang menjawab di {api}: pengelola sistem menjalankannya, atau buka tanpa --via",
            f"no Prefect server answers at {api}: ops start it, or launch without --via",
        )) from None  # fmt: skip
    from prefect.deployments import run_deployment

    parameters = {"agency_dir": folder.name, "year": year, **form}
    run: Any = run_deployment(
        "annual-cycle/default", parameters=parameters, timeout=0, as_subflow=False,
        flow_run_name=f"{folder.name} {year} · launch",
    )  # fmt: skip
    where = f"{ui}/runs/flow-run/{run.id}"
    typer.echo(json.dumps({"run": str(run.id), "url": where}) if as_json else f"{say('Dimulai', 'Started')}: {where}")


@app.command()
def plan(
    directory: Directory, year: Year,
    who: Annotated[bool, typer.Option("--who", help="List every recipient.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show who would get what and when, the load per day and the problems; changes nothing. Exit 1 if any blocks."""
    import tempfile
    from datetime import UTC, datetime

    from actions.cycle import foresight, launching
    from actions.store import schema
    from database import Database

    folder = launching.find_folder(directory)
    with tempfile.TemporaryDirectory(prefix="appraisal-plan-") as scratch, bar() as tell:
        tell(say("merencanakan di basis data sementara", "planning in a throwaway database"), 0, 0)
        db = Database(f"sqlite:///{scratch}/plan.db")
        schema.upgrade(db)
        seen = foresight.foresee(db.transaction, folder, year, at=datetime.now(UTC), locale=spoken())
        db.close()
    print_json(plan_data(seen)) if as_json else print_plan(seen, who=who)
    if any(problem["blocks"] for problem in seen.problems):
        raise typer.Exit(1)


@app.command()
def status(
    agency: Annotated[str, typer.Option(help="Only this agency.")] = "",
    year: Annotated[int, typer.Option(help="Only this year.")] = 0,
    units: Annotated[bool, typer.Option("--units", help="Per unit as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far each cycle is, per stage and per unit."""
    import clock
    import database
    from actions.cycle import cycles

    with database.reading() as session:
        if agency:
            cycles.demand_agency(session, agency)
        told = _status(session, agency, year, clock.now(), units=units or as_json)
    print_json({"cycles": told}) if as_json else print_status(told)


@app.command()
def pause(agency: Code, year: Year, reason: Reason, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop a cycle: nothing opens, reminds, closes or is accepted until it is resumed."""
    from actions.steering.pauses import pause as act

    _steer(act, agency, year, yes=yes, as_json=as_json, reason=reason)


@app.command()
def resume(agency: Code, year: Year, reason: Reason, yes: Yes = False, as_json: AsJson = False) -> None:
    """Go on; dates that lay ahead move by as many days as the cycle stood still."""
    from actions.steering.pauses import resume as act

    _steer(act, agency, year, yes=yes, as_json=as_json, reason=reason)


def _steer(act, agency: str, year: int, *, yes: bool, as_json: bool, **order: Any) -> None:
    """Preview an act of steering, ask, do it in one transaction; refused as the act says."""
    import clock
    import database
    from actions.cycle import cycles
    from actions.cycle.cycles import LaunchRefused

    with database.reading() as session:
        if (cycle := cycles.find(session, agency, year)) is None:
            raise LaunchRefused([say(
                f"tidak ada siklus {year} di {agency}: lihat `appraisal cycle status`",
                f"there is no cycle {year} of {agency}: see `appraisal cycle status`",
            )])  # fmt: skip
        print_preview(act(session, cycle, at=clock.now(), preview=True, **order), as_json=as_json)
    if not yes:
        typer.confirm(say("Laksanakan?", "Do it?"), abort=True, err=True)
    with database.transaction() as session:
        cycle = cycles.find(session, agency, year)
        assert cycle is not None
        act(session, cycle, at=clock.now(), **order)
    if not as_json:
        typer.echo(say("Selesai.", "Done."))


def _status(session, agency: str, year: int, at, *, units: bool = False) -> list[dict[str, Any]]:
    from sqlalchemy import select

    from actions.cycle import progress
    from models import Agency, Cycle

    query = select(Cycle, Agency).join(Agency).order_by(Agency.code, Cycle.year)
    query = query.where(Agency.code == agency) if agency else query
    query = query.where(Cycle.year == year) if year else query
    found = session.execute(query).tuples()
    return [progress.as_data(session, cycle, owner, at=at, units=units) for cycle, owner in found]


steering.register(app)
