"""Links that leaked, or whose key was dropped: ended at once, and new ones mailed to whoever still owes something."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from actions.duties.invitations import first_kind, invite
from actions.duties.links import ensure_links, kid_of
from actions.steering.preview import Preview, Said, require, touched
from actions.store import trail
from actions.store.bulk import portions
from models import ActionLink, Assignment, Cycle, Letter, Stage
from rules.terms import AssignmentState, LetterState, LinkState, StageState

BATCH = 2000
Desk = tuple[int, int]
"""Person and stage."""


def renew_links(
    session: Session, cycle: Cycle, *, made_before: datetime, reason: str, at: datetime, by: int | None = None,
    person: int | None = None, limit: int | None = None, preview: bool = False,
) -> Preview:  # fmt: skip
    """End the cycle's links made before an instant (one person's, or all) and mail new ones to whoever owes an act.

    Done again with the same instant it touches nobody, so it can go on after a crash and in portions of `limit`.
    Sessions begun with the old links end too; letters that wait to be sent get the new link.
    """
    require(reason=reason)
    query = select(ActionLink.id, ActionLink.person_id, ActionLink.stage_id).join(Stage).where(
        Stage.cycle_id == cycle.id, ActionLink.state == LinkState.ACTIVE, ActionLink.made_at < made_before
    )  # fmt: skip
    if person is not None:
        query = query.where(ActionLink.person_id == person)
    old = {(who, stage): link for link, who, stage in session.execute(query.order_by(ActionLink.id).limit(limit))}
    owing = _owing(session, cycle, {who for who, _ in old}) & old.keys()
    seen = Preview(
        "renew_links", touched(session, [(who, "letter" if (who, stage) in owing else "link") for who, stage in old]),
        {"links": len(old), "letters": len(owing)},
        [Said("Tautan lama dan sesinya berakhir.", "The old links end, and the sessions that they opened.")],
    )  # fmt: skip
    if preview or not old:
        return seen
    _revoke(session, old.values(), reason, at)
    new = _link_again(session, cycle, owing | _waiting(session, old), at)
    _move_letters(session, old, new)
    for stage_id, people in _by_stage(owing).items():
        _invite(session, cycle, session.get_one(Stage, stage_id), people, f"renewed-{made_before:%Y%m%dT%H%M%S}", at)
    trail.record(session, cycle.agency_id, "link.renewed", f"cycle:{cycle.id}", at=at, actor=trail.Actor(by),
                 after=dict(seen.counts) | {"made_before": made_before.isoformat()}, why=reason)  # fmt: skip
    return seen


def _owing(session: Session, cycle: Cycle, people: Iterable[int]) -> set[Desk]:
    found: set[Desk] = set()
    for portion in portions(sorted(people)):
        query = select(Assignment.person_id, Assignment.stage_id).join(Stage).where(
            Stage.cycle_id == cycle.id, Stage.state.in_((StageState.OPENING, StageState.OPEN)),
            Assignment.state == AssignmentState.OPEN, Assignment.person_id.in_(portion),
        )  # fmt: skip
        found |= {(person, stage) for person, stage in session.execute(query.distinct())}
    return found


def _waiting(session: Session, old: dict[Desk, int]) -> set[Desk]:
    """Desks to which a letter leads that has not gone out."""
    desks, found = {link: desk for desk, link in old.items()}, set[Desk]()
    for portion in portions(sorted(desks)):
        query = select(Letter.link_id).where(Letter.link_id.in_(portion), Letter.state.in_(_UNSENT))
        found |= {desks[link] for link in session.scalars(query) if link is not None}
    return found


_UNSENT = (LetterState.QUEUED, LetterState.DEFERRED)


def _revoke(session: Session, links: Iterable[int], reason: str, at: datetime) -> None:
    for portion in portions(sorted(links)):
        ended = update(ActionLink).where(ActionLink.id.in_(portion), ActionLink.state == LinkState.ACTIVE)
        session.execute(ended.values(state=LinkState.REVOKED, revoked_at=at, revoked_reason=f"renewed: {reason}"[:200]))


def _link_again(session: Session, cycle: Cycle, desks: set[Desk], at: datetime) -> dict[Desk, int]:
    made: dict[Desk, int] = {}
    for stage_id, people in _by_stage(desks).items():
        links = ensure_links(session, session.get_one(Stage, stage_id), kid_of(cycle), people, at=at)
        made.update(((person, stage_id), links[person]) for person in people)
    return made


def _move_letters(session: Session, old: dict[Desk, int], new: dict[Desk, int]) -> None:
    """A letter that nobody can have yet is mailed with the new link; one that may have arrived is not told anew."""
    for desk, link in new.items():
        waiting = update(Letter).where(Letter.link_id == old[desk], Letter.state.in_(_UNSENT), Letter.ambiguities == 0)
        session.execute(waiting.values(link_id=link).execution_options(synchronize_session=False))


def _by_stage(desks: Iterable[Desk]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for person, stage in sorted(desks):
        found[stage].append(person)
    return found


def _invite(
    session: Session, cycle: Cycle, stage: Stage, people: Sequence[int], occasion: str, at: datetime
) -> None:  # fmt: skip
    invite(session, stage, people, kind=first_kind(stage), occasion=occasion, at=at)
