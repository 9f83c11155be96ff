"""The notes of an import made readable: who they are about, what stood there and what will; and who would leave."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import or_, select

from actions.roster.identity import LeaversUnconfirmed
from actions.roster.relations import POSTING, Current, Values
from actions.roster.rows import Taking, in_portions
from models import Person, Posting, Unit
from rules.roster.changes import Change, ChangeKind, in_order
from rules.roster.losses import Loss, losses

MOST_NAMED = 200
"""So many leavers are named in a refusal; the preview names all."""


def note_relations(
    taking: Taking, postings: Mapping[int, Current], wanted: Mapping[int, Values | None],
    superiors: Mapping[int, Current], lines: Mapping[int, Values | None], units: Mapping[str, int],
) -> None:  # fmt: skip
    """Note who moves and who has another superior; whoever is new or back is noted as that."""
    new = taking.new
    codes = {unit: code for code, unit in units.items()}
    before = _unit_codes(taking, {current.values[0] for current in postings.values()} - set(codes)) | codes
    for person in taking.moved:
        if person in new:
            continue
        now, held = wanted[person], postings.get(person)
        if now is None or held is None:
            taking.note(person, ChangeKind.MOVED, "post", held.values[1] if held else "", now[1] if now else "")
            continue
        for cell, was, is_now in zip(POSTING, held.values, now, strict=True):
            if was != is_now:
                name = cell.removesuffix("_id")
                said = (before[was], before[is_now]) if cell == "unit_id" else (_said(was), _said(is_now))
                taking.note(person, ChangeKind.MOVED, name, *said)
    for person in taking.led_anew:
        if person in new:
            continue
        was = superiors[person].values[0] if person in superiors else None
        now = lines[person]
        taking.note(person, ChangeKind.SUPERIOR, "superior", was, now[0] if now else None)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    return str(value or "")


def _unit_codes(taking: Taking, units: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for ids in in_portions(units):
        found |= dict(taking.session.execute(select(Unit.id, Unit.code).where(Unit.id.in_(ids))).tuples().all())
    return found


def changes_of(taking: Taking) -> list[Change]:
    """What happens to whom, by name, in the order in which people look for somebody."""
    named = {note.person for note in taking.notes}
    named |= {side for note in taking.notes for side in (note.before, note.after) if isinstance(side, int)}
    people = _people(taking, named)

    def said(side: str | int | None) -> str:
        return people[side][1] if isinstance(side, int) else side or ""

    return in_order(
        Change(note.kind, *people[note.person], note.cell, said(note.before), said(note.after)) for note in taking.notes
    )


def _people(taking: Taking, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Person -> NIP and name."""
    found: dict[int, tuple[str, str]] = {}
    for portion in in_portions(ids):
        query = select(Person.id, Person.nip, Person.name).where(Person.id.in_(portion))
        found |= {person: (nip, name) for person, nip, name in taking.session.execute(query)}
    return found


def losses_of(taking: Taking) -> list[Loss]:
    """Parts of the agency that would lose more than is likely, by those who sit there the day before."""
    if taking.since is None or not taking.leavers:
        return []
    query = (
        select(Posting.person_id, Unit.name)
        .join(Unit, Unit.id == Posting.unit_id)
        .where(Unit.agency_id == taking.agency.id, Posting.from_on <= taking.as_of,
               or_(Posting.to_on.is_(None), Posting.to_on >= taking.as_of))
    )  # fmt: skip
    units = dict(taking.session.execute(query).tuples().all())
    leaving = Counter(units[person] for person in taking.leavers if person in units)
    new = set(taking.added)
    serving = Counter(unit for person, unit in units.items() if person not in new)
    return losses(serving, leaving)


def unconfirmed(taking: Taking, found: list[Loss]) -> LeaversUnconfirmed:
    """The refusal that names who would leave, and how it is confirmed."""
    people = sorted(_people(taking, taking.leavers).values(), key=lambda each: each[1])
    names = [f"  {name} ({nip})" for nip, name in people[:MOST_NAMED]]
    if len(people) > MOST_NAMED:
        names.append(f"  ... +{len(people) - MOST_NAMED}")
    parts = [
        f"  {loss.unit or taking.agency.name}: {loss.leaving} / {loss.serving}" for loss in found
    ]  # fmt: skip
    text = "\n".join([
        f"{taking.agency.code}: {len(people)} orang akan keluar; berkas ini mungkin tidak lengkap. Pengelola Kinerja "
        "melengkapi berkas, atau bila memang benar mengonfirmasi dengan --confirm-leavers. / "
        f"{len(people)} people would leave; the file may be partial. HR completes it or, if it is meant, confirms "
        "with --confirm-leavers.",
        *parts, *names,
    ])  # fmt: skip
    return LeaversUnconfirmed(text, found, len(people))
