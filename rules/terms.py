"""The words of the field as enums; stored by value, so a value never changes once a cycle has used it."""

from enum import StrEnum


class StageKind(StrEnum):
    """The six stages of a cycle, in their order."""

    TARGET_SETTING = "target_setting"
    MID_YEAR_REVIEW = "mid_year_review"
    SUPERVISOR_SCORING = "supervisor_scoring"
    OBJECTION_HANDLING = "objection_handling"
    AUDIT_SAMPLING = "audit_sampling"
    FINALIZATION = "finalization"


class StageState(StrEnum):
    PLANNED = "planned"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    SKIPPED = "skipped"
    """The cycle began after it: it was never held, and counts neither as done nor as left."""


class Step(StrEnum):
    """What the clock does to a stage; each is safe to run twice."""

    OPEN = "open"
    REMIND = "remind"
    DEFAULT = "default"
    """Target setting: HR's labelled default plan for whoever has none."""
    LAPSE = "lapse"
    """Clocks of single cases: deemed receipts, silent statements and replies, passed windows."""
    CLOSE = "close"
    ISSUE = "issue"
    FREEZE = "freeze"
    DRAW = "draw"
    EVALUATE = "evaluate"
    FINALIZE = "finalize"


class CycleState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    CLOSED = "closed"


class Role(StrEnum):
    EMPLOYEE = "employee"
    RATER = "rater"
    OBJECTION_AUTHORITY = "objection_authority"
    UNIT_HEAD = "unit_head"
    """Head of the organisation above, who sets the organisation predicate."""
    PERFORMANCE_ADMIN = "performance_admin"
    APPOINTING_AUTHORITY = "appointing_authority"
    AUDITOR = "auditor"
    OPS = "ops"


class ActKind(StrEnum):
    """What a person can owe or do; one file in `actions/acts` and one template each."""

    DRAFT_TARGETS = "draft_targets"
    ESTABLISH_TARGETS = "establish_targets"
    REPORT_PROGRESS = "report_progress"
    GIVE_FEEDBACK = "give_feedback"
    SET_UNIT_PREDICATE = "set_unit_predicate"
    SELF_ASSESS = "self_assess"
    SCORE = "score"
    ACKNOWLEDGE = "acknowledge"
    OBJECT = "object"
    EXPLAIN = "explain"
    DECIDE_OBJECTION = "decide_objection"
    EXAMINE = "examine"
    REPLY_TO_FINDING = "reply_to_finding"
    CONCLUDE_FINDING = "conclude_finding"
    DECIDE_RECOMMENDATION = "decide_recommendation"
    ACCOUNT_FOR = "account_for"
    """HR accounts for an appraisal that ends without a result."""
    OVERRIDE_DISTRIBUTION = "override_distribution"


class AssignmentState(StrEnum):
    OPEN = "open"
    DONE = "done"
    LAPSED = "lapsed"
    """The clock closed it without an act; what follows from that is recorded elsewhere."""
    WITHDRAWN = "withdrawn"
    """No longer owed: replaced, reassigned or made needless."""


class Proof(StrEnum):
    """How sure we must be of the person, by the weight of the act."""

    LINK = "link"
    CODE = "code"


class AppraisalState(StrEnum):
    PLAN_DRAFT = "plan_draft"
    PLAN_SUBMITTED = "plan_submitted"
    PLAN_ESTABLISHED = "plan_established"
    IN_PROGRESS = "in_progress"
    SELF_ASSESSED = "self_assessed"
    RATED = "rated"
    ISSUED = "issued"
    OBJECTED = "objected"
    DECIDED = "decided"
    FINAL = "final"
    EXCLUDED = "excluded"
    NOT_RATABLE = "not_ratable"
    NOT_RATED = "not_rated"
    """The rater stayed silent: nothing is presumed, HR accounts for it."""
    CLOSED_EARLY = "closed_early"


class PlanState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ESTABLISHED = "established"
    SUPERSEDED = "superseded"


class ItemKind(StrEnum):
    MAIN = "main"
    ADDITIONAL = "additional"


class Aspect(StrEnum):
    QUANTITY = "quantity"
    QUALITY = "quality"
    TIME = "time"
    COST = "cost"


class Rating(StrEnum):
    ABOVE = "above"
    MEETS = "meets"
    BELOW = "below"


class BehaviorValue(StrEnum):
    """BerAKHLAK, the seven core values (SE MenPANRB 20/2021)."""

    SERVICE = "service"
    ACCOUNTABLE = "accountable"
    COMPETENT = "competent"
    HARMONIOUS = "harmonious"
    LOYAL = "loyal"
    ADAPTIVE = "adaptive"
    COLLABORATIVE = "collaborative"


