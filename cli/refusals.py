"""Refusals that are answers, not bugs: shown as they are, without a traceback."""

REFUSALS = frozenset(
    {
        "ActRefused", "AddressRefused", "AgencyFileRefused", "AuditRefused", "ClockRefused", "DrawRefused",
        "ExportRefused", "ImportRefused", "LaunchRefused", "LimitRefused", "PackRefused", "RelayRefused",
        "RosterRefused", "SchemaRefused", "StartRefused", "SteeringRefused", "StepRefused", "WaveRefused",
        "OperationalError", "ValidationError",
    }
)  # fmt: skip


def explain(refused: Exception) -> str:
    """The refusal in words; a database that is not there or not migrated says what to do."""
    text = str(refused)
    if type(refused).__name__ == "OperationalError":
        first = text.split("\n", 1)[0]
        return f"The database does not answer as expected: {first}\nCreate or migrate it with: appraisal db upgrade"
    return text
