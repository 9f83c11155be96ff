"""Refusals that are answers, not bugs: shown as they are, without a traceback."""

from cli.language import say
from cli.sentences import repeated

REFUSALS = frozenset(
    {
        "ActRefused", "AddressRefused", "AgencyFileRefused", "AgencyRefused", "AuditRefused",
        "BackupRefused", "ClockRefused",
        "DrawRefused", "ExportRefused", "FolderUnknown", "ImportRefused", "LaunchRefused", "LetterRefused",
        "LimitRefused", "PackRefused", "RelayRefused", "RosterRefused", "SchemaRefused",
        "SettingsRefused", "StartRefused", "SteeringRefused", "StepRefused", "WaveRefused", "ValidationError",
    }
)  # fmt: skip
DATABASE = frozenset({"OperationalError", "DatabaseError"})
UNMIGRATED = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")


def explain(error: Exception) -> str | None:
    """The refusal in words, with who does what; None for anything that is a bug."""
    name, text = type(error).__name__, str(error)
    if name == "SettingsRefused":
        return text  # the language is a setting too: nobody knows which was chosen
    if name in REFUSALS:
        said = getattr(error, "said", None)
        return say(said.id, said.en) if said is not None else repeated(text)
    first = text.split("\n", 1)[0]
    if name in DATABASE | {"ProgrammingError"} and any(word in text for word in UNMIGRATED):
        return say(
            f"Basis data tidak menjawab seperti seharusnya: {first}\nBuat atau migrasikan: appraisal db upgrade",
            f"The database does not answer as expected: {first}\nCreate or migrate it with: appraisal db upgrade",
        )
    if name in DATABASE or "InsufficientPrivilege" in text:
        names = "APPRAISAL_DATABASE_URL", "APPRAISAL_HOME"
        return say(
            f"Basis data tidak dapat dipakai: {first}\nPengelola sistem memeriksa server, dan {' atau '.join(names)}.",
            f"The database cannot be used: {first}\nOps check the server, and {' or '.join(names)}.",
        )
    if isinstance(error, OSError) and error.filename is not None:
        return say(
            f"{error.filename}: {error.strerror}. Sebutkan berkas atau folder lain, atau minta akses dari pengelola"
            " sistem.",
            f"{error.filename}: {error.strerror}. Name another file or folder, or have ops give you access to it.",
        )
    return None
