"""The roster doctor: what is wrong with a roster, who must mend it and how; one bad row never stops the others."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from rules.mail.addresses import AddressRefused, mailbox_of, parse_address
from rules.roster import officials
from rules.roster.columns import LIMITS, Fault, RosterRow, looks_numeric
from rules.roster.findings import Examination, Malformed, Names, Problem, RosterItem, RosterUnit, Source
from rules.roster.nip import NipRefused, parse_nip
from rules.roster.texts import CATALOGUE, COLUMN_OF, NIP_REASONS
from rules.terms import EmploymentKind, Locale, Role, Severity

__all__ = ["Examination", "Malformed", "Problem", "RosterItem", "RosterRow", "RosterUnit", "Source", "examine"]

SPAN_WIDE = 50
"""A rater of more people than this is told to HR: nobody talks with so many each quarter."""

EVERYBODY = "*"
"""In the file of waivers, where a reason is about the launch and not about one person."""
MANDATE = ("acting_for_nip", "acting_kind", "acting_decree", "acting_from", "acting_to")
SEEN_LATER = frozenset({"same_person"})
"""Problems that only an import finds, which knows who was there before."""
STAND_ALONE = frozenset({Role.APPOINTING_AUTHORITY, Role.AUDITOR, Role.OPS})
"""Who may have no superior; without one a person is not appraised here."""


def examine(
    rows: Iterable[RosterItem], today: date, waivers: Mapping[tuple[str, str], str] | None = None
) -> Examination:
    """Examine a roster as of `today` in one pass and linear time; `waivers` give a reason per NIP and problem code."""
    doctor = _Doctor(today)
    for item in rows:
        if isinstance(item, Source):
            doctor.take_source(item)
        elif isinstance(item, Malformed):
            doctor.take_malformed(item)
        else:
            doctor.take(item)
    doctor.look_for_officials()
    doctor.look_at_superiors()
    doctor.look_at_mandates()
    doctor.look_at_units()
    doctor.look_at_mailboxes()
    doctor.look_at_families()
    return doctor.conclude(waivers or {})


def circles(above: Mapping[str, str]) -> Iterator[list[str]]:
    """Every circle that following `above` runs into, once each; linear, and without recursion however deep."""
    done: set[str] = set()
    for start in above:
        path: dict[str, None] = {}
        node = start
        while node in above and node not in done and node not in path:
            path[node] = None
            node = above[node]
        if node in path:
            members = list(path)
            yield members[members.index(node) :]
        done.update(path)


class _Doctor:
    def __init__(self, today: date) -> None:
        self.today = today
        self.rows: list[RosterRow] = []
        self.malformed = 0
        self.by_nip: dict[str, RosterRow] = {}
        self.doubles: set[int] = set()
        self.by_address: dict[str, RosterRow] = {}
        self.units: dict[str, RosterUnit] = {}
        self.problems: list[Problem] = []
        self.aliases: dict[str, set[str]] = {}
        """What state officials are called -> the keys that stand for their NIP."""
        self.halves: list[RosterRow] = []
        """Rows with part of a mandate: of a vacant post, perhaps."""
        self.vacant: set[int] = set()
        """Rows of those who act in a vacant post."""
        self.mailboxes: dict[str, list[RosterRow]] = {}
        self.hr: list[str] = []
        self.source: Source | None = None
        self.names = Names()

    def find(self, row: RosterRow, code: str, **facts: object) -> None:
        if row.faults and COLUMN_OF.get(code) in row.erroneous:
            return  # the cell shows an error: that is what is wrong
        words = {"unit": row.unit_name or row.unit_code, **{key: str(value) for key, value in facts.items()}}
        self.problems.append(Problem(row.row, row.nip, row.name, code, words, self.hr, names=self.names))

    # one row at a time

    def take_source(self, source: Source) -> None:
        self.source = source
        self.names.update(source.columns)

    def take_malformed(self, item: Malformed) -> None:
        self.problems.append(Problem(item.row, "", "", item.code, item.facts, self.hr, names=self.names))
        self.malformed += CATALOGUE[item.code].holds_row

    def take(self, row: RosterRow) -> None:
        self.rows.append(row)
        if row.employment is EmploymentKind.STATE_OFFICIAL and row.name and nip_faults(row.nip):
            named, row.nip = officials.names_of(row), officials.official_key(row)
            for name in named:
                self.aliases.setdefault(name, set()).add(row.nip)
        for fault in row.faults:
            self._fault(row, fault)
        if not row.name:
            self.find(row, "name_missing")
        if row.active_from and row.active_to and row.active_to < row.active_from:
            self.find(row, "dates_reversed", start=row.active_from, end=row.active_to)
        if row.ended and row.active_to and row.active_to >= self.today:
            self.find(row, "service_goes_on", value=row.ended, end=row.active_to)
        self._partial(row)
        self._nip(row)
        if row.row not in self.doubles:
            self._address(row)
            self._unit(row)
        if Role.PERFORMANCE_ADMIN in row.roles and row.name:
            self.hr.append(row.name)

    def _fault(self, row: RosterRow, fault: Fault) -> None:
        column = self.names[fault.column]
        limit = LIMITS.get(fault.column, 0)
        facts = {"at": fault.column, "column": column, "value": fault.value, "count": str(limit), "other": fault.cell}
        words = {"unit": row.unit_name or row.unit_code, **facts}
        self.problems.append(Problem(row.row, row.nip, row.name, fault.code, words, self.hr, names=self.names))

    def _partial(self, row: RosterRow) -> None:
        """Mandates and absences that are only half told."""
        if row.acting_for_nip and row.acting_for_nip == row.nip:
            self.find(row, "acting_self")
        elif _half_told(row, MANDATE):
            self.halves.append(row)
        elif row.acts_too_long:
            self.find(row, "acting_long", start=row.acting_from, end=row.acting_to)
        if any(fault.code == "absence_unreadable" for fault in row.faults):
            return
        if missing := _half_told(row, ("absence_kind", "absence_from", "absence_to")):
            self.find(row, "absence_incomplete", columns=", ".join(self.names[column] for column in missing))

    def _nip(self, row: RosterRow) -> None:
        if not row.nip:
            self.find(row, "nip_missing")
        elif looks_numeric(row.nip):
            self.find(row, "nip_numeric", value=row.nip)
        elif first := self.by_nip.get(row.nip):
            self.doubles.add(row.row)
            self.find(row, "nip_duplicate", other=first.row, other_name=first.name)
        else:
            self.by_nip[row.nip] = row  # even if malformed: who names it as superior makes no mistake of their own
            if not officials.is_key(row.nip) and (reasons := nip_faults(row.nip)):
                self.find(row, "nip_malformed", value=row.nip, **reasons)

    def _address(self, row: RosterRow) -> None:
        if not row.email:
            self.find(row, "address_missing")
            return
        try:
            wire = parse_address(row.email).ascii.lower()
        except AddressRefused as refused:
            reasons = {f"reason_{locale.value}": refused.reason(locale) for locale in Locale}
            self.find(row, "address_malformed", value=row.email, **reasons)
            return
        first = self.by_address.setdefault(wire, row)
        if first is not row:
            self.find(row, "address_shared", value=row.email, other=first.row, other_name=first.name)
        else:
            self.mailboxes.setdefault(mailbox_of(wire), []).append(row)

    def _unit(self, row: RosterRow) -> None:
        if not row.unit_code:
            self.find(row, "unit_missing")
            return
        cut = row.cut
        if "unit_code" in cut:
            return
        name = "" if "unit_name" in cut else row.unit_name
        parent = "" if "parent_unit_code" in cut else row.parent_unit_code
        unit = self.units.setdefault(row.unit_code, RosterUnit(row.unit_code, name, parent, row.row))
        if not _agree(unit.name, name) or not _agree(unit.parent, parent):
            self.find(row, "unit_inconsistent", other=unit.row)
        unit.name = unit.name or name
        unit.parent = unit.parent or parent
        if row.is_unit_head and row.active_on(self.today):
            if unit.head_nip:
                head = self.by_nip[unit.head_nip]
                self.find(row, "unit_two_heads", other=head.row, other_name=head.name)
            elif row.nip in self.by_nip:
                unit.head_nip = row.nip

    # the rows together

    def look_for_officials(self) -> None:
        """Find whom no NIP names: state officials by name or post, and vacant posts by who acts in them."""
        officials.name_officials(self.rows, self.aliases)
        accepted = [row for row in self.rows if row.row not in self.doubles]
        for post in officials.vacancies(accepted, self.units, self.by_nip):
            self.rows.append(post)
            self.by_nip[post.nip] = post
            self.vacant.add(post.row)
        for row in self.halves:
            missing = _half_told(row, MANDATE)
            if missing and row.row not in self.vacant:
                self.find(row, "acting_incomplete", columns=", ".join(self.names[column] for column in missing))

    def look_at_superiors(self) -> None:
        covered = {m.principal_nip for row in self.rows if (m := row.mandate) and m.from_on <= self.today <= m.to_on}
        serving = [row for row in self.rows if row.row not in self.doubles and not self._gone(row)]
        for row in serving:
            self._superior(row, covered)
        above = {row.nip: row.superior_nip for row in serving if row.superior_nip in self.by_nip}
        for circle in circles({nip: boss for nip, boss in above.items() if nip != boss}):
            names = [self.by_nip[nip].name or nip for nip in circle]
            shown = " → ".join([*names[:6], *(["…"] if len(names) > 6 else []), names[0]])
            for nip in circle:
                self.find(self.by_nip[nip], "superior_circular", circle=shown)
        self.span = Counter(row.superior_nip for row in serving if row.superior_nip in self.by_nip)
        for nip, count in self.span.items():
            if count > SPAN_WIDE:
                self.find(self.by_nip[nip], "span_wide", count=count)

    def _gone(self, row: RosterRow) -> bool:
        return row.active_to is not None and row.active_to < self.today

    def _superior(self, row: RosterRow, covered: set[str]) -> None:
        nip = row.superior_nip
        if not nip:
            if not self._may_stand_alone(row):
                self.find(row, "superior_missing")
        elif nip == row.nip:
            self.find(row, "superior_self")
        elif boss := self.by_nip.get(nip):
            if nip not in covered:
                self._presence(row, boss)
        elif looks_numeric(nip):
            self.find(row, "superior_numeric", value=nip)
        elif reasons := nip_faults(nip):
            self.find(row, "superior_malformed", value=nip, **reasons)
        else:
            self.find(row, "superior_unknown", value=nip)

    def _may_stand_alone(self, row: RosterRow) -> bool:
        if STAND_ALONE.intersection(row.roles) or row.employment is EmploymentKind.STATE_OFFICIAL:
            return True
        unit = self.units.get(row.unit_code)
        return row.is_unit_head and unit is not None and not unit.parent

    def _presence(self, row: RosterRow, boss: RosterRow) -> None:
        """A superior out of service, or away, for whom nobody acts today."""
        if not boss.active_on(self.today):
            self.find(row, "superior_inactive", other_name=boss.name or boss.nip, today=self.today)
        elif (away := boss.away) and away.from_on <= self.today <= away.to_on:
            self.find(row, "superior_away", other_name=boss.name or boss.nip, end=away.to_on)

    def look_at_mandates(self) -> None:
        """Find who would rate and also hear objections, or rate themselves, under a mandate that has not ended."""
        for row in self.rows:
            if row.row in self.doubles or not (mandate := row.mandate) or mandate.to_on < self.today:
                continue
            principal = self.by_nip.get(mandate.principal_nip)
            if principal is None:
                self.find(row, "acting_unknown", value=mandate.principal_nip)
                continue
            judged = 0
            if row.superior_nip == principal.nip:
                self.find(row, "acting_own_rater", kind=mandate.kind.capitalize(), other_name=principal.name)
                judged = self.span[row.nip]
            elif principal.superior_nip == row.nip:
                judged = self.span[principal.nip]
            if judged:
                self.find(row, "rater_is_authority", kind=mandate.kind.capitalize(), count=judged)

    def look_at_units(self) -> None:
        first_rows = {row.unit_code: row for row in reversed(self.rows) if row.row not in self.doubles}
        for unit in self.units.values():
            if unit.parent and unit.parent not in self.units:
                self.find(first_rows[unit.code], "unit_parent_unknown", value=unit.parent)
                unit.parent = ""
            if not unit.head_nip:
                self.find(first_rows[unit.code], "unit_headless")
        for circle in circles({unit.code: unit.parent for unit in self.units.values() if unit.parent}):
            for code in circle:
                self.find(first_rows[code], "unit_circular")
                self.units[code].parent = ""

    def look_at_mailboxes(self) -> None:
        """Several addresses that end in one mailbox: whoever reads it can act for all of them."""
        for first, *others in self.mailboxes.values():
            for row in others:
                self.find(row, "mailbox_shared", value=row.email, other=first.row, other_name=first.name)

    def look_at_families(self) -> None:
        """A column of job families that is empty, or partly so: no suggestions, no default plans from them."""
        if self.source is None or "job_family" not in self.source.columns or not self.rows:
            return
        without = sum(not row.job_family for row in self.rows)
        if without == len(self.rows):
            facts = {"count": str(without)}
            self.problems.append(Problem(0, "", "", "job_family_empty", facts, self.hr, names=self.names))

    # the end

    def conclude(self, waivers: Mapping[tuple[str, str], str]) -> Examination:
        if not self.rows and not self.malformed:
            self.problems.append(Problem(0, "", "", "roster_empty", {}, self.hr, names=self.names))
        self._waive(waivers)
        held = {problem.row for problem in self.problems if problem.holds_row}
        for row in self.rows:
            boss = self.by_nip.get(row.superior_nip)
            if boss and boss.row in held and row.row not in held:
                self.find(row, "superior_held", other=boss.row, other_name=boss.name or boss.nip)
        for role in (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY):
            if not any(role in row.roles for row in self.rows if row.row not in held):
                self.problems.append(
                    Problem(0, "", "", "role_unfilled", {"value": role.value}, self.hr, names=self.names)
                )
        self.problems.sort(key=lambda problem: problem.row)
        rows_ok = [row for row in self.rows if row.row not in held]
        return Examination(rows_ok, self.problems, _parents_first(self.units), self._counts(len(rows_ok)), self.source)

    def _waive(self, waivers: Mapping[tuple[str, str], str]) -> None:
        used: set[tuple[str, str]] = set()
        refused: list[Problem] = []
        for problem in self.problems:
            key = (problem.nip, problem.code)
            if key not in waivers or not waivers[key].strip():
                continue
            used.add(key)
            if problem.severity is Severity.WAIVABLE:
                problem.waived = waivers[key].strip()
            elif problem.severity is Severity.BLOCKING:
                refused.append(self._about(problem.nip, "waiver_refused", problem.code))
        unused = [
            self._about(nip, "waiver_unused", code)
            for nip, code in waivers
            if (nip, code) not in used and nip != EVERYBODY and code not in SEEN_LATER
        ]
        self.problems += refused + unused

    def _about(self, nip: str, code: str, value: str) -> Problem:
        row = self.by_nip.get(nip)
        return Problem(
            row.row if row else 0, nip, row.name if row else "", code, {"value": value}, self.hr, names=self.names
        )

    def _counts(self, accepted: int) -> dict[str, int]:
        total = len(self.rows) + self.malformed
        severities = Counter("waived" if problem.waived else problem.severity.value for problem in self.problems)
        return {
            "rows": total,
            "accepted": accepted,
            "held_back": total - accepted,
            "blocking": severities["blocking"],
            "waivable": severities["waivable"],
            "waived": severities["waived"],
            "notes": severities["note"],
        }


def nip_faults(text: str) -> dict[str, str]:
    """Why a NIP is refused, as facts for a problem; empty if it is well formed."""
    try:
        parse_nip("_".join(text.split()))  # a space that is still in it stands within a group
    except NipRefused as refused:
        words = (NIP_REASONS[problem] for problem in refused.problems)
        return {"reason_id": "; ".join(words), "reason_en": str(refused)}
    return {}


def _half_told(row: RosterRow, columns: tuple[str, ...]) -> list[str]:
    """The columns still missing of facts that only count together; a last column before the one ahead is named too.

    A cell that cannot be read is no empty one: its own fault quotes it.
    """
    unreadable = {fault.column for fault in row.faults}
    blank = [column for column in columns if not getattr(row, column)]
    if len(blank) == len(columns):
        return []
    empty = [column for column in blank if column not in unreadable]
    start, end = getattr(row, columns[-2]), getattr(row, columns[-1])
    return [*empty, columns[-1]] if start and end and end < start else empty


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other


def _parents_first(units: Mapping[str, RosterUnit]) -> dict[str, RosterUnit]:
    ordered: dict[str, RosterUnit] = {}
    for unit in units.values():
        branch: list[RosterUnit] = []
        node: RosterUnit | None = unit
        while node and node.code not in ordered:
            branch.append(node)
            node = units.get(node.parent)
        ordered.update((each.code, each) for each in reversed(branch))
    return ordered
