"""Running cycles follow the roster: raters and authorities, segments, newcomers, leavers, links to old addresses."""

from collections.abc import Iterable

from sqlalchemy import select

from actions.line.holders import Line, line_on
from actions.roster.filed import NOBODY, Named, reassigned_by_hand
from actions.roster.follow.cases import ENDED, RATED_ABOVE, Case, cases_of, change_segments, posts_of
from actions.roster.follow.duties import move_duties
from actions.roster.follow.newcomers import ask, enroll, renew_links
from actions.roster.follow.service import close_leavers, reopen_returned
from actions.roster.rows import Taking, change_rows, in_portions
from models import Appraisal, Cycle
from rules.roster.changes import ChangeKind
from rules.terms import AppraisalState, CycleState


def follow(taking: Taking) -> None:
    """Let every cycle of the agency that is not closed follow; the line is that of `as_of`."""
    running = select(Cycle).where(Cycle.agency_id == taking.agency.id, Cycle.state != CycleState.CLOSED)
    found = taking.session.scalars(running.order_by(Cycle.id)).all()
    if found and (taking.added or taking.returned or taking.moved or taking.led_anew or taking.leavers):
        line = line_on(taking.session, taking.agency.id, taking.as_of)
        for cycle in found:
            _follow(taking, cycle, line)
    for cycle in found:
        enroll(taking, cycle)
    renew_links(taking)


def _follow(taking: Taking, cycle: Cycle, line: Line) -> None:
    returned, led_anew = set(taking.returned), set(taking.led_anew)
    cases = cases_of(taking, cycle)
    close_leavers(taking, [case for case in cases if case.employee in taking.leavers])
    resumed = reopen_returned(taking, [case for case in cases if case.employee in returned])
    resumed += _include(taking, [case for case in cases if case.employee in led_anew], line)
    cases = [case for case in cases_of(taking, cycle) if case.state not in ENDED]
    changed = _change_lines(taking, cases, line)
    change_segments(taking, cycle, changed)
    now = {case.id: case for case in cases} | {case.id: case for case in changed}
    move_duties(taking, cycle, now, {case.id for case in changed}, line)
    for ids in in_portions(resumed):
        ask(taking, cycle, ids[0], ids[-1])


def _include(taking: Taking, cases: Iterable[Case], line: Line) -> list[int]:
    """Whoever was excluded for want of anybody above them takes part once there is somebody."""
    found = [case.id for case in cases if case.state is AppraisalState.EXCLUDED and case.explanation == RATED_ABOVE
             and line.superior.get(case.employee) is not None]  # fmt: skip
    change_rows(taking.session, Appraisal, [
        {"id": case, "state": AppraisalState.PLAN_DRAFT, "explanation": "", "explained_at": None} for case in found
    ])  # fmt: skip
    taking.counts["appraisals_reopened"] += len(found)
    return found


def _rater(taking: Taking, case: Case, named: Named, line: Line) -> int | None:
    """The superior of the file; whom HR named stays, unless the file names another superior than before."""
    superior = line.superior.get(case.employee)
    stands = named.rater is not None and named.rater == case.rater and case.rater not in taking.leavers
    if not stands or case.employee in taking.superiors_said or superior == case.rater:
        return superior
    taking.note(case.employee, ChangeKind.KEPT, "superior", superior, case.rater)
    return case.rater


def _authority_stands(taking: Taking, case: Case, named: Named, rater: int | None) -> bool:
    ours = named.authority is not None and named.authority == case.authority
    return ours and case.authority not in taking.leavers and case.authority != rater


def _change_lines(taking: Taking, cases: Iterable[Case], line: Line) -> list[Case]:
    """Write the new unit, rater and authority where they changed; returns the cases as they are now."""
    moved, led_anew = set(taking.moved), set(taking.led_anew)
    changed: list[Case] = []
    posts = posts_of(taking, moved)
    by_hand = reassigned_by_hand(taking)
    for case in cases:
        named = by_hand.get(case.id, NOBODY)
        rater = _rater(taking, case, named, line) if case.employee in led_anew else case.rater
        authority = case.authority
        if case.employee in led_anew or case.rater in led_anew or case.authority in taking.leavers:
            holder = line.authority(case.employee, rater)
            authority = holder.person_id if holder else None
            if _authority_stands(taking, case, named, rater) and authority != case.authority:
                taking.note(case.employee, ChangeKind.KEPT, "authority", authority, case.authority)
                authority = case.authority
        unit, _ = posts.get(case.employee, (case.unit, ""))
        new = case._replace(unit=unit, rater=rater, authority=authority)
        if new != case or case.employee in moved:
            changed.append(new)
            if new.rater != case.rater:
                taking.raters.append((case.id, case.rater, new.rater))
    change_rows(taking.session, Appraisal, [
        {"id": case.id, "unit_id": case.unit, "rater_id": case.rater, "authority_id": case.authority}
        for case in changed
    ])  # fmt: skip
    taking.counts["raters_changed"] = len(taking.raters)
    return changed
