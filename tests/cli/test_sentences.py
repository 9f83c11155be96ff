"""What a command says to people stands in both languages: no sentence in the code is English alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.mail.waves import Hold
from cli import language
from cli.sentences import INDONESIAN, repeated
from cli.words import WORDS
from rules.mail.limits import about

ROOT = Path(__file__).parents[2]
TRIALS = {"demo.py", "year.py", "mailbox.py", "simulate.py"}
"""Commands that try the product out; they are for whoever builds it, and speak English."""
TABLES = {"words.py", "sentences.py"}
BOTH = {"say", "worded", "print_table"}
"""Whatever stands in a call of these is in both languages, or gets so."""
SILENT = {"Option", "Argument", "Typer", "compile", "getLogger", "basicConfig", "SMTP", "syntax", "RuntimeError"}
SPOKEN = {"echo", "secho", "confirm", "Table", "add_column", "add_row", "print", "BadParameter", "add_task"}
NOT_SAID = {"param_hint", "formats", "metavar", "overflow", "title_justify", "fg", "headers", "env", "flow_run_name"}
TO_MACHINES = re.compile(r"\d{3} \d\.\d\.\d |no such (table|column)$|active = |.*\bOF\b")
"""Replies of the mail protocol, what databases say, files of settings."""
WORD = re.compile(r"[A-Za-z]{3,}")
CODE = re.compile(r"[a-z]+_[a-z0-9_]+|[\w{}-]*\.[a-z]{2,5}|.*://.*|[A-Z_{}-]+")
"""Keys, names of files, addresses, names of settings."""
REFUSALS = {
    "AgencyRefused", "AuditRefused", "BackupRefused", "ExportRefused", "FolderUnknown", "ImportRefused",
    "LaunchRefused", "LimitRefused", "RelayRefused", "SchemaRefused", "StartRefused", "WaveRefused",
}  # fmt: skip


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _template(node: ast.AST) -> str | None:
    """The text of a literal, `{}` for what is filled in; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


class English(ast.NodeVisitor):
    """Collects the sentences that are said in one language alone."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self.speaking = 0

    def visit_Call(self, call: ast.Call) -> None:
        name = _called(call)
        twice = name.endswith("Refused") and len(call.args) > 1
        dumped = name == "dumps"
        table = any(isinstance(one, ast.Name) and one.id == "worded" for one in call.args)
        if name in BOTH | SILENT or twice or dumped or table or name in REFUSALS:
            return  # refusals are held against the table below
        self.speaking += name in SPOKEN
        self.visit(call.func)
        for argument in [*call.args, *(one.value for one in call.keywords if one.arg not in NOT_SAID)]:
            self.visit(argument)
        self.speaking -= name in SPOKEN

    def visit_IfExp(self, choice: ast.IfExp) -> None:
        if "english" not in ast.unparse(choice.test):
            self.generic_visit(choice)

    def visit_Assign(self, assigned: ast.Assign) -> None:
        if not (isinstance(name := assigned.targets[0], ast.Name) and name.id.isupper()):
            self.generic_visit(assigned)

    def visit_AnnAssign(self, assigned: ast.AnnAssign) -> None:
        if assigned.value is not None and not ast.unparse(assigned.target).isupper():
            self.visit(assigned.value)

    def visit_FunctionDef(self, made: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for statement in made.body:
            self.visit(statement)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the library's name

    def visit_Expr(self, statement: ast.Expr) -> None:
        if not isinstance(statement.value, ast.Constant):  # a docstring
            self.generic_visit(statement)

    def visit_Dict(self, named: ast.Dict) -> None:
        for value in named.values:
            self.visit(value)

    def visit_Compare(self, _asked: ast.Compare) -> None:
        """What is compared is not said."""

    def visit_Subscript(self, part: ast.Subscript) -> None:
        self.visit(part.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        self._look(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._look(node)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def _look(self, node: ast.Constant | ast.JoinedStr) -> None:
        text = (_template(node) or "").strip()
        words = WORD.findall(
            re.sub(r"`[^`]*`|--[\w-]+|\{\}|\bappraisal( [a-z-]+)+|\bDIR\b|\bUTC\b|python3 \S+", " ", text)
        )
        enough = 1 if self.speaking or isinstance(node, ast.JoinedStr) else 2
        if not self.speaking and " " not in text:
            return
        if len(words) >= enough and not CODE.fullmatch(text) and not TO_MACHINES.match(text):
            self.found.append((node.lineno, text))


@pytest.mark.parametrize("file", sorted((ROOT / "cli").rglob("*.py")), ids=lambda path: path.name)
def test_no_sentence_is_english_alone(file: Path) -> None:
    if file.name in TRIALS | TABLES:
        pytest.skip("a trial or a table")
    look = English()
    look.visit(ast.parse(file.read_text()))
    assert look.found == []


def _refusals() -> Iterator[tuple[str, str]]:
    for folder in ("actions", "rules", "notifications", "cli", "."):
        for file in (ROOT / folder).glob("*.py" if folder == "." else "**/*.py"):
            if file.name in TRIALS:
                continue
            for call in ast.walk(ast.parse(file.read_text())):
                if isinstance(call, ast.Call) and _called(call) in REFUSALS and len(call.args) == 1:
                    argument = call.args[0]
                    given = argument.elts if isinstance(argument, ast.List) else [argument]
                    yield from ((f"{file.name}:{call.lineno}", text) for one in given if (text := _template(one)))


def test_every_refusal_from_below_has_its_indonesian() -> None:
    language.choose("id")
    try:
        raised = list(_refusals())
        english = [(where, text) for where, text in raised if repeated(text.split("\n")[0]) == text.split("\n")[0]]
    finally:
        language.choose("")
    assert len(raised) > 60
    assert english == []


@pytest.mark.parametrize(
    "text", [*(hold.value for hold in Hold), *map(about, (5, 300, 4000, 7200, 10**6, float("inf")))]
)
def test_what_waits_and_how_long_is_said_in_indonesian(text: str) -> None:
    language.choose("id")
    try:
        assert text.replace("_", " ") in WORDS or repeated(text) != text
    finally:
        language.choose("")


def test_what_differs_keeps_its_order_and_is_said_in_turn() -> None:
    language.choose("id")
    try:
        assert repeated("There is no wave 'x'; `appraisal mail waves` lists them.").startswith(
            "Tidak ada gelombang 'x'"
        )
        inside = repeated(
            "The database has no tables yet; this program needs version 0009. Nothing was done. Ops create or migrate"
            " it with: appraisal db upgrade"
        )
        assert inside.startswith("Basis data belum punya tabel; program ini memerlukan versi 0009.")
        assert repeated("nobody wrote this down") == "nobody wrote this down"
    finally:
        language.choose("")
    assert repeated("TLS is required off loopback") == "TLS is required off loopback"


@pytest.mark.parametrize("english", INDONESIAN)
def test_both_have_as_many_gaps(english: str) -> None:
    assert english.count("{}") == INDONESIAN[english].count("{}")