class Predicate(StrEnum):
    VERY_GOOD = "very_good"
    GOOD = "good"
    NEEDS_IMPROVEMENT = "needs_improvement"
    SUFFICIENT = "sufficient"
    """Cukup: the middle of PP 30/2019; NEEDS_IMPROVEMENT is the middle of 6/2022."""
    POOR = "poor"
    VERY_POOR = "very_poor"


class OrgPredicate(StrEnum):
    EXCEPTIONAL = "exceptional"
    GOOD = "good"
    NEEDS_IMPROVEMENT = "needs_improvement"
    POOR = "poor"
    VERY_POOR = "very_poor"


class Scheme(StrEnum):
    QUADRANT = "quadrant"
    NUMERIC = "numeric"


class DistributionMode(StrEnum):
    OFF = "off"
    WARN = "warn"
    REQUIRE_OVERRIDE = "require_override"
    BLOCK = "block"


class DayKind(StrEnum):
    CALENDAR = "calendar"
    WORKING = "working"


class EmploymentKind(StrEnum):
    PNS = "pns"
    PPPK = "pppk"
    CPNS = "cpns"
    STATE_OFFICIAL = "state_official"
    """A mayor, a regent: rates and is not rated here, and has no NIP."""


class PostGroup(StrEnum):
    JPT = "jpt"
    JA = "ja"
    JF = "jf"


class ActingKind(StrEnum):
    PLT = "plt"
    """Acting, the post is vacant."""
    PLH = "plh"
    """Acting, the holder is away."""


class AbsenceKind(StrEnum):
    LEAVE = "leave"
    SICK = "sick"
    MATERNITY = "maternity"
    UNPAID = "unpaid"
    STUDY = "study"
    PRE_RETIREMENT = "pre_retirement"
    SUSPENDED = "suspended"


class ReceiptKind(StrEnum):
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    DEEMED = "deemed"


class ObjectionState(StrEnum):
    FILED = "filed"
    UNDER_EXAMINATION = "under_examination"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class ObjectionOutcome(StrEnum):
    KEEP = "keep"
    RAISE = "raise"
    LOWER = "lower"


class StatementOutcome(StrEnum):
    GIVEN = "given"
    REFUSED = "refused"
    SILENT = "silent"


class NoteKind(StrEnum):
    ACTIVITY = "activity"
    FEEDBACK = "feedback"


class Arm(StrEnum):
    ASSURANCE = "A"
    RISK = "B"
    CERTAINTY = "C"


class Stratum(StrEnum):
    CERTAINTY = "C"
    FLAGGED = "E"
    GENERAL = "G"


class AuditItemState(StrEnum):
    DRAWN = "drawn"
    ASSIGNED = "assigned"
    BLIND_SCORED = "blind_scored"
    CONCUR = "concur"
    DISCREPANT = "discrepant"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    RECOMMENDED = "recommended"
    DECIDED = "decided"
    NOT_EXAMINED = "not_examined"
    """Closed by the deadline rule; counts as a deviation."""
    VOID = "void"


class AuditAttribute(StrEnum):
    EVIDENCE = "E"
    PROCEDURE = "P"
    JUDGEMENT = "J"
    FORGERY = "F"


class AuditDecision(StrEnum):
    ACCEPT = "accept"
    EXPAND = "expand"
    NOT_ASSURED = "not_assured"
    ESCALATE = "escalate"


class RecommendationOutcome(StrEnum):
    FOLLOWED = "followed"
    DECLINED = "declined"


class Lane(StrEnum):
    """Urgent first; each has connections of its own."""

    URGENT = "urgent"
    """Codes, sign-in links and receipts."""
    INVITATION = "invitation"
    REMINDER = "reminder"
    DIGEST = "digest"


class LetterState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED_SOFT = "bounced_soft"
    BOUNCED_HARD = "bounced_hard"
    AMBIGUOUS = "ambiguous"
    """Accepted or not, nobody knows: the reply to the final dot was lost."""
    FAILED_PERM = "failed_perm"
    HELD = "held"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class AddressState(StrEnum):
    OK = "ok"
    SOFT = "soft"
    HARD = "hard"
    BLOCKED = "blocked"


class SmtpPhase(StrEnum):
    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    DONE = "done"


class Door(StrEnum):
    """Where somebody asks to be let in."""

    CONSOLE = "console"
    DESK = "desk"


class LinkState(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"


class Severity(StrEnum):
    BLOCKING = "blocking"
    WAIVABLE = "waivable"
    NOTE = "note"


class Locale(StrEnum):
    ID = "id"
    EN = "en"
