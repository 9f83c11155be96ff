"""Adding to the trail, and recomputing it."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.store.bulk import insert_new
from models import Chain, Checkpoint, TrailEntry
from rules.proof.chain import ZERO, canonical_json, chain_hash, commitment


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, perhaps on a mandate; neither means the clock, under the policy pack."""

    person_id: int | None = None
    mandate_id: int | None = None


CLOCK = Actor()


def record(
    session: Session,
    agency_id: int,
    type: str,
    subject: str,
    *,
    at: datetime,
    actor: Actor = CLOCK,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    why: str = "",
) -> TrailEntry:
    """Chain one change. The chain's head stays locked to the end of the transaction, so call it last."""
    at = at.astimezone(UTC)
    chain = _lock_chain(session, agency_id)
    content = {"before": dict(before or {}), "after": dict(after or {}), "why": why}
    salt = secrets.token_bytes(16)
    event = {
        "seq": chain.length + 1,
        "type": type,
        "at": at.isoformat(),
        "actor": actor.person_id,
        "mandate": actor.mandate_id,
        "subject": subject,
        "commitment": commitment(salt, content),
    }
    entry = TrailEntry(
        chain_id=chain.id, seq=chain.length + 1, event=canonical_json(event).decode(), type=type, subject=subject,
        actor_id=actor.person_id, mandate_id=actor.mandate_id, at=at, content=content, salt=salt, prev=chain.head,
        hash=chain_hash(chain.head, event),
    )  # fmt: skip
    session.add(entry)
    chain.length, chain.head = entry.seq, entry.hash
    session.flush()
    return entry


def checkpoint(session: Session, agency_id: int, occasion: str, *, at: datetime) -> Checkpoint | None:
    """Keep the head of the chain as of now; the same length twice is the same checkpoint."""
    chain = _lock_chain(session, agency_id)
    row = {"chain_id": chain.id, "length": chain.length, "head": chain.head, "occasion": occasion, "at": at}
    insert_new(session, Checkpoint, [row])
    return session.scalar(select(Checkpoint).filter_by(chain_id=chain.id, length=chain.length))


def _lock_chain(session: Session, agency_id: int) -> Chain:
    find = select(Chain).filter_by(agency_id=agency_id).with_for_update().execution_options(populate_existing=True)
    session.flush()
    if (chain := session.scalar(find)) is None:
        insert_new(session, Chain, [{"agency_id": agency_id, "length": 0, "head": ZERO}])
        chain = session.scalars(find).one()
    return chain


def _wrong(entry: TrailEntry) -> list[str]:
    """What of one entry does not hold together; an erased one has neither content nor salt."""
    try:
        event = json.loads(entry.event)
        chained = canonical_json(event).decode() == entry.event and chain_hash(entry.prev, event) == entry.hash
        columns = (entry.seq, entry.type, entry.subject, entry.actor_id, entry.mandate_id, entry.at.isoformat()) == (
            event["seq"], event["type"], event["subject"], event["actor"], event["mandate"], event["at"],
        )  # fmt: skip
        erased = entry.salt is None and entry.content is None
        told = erased or commitment(entry.salt or b"", entry.content) == event["commitment"]
    except (ValueError, TypeError, KeyError):
        return ["is not what was written, it cannot even be read"]
    found = [] if chained else ["was changed after it was written"]
    found += [] if columns else ["its columns differ from what was chained"]
    return found + ([] if told else ["before, after or why were changed after they were written"])


def verify(session: Session, agency_id: int) -> list[str]:
    """Recompute the agency's chain and say where it breaks; an empty list means it is whole."""
    chain = session.scalar(select(Chain).filter_by(agency_id=agency_id))
    if chain is None:
        return []
    broken: list[str] = []
    prev, length = ZERO, 0
    heads = {0: ZERO}
    entries = select(TrailEntry).filter_by(chain_id=chain.id).order_by(TrailEntry.seq)
    for entry in session.scalars(entries.execution_options(yield_per=1000)):
        length += 1
        if entry.seq != length:
            broken.append(f"entry {entry.seq}: {length} was expected, an entry is missing or doubled")
            length = entry.seq
        if entry.prev != prev:
            broken.append(f"entry {entry.seq}: does not follow the entry before it")
        broken += [f"entry {entry.seq}: {wrong}" for wrong in _wrong(entry)]
        prev = heads[length] = entry.hash
    if (length, prev) != (chain.length, chain.head):
        broken.append(f"the chain ends at {length}, its head says {chain.length}: the end was cut or rewritten")
    for kept in session.scalars(select(Checkpoint).filter_by(chain_id=chain.id)):
        if heads.get(kept.length) != kept.head:
            broken.append(f"checkpoint {kept.occasion} at {kept.length} does not match the chain")
    return broken
