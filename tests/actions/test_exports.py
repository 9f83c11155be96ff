"""What leaves the house adds up, says whether it is final, and cannot run in a spreadsheet."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, update
from sqlalchemy.orm import Session
from typer.testing import CliRunner

import policies
from actions import exports
from actions.acts.act import ActRefused
from actions.cases import results
from actions.exports.credit import level_of, months_held
from actions.exports.files import harmless
from cli.export import app
from database import Database
from models import (
    ActingMandate,
    Actual,
    Agency,
    Appraisal,
    Cycle,
    Indicator,
    Objection,
    Person,
    Plan,
    Posting,
    RatingRecord,
    Result,
    ResultItem,
    RoleGrant,
    Segment,
    Stage,
    Statement,
    Supervision,
    Unit,
    UnitPredicate,
)
from private_files import replacing
from rules.terms import (
    ActingKind,
    AppraisalState,
    Aspect,
    BehaviorValue,
    EmploymentKind,
    ItemKind,
    ObjectionOutcome,
    ObjectionState,
    OrgPredicate,
    PlanState,
    PostGroup,
    Predicate,
    Rating,
    ReceiptKind,
    Role,
    StageKind,
    StatementOutcome,
)

FINAL_AT = datetime(2027, 3, 1, 2, tzinfo=UTC)
NOW = datetime(2027, 4, 1, 2, tzinfo=UTC)
ISSUED_AT = datetime(2027, 1, 11, 20, tzinfo=UTC)
"""20.00 UTC: the day after in Mamuju."""
CHIEF, HEAD, HR, AUDITOR, STRANGER = 1, 2, 3, 4, 5
EVIL, OBJECTOR, SILENT, CONTRACT = 10, 11, 12, 13
ROSTER = 8  # chief, head, HR, stranger and the four below; the auditor is no employee
NOTES: dict[str, Any] = {
    "values": {value.value: {"seen": "meets", "text": ""} for value in BehaviorValue}, "scores": {},
}  # fmt: skip


def nip(person: int) -> str:
    return f"19900101201501{person:04d}"


class World:
    """A finished cycle of one agency, written row by row."""

    def __init__(self, session: Session, pack: str) -> None:
        self.session, self.pack = session, policies.load(pack)

    def fill(self) -> "World":
        self._people()
        self.cycle = Cycle(
            id=1, agency_id=1, year=2026, pack_name=self.pack.name, pack_version=self.pack.version,
            pack=self.pack.canonical, pack_sha256=self.pack.sha256, plan_default_after=date(2026, 1, 14),
            launched_at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        self.session.add(self.cycle)
        self.session.flush()
        for unit in (1, 2):
            self.session.add(UnitPredicate(cycle_id=1, unit_id=unit, predicate=OrgPredicate.GOOD, reason="103%.",
                                           set_by_id=CHIEF, set_at=ISSUED_AT,
                                           distribution={"fit": "met", "words": {"id": "3 dari 4"}}))  # fmt: skip
        for person, unit in ((CHIEF, 1), (HEAD, 1), (HR, 1), (STRANGER, 2), (EVIL, 2), (OBJECTOR, 2), (SILENT, 2),
                             (CONTRACT, 2)):  # fmt: skip
            self._case(person, unit)
        self._rated(EVIL, Rating.MEETS, Rating.MEETS)
        self._rated(CONTRACT, Rating.BELOW, Rating.BELOW)
        self._rated(HEAD, Rating.ABOVE, Rating.ABOVE, by=CHIEF)
        self._rated(HR, Rating.ABOVE, Rating.BELOW, by=CHIEF)
        self._rated(STRANGER, Rating.BELOW, Rating.ABOVE)
        self._objected(OBJECTOR)
        self._plan(OBJECTOR)
        self.session.flush()
        return self

    def _people(self) -> None:
        add = self.session.add
        add(Agency(id=1, code="mamuju", name="Pemerintah Kabupaten Mamuju", zone="Asia/Makassar"))
        add(Agency(id=2, code="palu", name="Pemerintah Kota Palu", zone="Asia/Makassar"))
        self.session.flush()
        add(Unit(id=1, agency_id=1, code="A", name="Sekretariat"))
        add(Unit(id=2, agency_id=1, code="B", name="Dinas Kependudukan"))
        names = {CHIEF: "Baso", HEAD: "Andi", HR: "Hasna", AUDITOR: "Umar", STRANGER: "Lina", EVIL: '=HYPERLINK("x")',
                 OBJECTOR: "Siti", SILENT: "Rudi", CONTRACT: "@Kontrak"}  # fmt: skip
        for person, name in names.items():
            kind = EmploymentKind.PPPK if person == CONTRACT else EmploymentKind.PNS
            add(Person(id=person, agency_id=1, nip=nip(person), name=name, email=f"p{person}@x.example",
                       employment=kind, active_from=date(2015, 1, 1)))  # fmt: skip
        add(Person(id=90, agency_id=2, nip=nip(90), name="HR Palu", email="h@x.example", active_from=date(2015, 1, 1)))
        self.session.flush()
        for person, role in ((HR, Role.PERFORMANCE_ADMIN), (90, Role.PERFORMANCE_ADMIN), (AUDITOR, Role.AUDITOR)):
            add(RoleGrant(person_id=person, role=role, from_on=date(2026, 1, 1)))
        for person in names.keys() - {AUDITOR}:
            functional = person == OBJECTOR
            add(Posting(person_id=person, unit_id=1 if person <= HR else 2, from_on=date(2026, 1, 1),
                        post="Analis Kebijakan Ahli Muda" if functional else f"Jabatan {person}",
                        post_group=PostGroup.JF if functional else PostGroup.JA))  # fmt: skip
        for person, superior in ((HEAD, CHIEF), (HR, CHIEF), *((p, HEAD) for p in (5, 10, 11, 12, 13))):
            add(Supervision(person_id=person, superior_id=superior, from_on=date(2026, 1, 1)))
        self.session.flush()

    def _case(self, person: int, unit: int) -> None:
        rater = {CHIEF: None, HEAD: CHIEF, HR: CHIEF}.get(person, HEAD)
        why = {CHIEF: "rated_above_agency", SILENT: "Penilai tidak menilai."}.get(person, "")
        state = {CHIEF: AppraisalState.EXCLUDED, SILENT: AppraisalState.NOT_RATED}.get(person, AppraisalState.FINAL)
        self.session.add(Appraisal(
            id=person, cycle_id=1, employee_id=person, unit_id=unit, rater_id=rater, state=state, explanation=why,
            authority_id=CHIEF if rater == HEAD else None, explained_at=FINAL_AT if why else None,
            finalized_at=FINAL_AT,
        ))  # fmt: skip
        self.session.flush()
        post = "Analis Kebijakan Ahli Muda" if person == OBJECTOR else f"Jabatan {person}"
        self.session.add(Segment(appraisal_id=person, number=1, unit_id=unit, rater_id=rater, post=post,
                                 from_on=date(2026, 1, 1)))  # fmt: skip

    def _rated(
        self, person: int, result: Rating, behavior: Rating, *, by: int = HEAD, role: Role = Role.RATER
    ) -> Result:
        numeric = self.pack.bands is not None
        number = results.next_number(self.session, person)
        rating = RatingRecord(
            appraisal_id=person, number=number, role=role, official_id=by, feedback="Baik.", at=ISSUED_AT,
            result_rating=None if numeric else result, behavior_rating=None if numeric else behavior,
            skp_score=Decimal(96) if numeric else None, behavior_score=Decimal(90) if numeric else None,
            behavior_notes=NOTES, recommendation="Ikut pelatihan." if role is Role.RATER else "",
        )  # fmt: skip
        self.session.add(rating)
        self.session.flush()
        case = self.session.get_one(Appraisal, person)
        made = results.derive_result(self.session, case, rating, at=ISSUED_AT)
        made.issued_at = made.received_at = ISSUED_AT
        made.receipt_kind = ReceiptKind.DEEMED
        return made

    def _objected(self, person: int) -> None:
        first = self._rated(person, Rating.MEETS, Rating.MEETS)
        objection = Objection(
            appraisal_id=person, result_id=first.id, state=ObjectionState.DECIDED, reasons="Bukti belum dihitung.",
            filed_at=ISSUED_AT, statements_until=ISSUED_AT, decide_until=ISSUED_AT, outcome=ObjectionOutcome.RAISE,
            decision_reasons="Bukti sah.", decided_by_id=CHIEF, decided_at=FINAL_AT,
        )  # fmt: skip
        self.session.add(objection)
        self.session.flush()
        for role, outcome, text in ((Role.EMPLOYEE, StatementOutcome.GIVEN, "Terlampir."),
                                    (Role.RATER, StatementOutcome.SILENT, "")):  # fmt: skip
            self.session.add(Statement(objection_id=objection.id, role=role, outcome=outcome, text=text, at=FINAL_AT))
        self._rated(person, Rating.ABOVE, Rating.ABOVE, by=CHIEF, role=Role.OBJECTION_AUTHORITY)

    def _plan(self, person: int) -> None:
        add = self.session.add
        add(Stage(id=1, cycle_id=1, kind=StageKind.SUPERVISOR_SCORING, opens_at=datetime(2026, 12, 1, tzinfo=UTC),
                  due_at=datetime(2026, 12, 20, tzinfo=UTC), closes_at=datetime(2026, 12, 31, tzinfo=UTC)))  # fmt: skip
        add(Plan(id=1, appraisal_id=person, number=1, state=PlanState.ESTABLISHED, drafted_at=ISSUED_AT,
                 established_at=ISSUED_AT))  # fmt: skip
        self.session.flush()
        add(ResultItem(id=1, plan_id=1, number=1, kind=ItemKind.MAIN, title="Terbitnya akta"))
        self.session.flush()
        add(Indicator(id=1, item_id=1, number=1, text="Akta", aspect=Aspect.QUANTITY, target=Decimal(100), unit="akta"))
        self.session.flush()
        for number, value in enumerate(("40", "120"), 1):
            add(Actual(indicator_id=1, stage_id=1, submission_no=number, value=Decimal(value), at=ISSUED_AT,
                       evidence=f"laporan {number}"))  # fmt: skip


@pytest.fixture
def session(both: Database) -> Iterator[Session]:
    with both.transaction() as session:
        World(session, "permenpanrb-6-2022").fill()
    with both.reading() as session:
        yield session


@pytest.fixture
def light(db: Database) -> Iterator[Session]:
    """The same on SQLite alone, where the database makes no difference."""
    with db.transaction() as session:
        World(session, "permenpanrb-6-2022").fill()
    with db.reading() as session:
        yield session


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_person_is_in_the_csv_once(session: Session, tmp_path: Path):
    made = exports.write_csv(session, 1, tmp_path / "hasil.csv")
    rows = {row["NIP"]: row for row in table(made.path)}
    assert made.rows == len(table(made.path)) == len(rows) == ROSTER
    assert made.counts == {"roster": ROSTER, "with_result": 6, "without_result": 2, "unfinished": 0}
    raised = rows[nip(OBJECTOR)]
    assert raised["Predikat kinerja"] == "Sangat Baik"
    assert raised["Versi hasil"] == "2"
    assert raised["Keberatan"] == "Hasil evaluasi dinaikkan"
    assert raised["Pejabat penilai"] == "Andi"
    assert (raised["Disampaikan"], raised["Final"]) == ("2027-01-12", "2027-03-01")
    assert raised["Cara diterima"] == "dianggap diterima"
    assert rows[nip(CHIEF)]["Penjelasan tanpa hasil"] == "Dinilai oleh pejabat di luar instansi ini"
    assert rows[nip(SILENT)]["Predikat kinerja"] == ""
    assert {row["Sifat data"] for row in rows.values()} == {"FINAL"}


def test_rows_are_ordered_by_unit_and_read_with_a_fixed_number_of_questions(session: Session):
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: asked.append(args[2]))
    rows = list(exports.results_rows(session, 1))
    assert [(row.unit_code, row.nip) for row in rows] == sorted((row.unit_code, row.nip) for row in rows)
    questions = [text for text in asked if text.startswith("SELECT")]
    assert len(questions) == 2, "the cycle, and all of its people"


def test_cells_that_a_spreadsheet_would_run_are_text(light: Session, tmp_path: Path):
    rows = {row["NIP"]: row for row in table(exports.write_csv(light, 1, tmp_path / "h.csv").path)}
    assert rows[nip(EVIL)]["Nama"] == '\'=HYPERLINK("x")'
    assert rows[nip(CONTRACT)]["Nama"] == "'@Kontrak"
    for start in "=+-@\t\r\n＝＠":
        assert harmless(f"{start}1") == f"'{start}1"
    assert harmless("a=1") == "a=1"
    book = load_workbook(exports.write_xlsx(light, 1, tmp_path / "h.xlsx", at=NOW).path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert {'=HYPERLINK("x")', "@Kontrak"} <= {cell.value for cell in cells}


def test_the_workbook_adds_up_on_every_sheet(session: Session, tmp_path: Path):
    made = exports.write_xlsx(session, 1, tmp_path / "hasil.xlsx", at=NOW)
    book = load_workbook(made.path)
    assert book.sheetnames == ["Hasil", "Rekap", "Tanpa Hasil", "Keterangan"]
    assert book["Hasil"].max_row == 1 + 6
    assert book["Tanpa Hasil"].max_row == 1 + 2
    recap = [list(row) for row in book["Rekap"].iter_rows(values_only=True)]
    assert recap[0][2:] == ["Sangat Baik", "Baik", "Butuh Perbaikan", "Kurang", "Sangat Kurang", "Jumlah", None, None]
    assert recap[1][:8] == ["PNS", "", 2, 1, 1, 1, 0, 5]
    assert recap[2][:8] == ["PPPK", "", 0, 0, 0, 0, 1, 1]
    assert recap[4][2:8] == [2, 1, 1, 1, 1, 6]
    assert recap[7] == ["A", "Sekretariat", 1, 0, 0, 1, 0, 1, 0, 3]
    assert recap[8] == ["B", "Dinas Kependudukan", 1, 1, 1, 0, 1, 1, 0, 5]
    assert recap[9][-1] == ROSTER
    notes: dict[Any, Any] = {row[0]: row[1] for row in book["Keterangan"].iter_rows(values_only=True)}
    assert notes["Pegawai dalam siklus"] == ROSTER
    assert notes["Selisih"] == 0
    assert notes["SHA-256 paket"] == policies.load("permenpanrb-6-2022").sha256
    assert notes["Dibuat"] == "Kamis, 1 April 2027 pukul 10.00 WITA"


def test_a_cycle_that_is_not_final_is_refused_and_a_draft_says_draft_everywhere(light: Session, tmp_path: Path):
    light.execute(update(Appraisal).where(Appraisal.id == EVIL).values(finalized_at=None))
    light.execute(update(Appraisal).where(Appraisal.id == SILENT).values(explained_at=None, finalized_at=None))
    calls = [
        lambda **how: exports.write_csv(light, 1, tmp_path / "a.csv", **how),
        lambda **how: exports.write_xlsx(light, 1, tmp_path / "a.xlsx", at=NOW, **how),
        lambda **how: exports.write_siasn(light, 1, tmp_path / "a.jsonl", **how),
        lambda **how: exports.write_credit_points(light, 1, tmp_path / "b.csv", **how),
    ]
    for call in calls:
        with pytest.raises(exports.ExportRefused, match="2 appraisals are still open"):
            call()
    assert not list(tmp_path.glob("[ab].*"))
    made = [call(draft=True) for call in calls]
    assert [one.path.name for one in made] == ["a-DRAFT.csv", "a-DRAFT.xlsx", "a-DRAFT.jsonl", "b-DRAFT.csv"]
    assert made[0].counts["unfinished"] == 1
    assert {row["Sifat data"] for row in table(made[0].path)} == {"DRAFT"}
    assert all(name.endswith("(DRAFT)") for name in load_workbook(made[1].path).sheetnames)
    assert all(json.loads(line)["draft"] for line in made[2].path.read_text().splitlines())
    with pytest.raises(exports.ExportRefused, match="2 appraisals"):
        exports.document_cases(light, 1)


def test_a_result_that_was_not_issued_is_in_no_export(light: Session, tmp_path: Path):
    light.execute(update(Appraisal).where(Appraisal.id == EVIL).values(finalized_at=None, state="rated"))
    light.execute(update(Result).where(Result.appraisal_id == EVIL).values(issued_at=None))
    made = exports.write_csv(light, 1, tmp_path / "h.csv", draft=True)
    row = next(row for row in table(made.path) if row["NIP"] == nip(EVIL))
    assert (row["Predikat kinerja"], row["Hasil kerja"], row["Versi hasil"]) == ("", "", "")
    with pytest.raises(ActRefused, match="no_result"):
        exports.document_facts(light, EVIL, NOW)
    assert EVIL not in dict(exports.document_cases(light, 1, draft=True))


def test_sums_that_do_not_add_up_are_refused(light: Session, tmp_path: Path):
    tally = exports.Tally(roster=3, with_result=1, without_result=1)
    tally.units["A", "A"] = Counter({"good": 1, "without_result": 1})
    tally.predicates[EmploymentKind.PNS, Predicate.GOOD] = 1
    with pytest.raises(exports.ExportRefused, match="has 3 people, but the export 2 by people"):
        tally.check(draft=False)
    tally.roster = 2
    tally.check(draft=False)
    tally.unfinished, tally.roster = 1, 3
    tally.units["A", "A"]["unfinished"] = 1
    tally.check(draft=True)
    with pytest.raises(exports.ExportRefused, match="1 people have neither"):
        tally.check(draft=False)


def test_a_refused_export_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "x" / "hasil.csv"
    with replacing(path) as beside:
        beside.write_text("old")

    def half() -> None:
        with replacing(path) as beside:
            beside.write_text("half")
            raise exports.ExportRefused("no")

    with pytest.raises(exports.ExportRefused):
        half()
    assert path.read_text() == "old"
    assert [one.name for one in path.parent.iterdir()] == ["hasil.csv"]
    assert path.stat().st_mode & 0o077 == 0


def test_siasn_lines_follow_the_matrix_and_come_back_without_difference(session: Session, tmp_path: Path):
    made = exports.write_siasn(session, 1, tmp_path / "s.jsonl")
    lines = {one["pnsDinilaiOrang"]: one for one in map(json.loads, made.path.read_text().splitlines())}
    assert made.rows == len(lines) == 6
    codes = {who: tuple(lines[nip(who)][key] for key in ("hasilKinerjaNilai", "perilakuKerjaNilai",
                                                         "kuadranKinerjaNilai"))
             for who in (HEAD, EVIL, STRANGER, HR, CONTRACT)}  # fmt: skip
    assert codes == {HEAD: (1, 1, 1), EVIL: (2, 2, 2), STRANGER: (3, 1, 3), HR: (1, 3, 4), CONTRACT: (3, 3, 5)}
    rater = lines[nip(OBJECTOR)]
    assert (rater["penilaiNama"], rater["penilaiJabatan"], rater["penilaiUnorNama"]) == (
        "Andi", "Jabatan 2", "Sekretariat")  # fmt: skip
    assert exports.siasn_differences(session, 1, made.path) == []


def test_what_came_back_from_siasn_different_twice_or_not_at_all_is_named(light: Session, tmp_path: Path):
    path = exports.write_siasn(light, 1, tmp_path / "s.jsonl").path
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["kuadranKinerjaNilai"] = 3
    strange = lines[2] | {"pnsDinilaiOrang": "1"}
    path.write_text("\n".join(json.dumps(one) for one in [*lines[:-1], lines[1], strange]))
    found = "; ".join(exports.siasn_differences(light, 1, path))
    assert "stands twice" in found
    assert f"{lines[-1]['pnsDinilaiOrang']} is missing" in found
    assert f"{lines[0]['pnsDinilaiOrang']}: the file says" in found
    assert "1 has no result in this cycle" in found
    path.write_text("no json")
    with pytest.raises(exports.ExportRefused, match="line 1"):
        exports.siasn_differences(light, 1, path)


def test_scores_of_the_numeric_pack_are_exported_and_siasn_is_refused(db: Database, tmp_path: Path):
    with db.transaction() as session:
        World(session, "pp-30-2019").fill()
    with db.reading() as session:
        rows = {row["NIP"]: row for row in table(exports.write_csv(session, 1, tmp_path / "h.csv").path)}
        row = rows[nip(EVIL)]
        assert [row[key] for key in ("Nilai SKP", "Nilai perilaku", "Nilai akhir")] == ["96", "90", "94,2"]
        with pytest.raises(exports.ExportRefused, match="goes by scores"):
            exports.write_siasn(session, 1, tmp_path / "s.jsonl")
        with pytest.raises(exports.ExportRefused, match="no predicates to credit points"):
            exports.write_credit_points(session, 1, tmp_path / "k.csv")


def test_credit_points_stand_per_post_and_name_what_could_not_be_read(light: Session, tmp_path: Path):
    light.execute(update(Posting).where(Posting.person_id == EVIL).values(post_group=PostGroup.JF))
    light.execute(update(Segment).where(Segment.appraisal_id == OBJECTOR).values(to_on=date(2026, 4, 30)))
    light.add(Segment(appraisal_id=OBJECTOR, number=2, unit_id=2, post="Perawat Terampil", from_on=date(2026, 5, 1)))
    light.flush()
    made = exports.write_credit_points(light, 1, tmp_path / "k.csv")
    rows = [(row["NIP"], row["Jenjang"], row["Bulan"], row["Angka kredit"]) for row in table(made.path)]
    assert rows == [
        (nip(EVIL), "", "12", ""), (nip(OBJECTOR), "Ahli Muda", "4", "12,5"), (nip(OBJECTOR), "Terampil", "8", "5"),
    ]  # fmt: skip
    assert made.counts == {"granted": 2, "level_unknown": 1}


def test_a_month_counts_for_the_post_of_its_first_day():
    assert months_held(date(2026, 1, 1), None, 2026) == 12
    assert months_held(date(2025, 6, 1), date(2026, 3, 14), 2026) == 3
    assert months_held(date(2026, 3, 15), None, 2026) == 9
    table = policies.load("permenpanrb-6-2022").ak_table
    assert table is not None
    assert level_of("Guru  ahli muda", table) == "ahli_muda"
    assert level_of("Penata Terampilan", table) is None
    assert level_of("Tidakterampil", table) is None


def test_document_facts_tell_the_whole_case(session: Session):
    facts = exports.document_facts(session, OBJECTOR, NOW)
    assert (facts["no"], facts["version"], facts["final"]) == ("MAMUJU/2026/11", 2, True)
    assert facts["replaces"] == {"version": 1, "issued_at": ISSUED_AT.isoformat(), "cause": "objection"}
    assert facts["dated"] == FINAL_AT.isoformat()
    assert (facts["employee"]["name"], facts["rater"]["name"], facts["authority"]["name"]) == ("Siti", "Andi", "Baso")
    assert facts["organisation"]["pattern"] == "met"
    assert "3 dari 4" not in json.dumps(facts), "counts of a small unit tell the results of colleagues"
    assert facts["recommendation"] == "Ikut pelatihan."
    assert facts["result"]["predicate"] == "very_good"
    assert facts["plan"]["items"][0]["indicators"] == [
        {
            "aspect": "quantity",
            "text": "Akta",
            "target": "100",
            "unit": "akta",
            "actual": "120",
            "evidence": "laporan 2",
        }
    ]
    assert {role: one["outcome"] for role, one in facts["objection"]["statements"].items()} == {
        "employee": "given", "rater": "silent"}  # fmt: skip
    assert facts == exports.document_facts(session, OBJECTOR, datetime(2028, 1, 1, tzinfo=UTC))
    assert json.loads(json.dumps(facts)) == facts


def test_an_acting_rater_stands_in_the_document_with_the_mandate(light: Session):
    light.add(ActingMandate(id=1, person_id=STRANGER, principal_id=HEAD, kind=ActingKind.PLT, decree_no="SK 1",
                            from_on=date(2026, 12, 1), to_on=date(2027, 2, 1)))  # fmt: skip
    light.flush()
    light.execute(
        update(RatingRecord).where(RatingRecord.appraisal_id == EVIL).values(official_id=STRANGER, mandate_id=1)
    )
    rater = exports.document_facts(light, EVIL, NOW)["rater"]
    assert rater["name"] == "Lina"
    assert rater["mandate"] == {"kind": "plt", "decree_no": "SK 1", "post": "Jabatan 2"}


@pytest.mark.parametrize("reader", [OBJECTOR, HEAD, CHIEF, HR])
def test_the_parties_and_hr_may_read_the_document(light: Session, reader: int):
    name, document = exports.document_for(light, reader, OBJECTOR, NOW)
    assert name == "evaluasi-mamuju-2026-11-v2.pdf"
    assert document.startswith(b"%PDF-")


@pytest.mark.parametrize("reader", [AUDITOR, STRANGER, SILENT, 90, 4711])
def test_nobody_else_may_read_the_document(light: Session, reader: int):
    with pytest.raises(ActRefused, match="not_yours"):
        exports.document_for(light, reader, OBJECTOR, NOW)


def test_hr_may_read_only_as_long_as_the_role_lasts(light: Session):
    light.execute(update(RoleGrant).where(RoleGrant.person_id == HR).values(to_on=date(2027, 3, 31)))
    with pytest.raises(ActRefused, match="not_yours"):
        exports.document_for(light, HR, OBJECTOR, NOW)


def test_an_empty_cycle_is_refused(db: Database, tmp_path: Path):
    with db.transaction() as session:
        World(session, "permenpanrb-6-2022").fill()
        session.execute(update(Agency).values(contact=""))
        session.add(Cycle(id=2, agency_id=2, year=2026, pack_name="p", pack_version="1", pack="{}", pack_sha256="0",
                          plan_default_after=date(2026, 1, 14), launched_at=NOW))  # fmt: skip
    with db.reading() as session, pytest.raises(exports.ExportRefused, match="nobody was enrolled"):
        exports.write_csv(session, 2, tmp_path / "x.csv", draft=True)


def test_the_command_writes_everything_and_reports_true_counts(db: Database, tmp_path: Path):
    with db.transaction() as session:
        World(session, "permenpanrb-6-2022").fill()
    run, to = CliRunner().invoke, ["--to", str(tmp_path / "out"), "--json"]
    made = json.loads(run(app, ["results", "mamuju", "2026", *to]).stdout)
    assert [one["rows"] for one in made] == [ROSTER, ROSTER]
    assert json.loads(run(app, ["siasn", "mamuju", "2026", *to]).stdout)[0]["rows"] == 6
    assert (
        run(app, ["siasn", "mamuju", "2026", "--check", str(tmp_path / "out/siasn-mamuju-2026.jsonl")]).exit_code == 0
    )
    assert json.loads(run(app, ["credit-points", "mamuju", "2026", *to]).stdout)[0]["counts"]["granted"] == 1
    assert json.loads(run(app, ["documents", "mamuju", "2026", *to]).stdout)["documents"] == ROSTER
    names = sorted(path.name for path in (tmp_path / "out").glob("*.pdf"))
    assert len(names) == ROSTER
    assert f"{nip(OBJECTOR)}-evaluasi-mamuju-2026-11-v2.pdf" in names
    one = run(app, ["documents", "mamuju", "2026", "--nip", nip(EVIL), *to])
    assert json.loads(one.stdout) == {"folder": str(tmp_path / "out"), "documents": 1, "owed": 1}
    for refused in (["documents", "mamuju", "2026", "--nip", "1", *to], ["results", "mamuju", "2030", *to]):
        assert isinstance(run(app, refused).exception, exports.ExportRefused)
