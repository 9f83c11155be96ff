"""Every kind of letter in each language as files to open, made by the code that makes the real ones."""

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from notifications.kinds import KINDS
from notifications.letter import Letter, Mailbox, Rendered, build, compose
from notifications.samples import every_sample
from rules.terms import Locale

SENDER = Mailbox("Kinerja ASN", "kinerja@appraisal.example")
_DATE = datetime(2027, 1, 12, 1, 0, tzinfo=UTC)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Letters</title><style>
:root{{color-scheme:light dark}}
body{{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}}
table{{width:100%;border-collapse:collapse}}th,td{{padding:.5rem;border-bottom:1px solid #8886;text-align:left}}
</style></head><body><h1>Letters</h1><p>{count} letters with sample facts. No score and no comment is ever in one.</p>
<table><thead><tr><th scope="col">Kind</th><th scope="col">Language</th><th scope="col">Subject</th>
<th scope="col">Lane</th><th scope="col">Open</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


def write_previews(
    directory: Path,
    *,
    sender: Mailbox = SENDER,
    all_variants: bool = True,
    own: Mapping[str, Any] = MappingProxyType({}),
) -> list[Path]:
    """Write .html, .txt and .eml of each letter and an index.html; returns the files, the index first.

    `own`: facts of the agency (agency, contact, zone) that stand in place of the invented ones.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files, rows = [], []
    for kind, locale, number, facts in every_sample():
        if number and not all_variants:
            continue
        stem = f"{kind}.{locale.value}" + (f".{number + 1}" if number else "")
        facts |= own
        rendered = compose(kind, facts, locale)
        eml = build(sample_letter(kind, locale, facts["name"], rendered, sender=sender))
        contents = {"html": rendered.html.encode(), "txt": rendered.text.encode(), "eml": eml}
        for suffix, content in contents.items():
            path = directory / f"{stem}.{suffix}"
            path.write_bytes(content)
            files.append(path)
        rows.append(_row(kind, locale, stem, rendered.subject))
    index = directory / "index.html"
    index.write_text(_PAGE.format(count=len(rows), rows="\n".join(rows)), encoding="utf-8")
    return [index, *files]


def sample_letter(
    kind: str, locale: Locale, name: str, rendered: Rendered, *, sender: Mailbox = SENDER, message_id: str = ""
) -> Letter:
    """A letter to nobody, for previews and dry runs."""
    return Letter(
        kind=kind, locale=locale, to=Mailbox(name, "pegawai@appraisal.example"), sender=sender,
        subject=rendered.subject, text=rendered.text, html=rendered.html,
        message_id=message_id or f"<{kind}.{locale.value}@appraisal.example>", date=_DATE,
        envelope_from="b+1.aaaaaaaa@bounce.appraisal.example",
        in_reply_to="<invitation@appraisal.example>" if KINDS[kind].follows_up else None,
    )  # fmt: skip


def _row(kind: str, locale: Locale, stem: str, subject: str) -> str:
    links = " ".join(f'<a href="{stem}.{suffix}">{suffix}</a>' for suffix in ("html", "txt", "eml"))
    cells = (escape(kind), locale.value, escape(subject), KINDS[kind].lane.value, links)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
