"""The evaluation document (Dokumen Evaluasi Kinerja) as PDF: from facts to words, from the words to the page."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from notifications.documents.sections import view_of

TEMPLATE = Path(__file__).parent / "evaluation.typ"
_one_at_a_time = Lock()


def fingerprint(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts; its first 16 digits stand on the paper, so that it can be checked against the database."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_code(facts: Mapping[str, Any]) -> str:
    """What the QR code says: number, version and fingerprint; no address, no secret and nothing about the person."""
    return f"{facts['no']} v{facts['version']} sha256:{fingerprint(facts)[:16]}"


def evaluation_document(facts: Mapping[str, Any]) -> bytes:
    """Typeset the facts of one case; the same facts are the same bytes. Texts reach the page as data, never as code."""
    view = view_of(facts) | {"check": check_code(facts), "hash": fingerprint(facts)[:16], "qr": _qr(check_code(facts))}
    made = int(datetime.fromisoformat(facts["dated"]).timestamp())
    with _one_at_a_time:
        found = _compiler().compile(
            format="pdf", sys_inputs={"view": json.dumps(view, ensure_ascii=False)}, timestamp=made
        )
    assert isinstance(found, bytes)
    return found


@cache
def _compiler() -> Any:
    """Kept, because looking for fonts takes far longer than a page."""
    import typst

    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent))


def _qr(text: str) -> str:
    import segno

    return segno.make(text, error="m", micro=False).svg_inline(border=0)
