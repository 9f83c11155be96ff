"""What reading this code costs: sizes, widths and names of every function and folder. Migrations are left out."""

import argparse
import ast
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, table, tell

WIDTH, LONG = 100, 30
"""Columns of a line, and lines of a function, above which it is counted."""
VAGUE = frozenset({"one", "found", "told", "there"})
"""Names that say nothing of what they hold."""
NO_CODE = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
"""Nodes that stand for no word of their own."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of Python, with its text and its syntax tree."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


def read_modules() -> list[Module]:
    """Every tracked module but migrations, paths relative to the top."""
    listed = subprocess.run(
        ["git", "ls-files", "*.py"],  # noqa: S607 - whichever git is installed
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [Path(line) for line in listed.stdout.splitlines() if "migrations" not in line]
    texts = {path: (ROOT / path).read_text("utf-8") for path in paths if (ROOT / path).exists()}
    return [Module(path, text, ast.parse(text)) for path, text in texts.items()]


def is_test(module: Module) -> bool:
    return module.path.parts[0] == "tests"


def nodes_of(function: Function) -> int:
    """Syntax nodes in the body; contexts and operators are not counted."""
    below = (node for statement in function.body for node in ast.walk(statement))
    return sum(not isinstance(node, NO_CODE) for node in below)


def length_of(function: Function) -> int:
    """Lines of code from `def` to the end, without its docstring."""
    text = ast.get_docstring(function, clean=False)
    own = len(text.splitlines()) if text else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - own


def vague_reads(module: Module) -> Counter[str]:
    """How often each vague name is read."""
    names = (node for node in ast.walk(module.tree) if isinstance(node, ast.Name))
    return Counter(node.id for node in names if isinstance(node.ctx, ast.Load) and node.id in VAGUE)


def flat_folders(modules: list[Module]) -> Counter[str]:
    """Modules that lie directly in each folder."""
    return Counter(str(module.path.parent) for module in modules)


def mirrored(modules: list[Module]) -> tuple[int, int]:
    """Modules of the product that a test module is named after, in the same folder below tests/; and all of them."""
    tests = {str(module.path) for module in modules if is_test(module)}
    product = [module.path for module in modules if not is_test(module) and module.path.name != "__init__.py"]
    product = [path for path in product if path.parts[0] not in ("benchmarks", "deploy", "examples")]
    same = [path for path in product if str(Path("tests") / path.parent / f"test_{path.name}") in tests]
    return len(same), len(product)


def bodies() -> tuple[int, int]:
    """Commits with a body, and all commits."""
    log = subprocess.run(
        ["git", "log", "--no-merges", "--format=%b%x00"],  # noqa: S607 - whichever git is installed
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    commits = log.stdout.split("\0")[:-1]
    return sum(bool(body.strip()) for body in commits), len(commits)


def measure() -> dict[str, Any]:
    """The figures, as a mapping from a short name to a number or a text."""
    modules = read_modules()
    product = [module for module in modules if not is_test(module)]
    tests = [module for module in modules if is_test(module)]
    functions = [function for module in product for function in module.functions]
    lines = [line for module in product for line in module.lines]
    folder, flat = flat_folders(modules).most_common(1)[0]
    same, all_modules = mirrored(modules)
    with_body, commits = bodies()
    return {
        "nodes_median": statistics.median(nodes_of(function) for function in functions),
        "wide_lines": sum(len(line) > WIDTH for line in lines),
        "wide_share": round(100 * sum(len(line) > WIDTH for line in lines) / len(lines), 1),
        "skips": sum(module.text.count(SKIP) for module in product),
        "skips_in_tests": sum(module.text.count(SKIP) for module in tests),
        "vague_names": sum((vague_reads(module) for module in product), Counter()).total(),
        "long_functions": sum(length_of(function) > LONG for function in functions),
        "largest_folder": f"{folder}: {flat}",
        "mirrored": f"{same} of {all_modules}",
        "commits_with_body": f"{round(100 * with_body / max(commits, 1))} %",
    }


SKIP = "# fmt: " + "skip"
AIMS = {
    "nodes_median": ("syntax nodes a function, median", "30"),
    "wide_lines": (f"lines over {WIDTH} columns", "0"),
    "wide_share": ("the same, % of all lines", "0"),
    "skips": ("lines kept from the formatter", "0"),
    "skips_in_tests": ("the same, in tests", "0"),
    "vague_names": ("vague names that are read", "0"),
    "long_functions": (f"functions over {LONG} lines", "40"),
    "largest_folder": ("largest flat folder", "16"),
    "mirrored": ("modules with a test named after them", "200"),
    "commits_with_body": ("commits with a body", "where needed"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.shape", description=__doc__)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = measure()
    rows = [[words, figures[name], aim] for name, (words, aim) in AIMS.items()]
    tell(figures, table("Shape of the code", ["", "here", "aim"], rows), asked.json)


if __name__ == "__main__":
    main()
