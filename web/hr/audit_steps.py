"""The audit's ceremony as HR reads it: each step, whether it was taken, and the command for this very cycle."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.audit.progress import AuditProgress
from models import AuditPlan
from rules.terms import Locale
from web.texts import say


@dataclass(frozen=True, slots=True)
class AuditStep:
    name: str
    command: str
    done_at: datetime | None = None
    next: bool = False
    """The first that was not taken."""


def audit_steps(agency: str, year: int, progress: AuditProgress, locale: Locale) -> Sequence[AuditStep]:
    """The steps in their order; what only people can know stands in capitals."""
    plan = progress.plan
    of = f"{shlex.quote(agency)} {year}"
    stage = f" --stage {progress.stage}"
    seed = shlex.quote(plan.seed) if plan is not None and plan.seed else say(locale, "hr.audit.digits")
    where, minutes = (shlex.quote(say(locale, f"hr.audit.{name}")) for name in ("where", "minutes"))
    folder = say(locale, "hr.audit.folder")
    commands = {
        "plan": f"plan {of}",
        "freeze": f"freeze {of} --to {folder}",
        "publish": f"publish {of} --where {where}",
        "seed": f"seed {of} {seed} --minutes {minutes}",
        "draw": f"draw {of}{stage}",
        "verify": f"verify {folder}/roster.csv {folder}/plan.json {seed}{stage}",
        "evaluate": f"evaluate {of}{stage}",
    }
    done = _done(plan, progress)
    open_ = next((name for name in done if done[name] is None), "")
    return [AuditStep(name, f"appraisal audit {command}", done.get(name), next=name == open_)
            for name, command in commands.items()]  # fmt: skip


def _done(plan: AuditPlan | None, progress: AuditProgress) -> dict[str, datetime | None]:
    """When each step that leaves a trace was taken; to look and to verify leave none."""
    frozen, published, seeded = (plan.frozen_at, plan.published_at, plan.seed_recorded_at) if plan else (None,) * 3
    return {"freeze": frozen, "publish": published, "seed": seeded, "draw": progress.drawn_at,
            "evaluate": progress.evaluated_at}  # fmt: skip
