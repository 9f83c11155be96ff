"""What never changes"""

from alembic import op

from models.frozen import Frozen, statements

revision = '0002'
down_revision = '0001'

ERASED = "NEW.salt IS NULL AND (NEW.content IS NULL OR CAST(NEW.content AS text) = 'null')"
PACK = ("pack_name", "pack_version", "pack_sha256")

FROZEN = (
    Frozen("trail_entry", ("id", "chain_id", "seq", "event", "type", "subject", "actor_id", "mandate_id", "at", "prev",
                           "hash")),
    Frozen("trail_entry", ("content", "salt"), name="content", unless=ERASED, delete=False),
    Frozen("checkpoint", ("id", "chain_id", "length", "head", "occasion", "at")),
    Frozen("cycle", ("agency_id", "year", "pack", *PACK), name="pack"),
    Frozen("submission", ("assignment_id", "person_id", "nonce", "body_sha256", "proof", "receipt_no", "summary",
                          "at")),
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


def upgrade() -> None:
    for statement in statements(op.get_bind().dialect.name, FROZEN):
        op.execute(statement)
