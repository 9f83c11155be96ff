"""What never changes once it stands: refused by the database itself, whoever asks.

A later migration that rebuilds one of these tables (on SQLite every `batch_alter_table` does) makes its guards anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, event, text

from models.base import Base

FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"""


@dataclass(frozen=True, slots=True)
class Frozen:
    """Columns of a table that may not change, from the moment that `once` is no longer null."""

    table: str
    columns: Sequence[str]
    once: str = ""
    """Empty: from the first moment on."""
    name: str = "row"
    unless: str = ""
    """SQL over OLD and NEW that lets a change pass."""
    delete: bool = True
    """Whether the row may not be deleted either."""

    def statements(self, dialect: str) -> Iterator[str]:
        since = f"OLD.{self.once} IS NOT NULL" if self.once else "1 = 1"
        changed = " OR ".join(_differs(column, dialect) for column in self.columns)
        passes = f" AND NOT ({self.unless})" if self.unless else ""
        words = f"{self.table}: {self.name} never changes"
        yield _trigger(dialect, f"frozen_{self.table}_{self.name}", "UPDATE", self.table,
                       f"{since} AND ({changed}){passes}", words)  # fmt: skip
        if self.delete:
            yield _trigger(dialect, f"kept_{self.table}_{self.name}", "DELETE", self.table, since, words)


def _differs(column: str, dialect: str) -> str:
    if dialect == "sqlite":
        return f"OLD.{column} IS NOT NEW.{column}"
    return f"CAST(OLD.{column} AS text) IS DISTINCT FROM CAST(NEW.{column} AS text)"  # json has no equality


def _trigger(dialect: str, name: str, on: str, table: str, when: str, words: str) -> str:
    head = f"CREATE TRIGGER {name} BEFORE {on} ON {table} FOR EACH ROW WHEN ({when})"
    if dialect == "sqlite":
        return f"{head} BEGIN SELECT RAISE(ABORT, '{words}'); END"
    return f"{head} EXECUTE FUNCTION refuse_change('{words}')"


def statements(dialect: str, frozen: Sequence[Frozen]) -> Iterator[str]:
    if dialect != "sqlite":
        yield FUNCTION
    for one in frozen:
        yield from one.statements(dialect)


ERASED = "NEW.salt IS NULL AND (NEW.content IS NULL OR CAST(NEW.content AS text) = 'null')"
"""Personal data may be erased from the trail: content and salt together, the chain holds without them."""
PACK = ("pack_name", "pack_version", "pack_sha256")

FROZEN = (
    Frozen("trail_entry", ("id", "chain_id", "seq", "event", "type", "subject", "actor_id", "mandate_id", "at", "prev",
                           "hash")),
    Frozen("trail_entry", ("content", "salt"), name="content", unless=ERASED, delete=False),
    Frozen("checkpoint", ("id", "chain_id", "length", "head", "occasion", "at")),
    Frozen("cycle", ("agency_id", "year", "pack", *PACK), name="pack"),
    Frozen("submission", ("assignment_id", "person_id", "nonce", "body_sha256", "proof", "receipt_no", "summary",
                          "at")),
    Frozen("submission", ("content",), name="content", delete=False),
    Frozen("actual", ("indicator_id", "stage_id", "submission_no", "value", "evidence", "at")),
    Frozen("rating", ("appraisal_id", "number", "role", "official_id", "mandate_id", "result_rating", "skp_score",
                      "behavior_rating", "behavior_score", "innovation", "innovation_evidence", "behavior_notes",
                      "feedback", "recommendation", "at", "locked_at"), once="locked_at"),
    Frozen("result", ("appraisal_id", "rating_id", "predicate", "score", "why", *PACK, "derived_at")),
    Frozen("objection_statement", ("objection_id", "role", "outcome", "text", "by_id", "at")),
    Frozen("objection", ("result_id", "state", "reasons", "outcome", "decision_reasons", "decided_by_id", "decided_at"),
           once="decided_at", name="decision"),
    Frozen("audit_plan", ("cycle_id", "attempt", "settings", "plan", "plan_sha256", "roster", "roster_sha256",
                          "merkle_root", "population", "reconciliation", "frozen_at"), once="frozen_at", name="frame"),
    Frozen("audit_plan", ("published_at", "published_where"), once="published_at", name="notice", delete=False),
    Frozen("audit_plan", ("seed", "seed_minutes", "seed_recorded_at"), once="seed", name="seed", delete=False),
    Frozen("audit_plan", ("annulled_at", "annulled_reason"), once="annulled_at", name="annulment", delete=False),
    Frozen("audit_plan", ("statement", "closed_at"), once="closed_at", name="statement", delete=False),
    Frozen("audit_frame_item", ("plan_id", "appraisal_id", "code", "stratum", "reasons", "rating_id", "commitment",
                                "salt")),
    Frozen("audit_draw", ("plan_id", "stage_no", "draw_key", "draw_sha256", "drawn_at")),
    Frozen("audit_draw_item", ("draw_id", "arm", "rank", "frame_item_id", "ticket")),
    Frozen("examination", ("item_id", "reader", "auditor_id", "no_conflict_declared", "result_rating",
                           "behavior_rating", "score", "evidence_ok", "procedure_ok", "text", "locked_at"),
           once="locked_at"),
    Frozen("audit_evaluation", ("plan_id", "stage_no", "attribute", "examined", "deviations", "voids", "upper_bound",
                                "decision", "at")),
)  # fmt: skip


@event.listens_for(Base.metadata, "after_create")
def _guard(_metadata: MetaData, connection: Connection, **_more: Any) -> None:
    for statement in statements(connection.dialect.name, FROZEN):
        connection.execute(text(statement))
