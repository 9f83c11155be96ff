"""What the roster doctor found, as JSON for programs and as a table of causes for people."""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rules.roster.doctor import Examination, Problem, Source
    from rules.roster.groups import Group
    from rules.terms import Locale

HEADS = {
    "id": ("Jumlah", "Tingkat", "Masalah", "Contoh", "Diperbaiki oleh", "Caranya"),
    "en": ("Count", "Severity", "Problem", "Examples", "Mended by", "How"),
}
ROW_HEADS = {
    "id": ("Baris", "Siapa", "Tingkat", "Masalah", "Diperbaiki oleh", "Caranya"),
    "en": ("Row", "Who", "Severity", "Problem", "Mended by", "How"),
}
KINDS = {"csv": "CSV", "xlsx": "XLSX", "xls": "XLS", "ods": "ODS", "html": "HTML", "xml2003": "XML 2003"}


def print_json(file: Path, day: date, examination: "Examination", locale: "Locale", waivers: Path | None) -> None:
    """Everything, every row on its own and each cause once."""
    from rules.roster.groups import grouped

    report = {
        "file": str(file),
        "today": day.isoformat(),
        "blocks": examination.blocks,
        "counts": examination.counts,
        "problems": [_as_json(problem, locale) for problem in examination.problems],
        "groups": [_group_as_json(group, locale) for group in grouped(examination.problems)],
        "units": len(examination.units),
        "source": _source_as_json(examination.source),
        "waivers": str(waivers) if waivers else None,
    }
    typer.echo(json.dumps(report, ensure_ascii=False, indent=2))


def _as_json(problem: "Problem", locale: "Locale") -> dict[str, object]:
    return {
        "row": problem.row,
        "nip": problem.nip,
        "name": problem.name,
        "code": problem.code,
        "severity": problem.severity.value,
        "blocks": problem.blocks,
        "holds_row": problem.holds_row,
        "waived": problem.waived,
        **problem.text(locale)._asdict(),
    }


def _group_as_json(group: "Group", locale: "Locale") -> dict[str, object]:
    first = group.first
    examples = [
        {"row": problem.row, "nip": problem.nip, "name": problem.name, "message": problem.text(locale).message}
        for problem in group.examples
    ]
    return {
        "code": first.code,
        "column": first.names[first.column] if first.column else None,
        "severity": first.severity.value,
        "blocks": first.blocks,
        "count": group.count,
        "rows": [problem.row for problem in group.problems],
        "examples": examples,
        **group.text(locale)._asdict(),
    }


def _source_as_json(source: "Source | None") -> dict[str, object] | None:
    if source is None:
        return None
    return {
        "kind": source.kind,
        "sheet": source.sheet or None,
        "encoding": source.encoding or None,
        "header_row": source.header_row,
        "columns": dict(source.columns),
        "unread": list(source.unread),
        "hidden_sheets": list(source.hidden),
        "passed_over": list(source.passed_over),
    }


def print_table(
    file: Path, day: date, examination: "Examination", locale: "Locale", waivers: Path | None, *, every_row: bool
) -> None:
    """What was read, each cause once with examples, or every row, and the counts."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from rules.roster.groups import grouped
    from rules.roster.texts import COUNTS

    english = locale.value == "en"
    console = Console()
    if words := _read_from(examination.source, waivers, english=english):
        console.print(escape(words), highlight=False)
    if examination.problems:
        heads = (ROW_HEADS if every_row else HEADS)[locale.value]
        table = Table(title=escape(f"{file.name}, {day.isoformat()}"), show_lines=True)
        for head in heads:
            table.add_column(head, overflow="fold", width=18 if head in ("Siapa", "Who") else None)  # a NIP
        if every_row:
            for problem in examination.problems:
                table.add_row(*map(escape, _row(problem, locale)))
        else:
            for group in grouped(examination.problems):
                table.add_row(*map(escape, _cause(group, locale)))
        console.print(table)
    console.print(", ".join(f"{COUNTS[name][english]} {count}" for name, count in examination.counts.items()))


def _read_from(source: "Source | None", waivers: Path | None, *, english: bool) -> str:
    if source is None:
        return ""
    words = [KINDS.get(source.kind, source.kind)]
    if source.sheet:
        words.append(f"{'sheet' if english else 'lembar'} “{source.sheet}”")
    words.append(f"{'header in row' if english else 'judul di baris'} {source.header_row}")
    if source.hidden:
        hidden = ", ".join(f"“{name}”" for name in source.hidden)
        words.append(f"{'hidden sheets not read' if english else 'lembar tersembunyi tidak dibaca'}: {hidden}")
    if waivers:
        words.append(f"{'waivers from' if english else 'pengesampingan dari'} {waivers.name}")
    return f"{'Read' if english else 'Dibaca'}: {', '.join(words)}"


def _level(problem: "Problem", *, english: bool) -> str:
    from rules.roster.texts import COUNTS, SEVERITIES

    if problem.waived:
        return f"{COUNTS['waived'][english]}: {problem.waived}"
    return SEVERITIES[problem.severity][english]


def _row(problem: "Problem", locale: "Locale") -> list[str]:
    text = problem.text(locale)
    who = f"{problem.name}\n{problem.nip}".strip()
    level = _level(problem, english=locale.value == "en")
    return [str(problem.row or ""), who, level, f"{text.message} [{problem.code}]", *text[1:]]


def _cause(group: "Group", locale: "Locale") -> list[str]:
    english = locale.value == "en"
    text = group.text(locale)
    row = "row" if english else "baris"
    examples = [
        f"{row} {problem.row} {problem.name or problem.nip}{_what(problem, group)}".strip()
        for problem in group.examples
        if problem.row
    ]
    more = group.count - len(examples)
    if examples and more > 0:
        examples.append(f"… {'and' if english else 'dan'} {more} {'more' if english else 'lainnya'}")
    level = _level(group.first, english=english)
    return [str(group.count), level, f"{text.message} [{group.first.code}]", "\n".join(examples), *text[1:]]


def _what(problem: "Problem", group: "Group") -> str:
    """The cell or the value of an example, where the examples differ in it."""
    if group.count == 1:
        return ""
    if problem.code == "cell_error":
        return f": {problem.facts['other']} {problem.facts['value']}"
    values = {other.facts.get("value", "") for other in group.problems}
    return f": {problem.facts.get('value', '')}" if len(values) > 1 else ""
