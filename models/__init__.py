"""Tables; they know the words of the rules and nothing else of ours."""

from models import frozen as frozen
from models.agency import (
    Absence,
    ActingMandate,
    AddressChange,
    Agency,
    Holiday,
    Person,
    Posting,
    RoleGrant,
    RosterImport,
    Supervision,
    Unit,
)
from models.appraisal import Appraisal, Assignment, Draft, Segment, Submission
from models.audit import (
    AuditDraw,
    AuditDrawItem,
    AuditEvaluation,
    AuditFrameItem,
    AuditItem,
    AuditPlan,
    Examination,
    Finding,
    Recommendation,
)
from models.base import Base
from models.cycle import Cycle, Extension, Stage, StageStep
from models.installation import Installation
from models.lease import Lease
from models.letter import Bucket, Letter, MailAttempt, MailEvent, MailSwitch, Wave
from models.link import ActionLink, Knock, SigninCode, StepCode, Throttle, WebSession
from models.objection import Objection, Statement
from models.plan import Actual, Indicator, Note, Plan, ResultItem
from models.rating import RatingRecord, Result, SelfAssessment, UnitPredicate
from models.trail import Chain, Checkpoint, TrailEntry

__all__ = [
    "Absence",
    "ActingMandate",
    "ActionLink",
    "Actual",
    "AddressChange",
    "Agency",
    "Appraisal",
    "Assignment",
    "AuditDraw",
    "AuditDrawItem",
    "AuditEvaluation",
    "AuditFrameItem",
    "AuditItem",
    "AuditPlan",
    "Base",
    "Bucket",
    "Chain",
    "Checkpoint",
    "Cycle",
    "Draft",
    "Examination",
    "Extension",
    "Finding",
    "Holiday",
    "Indicator",
    "Installation",
    "Knock",
    "Lease",
    "Letter",
    "MailAttempt",
    "MailEvent",
    "MailSwitch",
    "Note",
    "Objection",
    "Person",
    "Plan",
    "Posting",
    "RatingRecord",
    "Recommendation",
    "Result",
    "ResultItem",
    "RoleGrant",
    "RosterImport",
    "Segment",
    "SelfAssessment",
    "SigninCode",
    "Stage",
    "StageStep",
    "Statement",
    "StepCode",
    "Submission",
    "Supervision",
    "Throttle",
    "TrailEntry",
    "Unit",
    "UnitPredicate",
    "Wave",
    "WebSession",
]
