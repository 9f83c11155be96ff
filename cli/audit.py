"""`appraisal audit`: the audit stage, step by step, and the verification that anybody can repeat."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.language import say
from cli.words import worded

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from models import Cycle

app = typer.Typer(no_args_is_help=True, add_completion=False)
AsJson = Annotated[bool, typer.Option("--json")]


@app.callback()
def _group() -> None:
    """The audit, in the order that makes it trustworthy: freeze, publish, seed, draw, evaluate."""


@app.command()
def verify(
    roster: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    plan: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    seed: str,
    stage: Annotated[int, typer.Option(min=1)] = 1,
    as_json: AsJson = False,
) -> None:
    """Draw again from the published files and the seed, and print what the stand-alone verifier prints."""
    from rules.audit.draw import draw, report_lines

    drawn = draw(roster.read_bytes(), plan.read_bytes(), seed, stage)
    if as_json:
        items = [{"arm": i.arm, "rank": i.rank, "id": i.id, "ticket": i.ticket} for i in drawn.items]
        typer.echo(json.dumps({
            "roster_sha256": drawn.roster_sha256, "plan_sha256": drawn.plan_sha256, "draw_key": drawn.draw_key,
            "draw_sha256": drawn.draw_sha256, "items": items,
        }))  # fmt: skip
        return
    for line in report_lines(drawn):
        typer.echo(line)


@app.command("plan")
def show_plan(agency: str, year: int, as_json: AsJson = False) -> None:
    """What the policy pack declares, and the sizes that follow for as many locked ratings as there are now."""
    from sqlalchemy import func, select

    from actions.audit import ceremony
    from models import Appraisal, RatingRecord
    from rules.audit.sampling import false_accept_risk
    from rules.pack.pack import Pack

    def look(session: "Session", cycle: "Cycle", _at: "datetime") -> dict[str, Any]:
        locked = select(func.count(RatingRecord.appraisal_id.distinct())).join(
            Appraisal, Appraisal.id == RatingRecord.appraisal_id
        )
        size = session.scalar(locked.where(Appraisal.cycle_id == cycle.id, RatingRecord.locked_at.is_not(None))) or 0
        pack = Pack.model_validate_json(cycle.pack)
        found: dict[str, Any] = {"locked_ratings": size, "settings": pack.audit.model_dump(mode="json")}
        if size:
            rungs = ceremony.ladder_of(size, pack)
            found["stages"] = [{"examined": step.n, "accepts_up_to": step.c} for step in rungs.steps]
            risk = false_accept_risk(rungs.steps, size, pack.audit.tolerable)
            found["false_accept_risk"] = f"{float(risk):.4f}"
        return found

    _answer(agency, year, look, as_json, write=False)


@app.command()
def freeze(agency: str, year: int, to: Annotated[Path | None, typer.Option()] = None, as_json: AsJson = False) -> None:
    """Freeze plan and frame; `--to DIR` writes roster.csv and plan.json as they are hashed."""
    from actions.audit import ceremony

    def act(session: "Session", cycle: "Cycle", at: "datetime") -> dict[str, Any]:
        plan = ceremony.freeze(session, cycle, at=at)
        if plan is None:
            return {"audit": say(
                "paket kebijakan siklus ini tidak memakai audit",
                "the policy pack of this cycle has the audit switched off",
            )}  # fmt: skip
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            (to / "roster.csv").write_bytes(plan.roster or b"")
            (to / "plan.json").write_bytes(plan.plan or b"")
        return {"roster_sha256": plan.roster_sha256, "plan_sha256": plan.plan_sha256, "merkle_root": plan.merkle_root,
                "population": plan.population, "frozen_at": str(plan.frozen_at)}  # fmt: skip

    _answer(agency, year, act, as_json)


@app.command()
def publish(
    agency: str, year: int, where: Annotated[str, typer.Option(help="Notice page, letter number, holders.")],
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record where hashes, root and size were published outside this database; from here the wait runs."""
    from actions.audit import ceremony

    def act(session: "Session", cycle: "Cycle", at: "datetime") -> dict[str, Any]:
        plan = ceremony.publish(session, cycle, where, at=at)
        return {"published_at": str(plan.published_at), "where": plan.published_where}

    _answer(agency, year, act, as_json)


@app.command()
def seed(
    agency: str, year: int, digits: Annotated[str, typer.Argument(help="As rolled; leading zeros count.")],
    minutes: Annotated[str, typer.Option(help="Reference of the signed minutes, with the witnesses.")],
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record the seed that was rolled in public, once."""
    from actions.audit import ceremony

    def act(session: "Session", cycle: "Cycle", at: "datetime") -> dict[str, Any]:
        plan = ceremony.record_seed(session, cycle, digits, minutes, at=at)
        return {"seed": plan.seed, "recorded_at": str(plan.seed_recorded_at)}

    _answer(agency, year, act, as_json)


@app.command()
def draw(agency: str, year: int, stage: int = 1, as_json: AsJson = False) -> None:
    """Draw a stage of the sample and give it to examiners without a conflict; the same stage again changes nothing."""
    from actions.audit import ceremony

    def act(session: "Session", cycle: "Cycle", at: "datetime") -> dict[str, Any]:
        row = ceremony.draw(session, cycle, stage, at=at)
        return {"stage": row.stage_no, "draw_key": row.draw_key, "draw_sha256": row.draw_sha256}

    _answer(agency, year, act, as_json)


@app.command()
def evaluate(agency: str, year: int, stage: int = 1, as_json: AsJson = False) -> None:
    """Evaluate a stage whose items are all concluded."""
    from actions.audit import ceremony, evaluation

    def act(session: "Session", cycle: "Cycle", at: "datetime") -> dict[str, Any]:
        if ceremony.ready(session, cycle, at=at)[1] not in (0, stage) or not _concluded(session, cycle):
            raise ceremony.AuditRefused(say(
                "Butir tahap ini masih terbuka: pemeriksa dan penilai menyelesaikannya dahulu.",
                "Items of this stage are still open: examiners and raters finish them first.",
            ))  # fmt: skip
        return {"stage": stage, "decision": evaluation.evaluate(session, cycle, stage, at=at).value}

    _answer(agency, year, act, as_json)


def _concluded(session: "Session", cycle: "Cycle") -> bool:
    from sqlalchemy import select

    from actions.audit import ceremony
    from models import AuditItem

    plan = ceremony.need_plan(session, cycle.id)
    left = select(AuditItem.id).where(AuditItem.plan_id == plan.id, AuditItem.state.not_in(ceremony.FINISHED))
    return session.scalar(left.limit(1)) is None


def _answer(
    agency: str, year: int, ask: Callable[["Session", "Cycle", "datetime"], dict[str, Any]], as_json: bool,
    *, write: bool = True,
) -> None:  # fmt: skip
    """Do it in one transaction on the cycle and print what came of it."""
    import clock
    import database
    from actions.audit import ceremony
    from actions.cycle import cycles

    at = clock.now()
    with database.transaction() if write else database.reading() as session:
        cycle = cycles.find(session, agency, year)
        if cycle is None:
            raise ceremony.AuditRefused(
                say(f"Tidak ada siklus {year} di {agency}.", f"There is no cycle {year} of {agency}.")
            )
        found = ask(session, cycle, at)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        typer.echo(f"{worded(name)}: {json.dumps(value) if isinstance(value, dict | list) else worded(str(value))}")
