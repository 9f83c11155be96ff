"""Problems of a roster grouped by their cause: how many, a few examples, one remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.roster.findings import Problem
from rules.roster.texts import Text
from rules.terms import Locale, Severity

EXAMPLES = 5
_GRAVE = {Severity.BLOCKING: 0, Severity.WAIVABLE: 1, Severity.NOTE: 2}
_EACH = {
    Locale.ID: {"name": "tiap pegawai", "unit": "masing-masing"},
    Locale.EN: {"name": "each person", "unit": "concerned"},
}
"""Whom the words name where a group is of several."""


@dataclass(frozen=True, slots=True)
class Group:
    """The problems of one cause, in the order of the file."""

    problems: list[Problem]

    @property
    def first(self) -> Problem:
        return self.problems[0]

    @property
    def count(self) -> int:
        return len(self.problems)

    @property
    def examples(self) -> list[Problem]:
        """A few of them, each of another wording where there are such, so that no kind of value stays unseen."""
        chosen: dict[str, Problem] = {}
        for problem in self.problems:
            chosen.setdefault(problem.facts.get("value", "") if len(chosen) < EXAMPLES else "", problem)
            if len(chosen) >= EXAMPLES:
                break
        rest = [problem for problem in self.problems[: 2 * EXAMPLES] if problem not in chosen.values()]
        return sorted([*chosen.values(), *rest][:EXAMPLES], key=lambda problem: problem.row)

    def text(self, locale: Locale) -> Text:
        """Message of the first, and who mends all of them, and how."""
        if self.count == 1:
            return self.first.text(locale)
        return Text(self.first.text(locale).message, *self.first.text(locale, _EACH[locale])[1:])


def grouped(problems: Iterable[Problem]) -> list[Group]:
    """The gravest first, and of them the most frequent."""
    groups: dict[tuple[str, str, bool], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.code, problem.column, bool(problem.waived)), []).append(problem)
    return sorted(map(Group, groups.values()), key=lambda group: (
        not group.first.blocks, _GRAVE[group.first.severity], -group.count
    ))  # fmt: skip
