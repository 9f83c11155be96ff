"""The evaluation document (Dokumen Evaluasi Kinerja) as PDF: from facts to words, from the words to the page."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any

from notifications.documents.scripts import drawable
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
    code = check_code(facts)
    view = _shown(view_of(facts)) | {"check": code, "hash": fingerprint(facts)[:16], "qr": _qr(code)}
    text = json.dumps(view, ensure_ascii=False)
    made = int(datetime.fromisoformat(facts["dated"]).timestamp())
    with _one_at_a_time:
        found = _compiler().compile(format="pdf", sys_inputs={"view": text}, timestamp=made)
    assert isinstance(found, bytes)
    return found


def _shown(part: Any) -> Any:
    """Without characters that have no shape or turn what follows around, so that a page reads as it is stored."""
    if isinstance(part, Mapping):
        return {key: _shown(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_shown(value) for value in part]
    return _LONG.sub(_breakable, drawable(part.translate(_UNSHOWN))) if isinstance(part, str) else part


def _breakable(word: re.Match[str]) -> str:
    """Allow a break before any letter of a word too long for a column; marks stay with their letter."""
    return "".join(c if unicodedata.category(c)[0] == "M" else f"\u200b{c}" for c in word[0])[1:]


_LONG = re.compile(r"\S{22,}")
_UNSHOWN = dict.fromkeys([*range(10), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@cache
def _compiler() -> Any:
    """Kept, because looking for fonts takes far longer than a page."""
    import typst

    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent))


def _qr(text: str) -> str:
    import segno

    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
