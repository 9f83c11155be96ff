"""What leaves the house: evaluation documents, results for people and results for other systems."""

from actions.exports.credit import write_credit_points
from actions.exports.documents import document_cases, document_for, write_documents
from actions.exports.dossier import write_dossier
from actions.exports.facts import document_facts, document_no
from actions.exports.files import Exported, ExportRefused, Tally
from actions.exports.rows import ResultRow, results_rows
from actions.exports.siasn import siasn_differences, write_siasn
from actions.exports.tables import write_csv, write_xlsx

__all__ = [
    "ExportRefused", "Exported", "ResultRow", "Tally", "document_cases", "document_facts", "document_for",
    "document_no", "results_rows", "siasn_differences", "write_credit_points", "write_csv", "write_documents",
    "write_dossier", "write_siasn", "write_xlsx",
]  # fmt: skip
