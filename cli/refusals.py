"""Refusals that are answers, not bugs: shown as they are, without a traceback."""

from cli.language import say
from cli.sentences import repeated
from rules.files.file_reasons import reason
from rules.refused import Refused

DATABASE = frozenset({"OperationalError", "DatabaseError"})
UNMIGRATED = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")


def explain(error: Exception) -> str | None:
    """The refusal in words, with who does what; None for anything that is a bug."""
    kinds, text = {kind.__name__ for kind in type(error).__mro__}, str(error)
    if "SettingsRefused" in kinds:
        return text  # the language is a setting too: nobody knows which was chosen
    if isinstance(error, Refused) or "ValidationError" in kinds:
        said = getattr(error, "said", None)
        return say(said.id, said.en) if said is not None else repeated(text)
    first = text.split("\n", 1)[0]
    if kinds & {*DATABASE, "ProgrammingError"} and any(word in text for word in UNMIGRATED):
        return say(
            f"Basis data tidak menjawab seperti seharusnya: {first}\nBuat atau migrasikan: appraisal db upgrade",
            f"The database does not answer as expected: {first}\nCreate or migrate it with: appraisal db upgrade",
        )
    if kinds & DATABASE or "InsufficientPrivilege" in text:
        names = "APPRAISAL_DATABASE_URL", "APPRAISAL_HOME"
        return say(
            f"Basis data tidak dapat dipakai: {first}\nPengelola sistem memeriksa server, dan {' atau '.join(names)}.",
            f"The database cannot be used: {first}\nOps check the server, and {' or '.join(names)}.",
        )
    if isinstance(error, OSError) and error.filename is not None:
        return say(
            f"{error.filename}: {reason(error)[0]}. Sebutkan berkas atau folder lain, atau minta akses dari pengelola"
            " sistem.",
            f"{error.filename}: {error.strerror}. Name another file or folder, or have ops give you access to it.",
        )
    return None
