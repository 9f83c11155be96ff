"""The five example agencies are whole: their files are read, their rosters are sound, their calendars leave room."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import policies
from actions.roster.agency_files import AgencyFolder, read_agency
from actions.roster.files import read_roster
from examples.make_rosters import AGENCIES, roster_csv
from rules.files.agency_files import AgencyFileRefused, YearDay
from rules.pack.pack import Pack
from rules.roster.doctor import Examination, examine
from rules.terms import ActingKind, EmploymentKind, Role, StageKind

EXAMPLES = Path(__file__).parent.parent / "examples"
CODES = ("mamuju", "palu", "samarinda", "bukittinggi", "sabangau")
TODAY = date(2026, 11, 24)


@pytest.fixture(params=CODES)
def folder(request: pytest.FixtureRequest) -> AgencyFolder:
    return read_agency(EXAMPLES / request.param)


def examined(folder: AgencyFolder, today: date = TODAY) -> Examination:
    return examine(read_roster(folder.roster), today)


def test_there_are_five_and_each_says_what_it_shows() -> None:
    assert tuple(agency.code for agency in AGENCIES) == CODES
    for code in CODES:
        assert (EXAMPLES / code / "README.md").read_text().startswith("# ")


@pytest.mark.parametrize("code", CODES)
def test_making_the_rosters_again_gives_the_committed_files(code: str) -> None:
    assert (EXAMPLES / code / "roster.csv").read_bytes() == roster_csv(code).encode()


@pytest.mark.parametrize("today", [TODAY, date(2027, 1, 4), date(2027, 7, 1), date(2028, 2, 1)])
def test_the_doctor_finds_nothing_that_blocks_through_the_year(folder: AgencyFolder, today: date) -> None:
    examination = examined(folder, today)
    assert [problem for problem in examination.problems if problem.blocks] == []
    assert examination.counts["accepted"] == examination.counts["rows"]


def test_people_are_invented_and_nobody_is_in_two_agencies() -> None:
    rows = [row for code in CODES for row in examined(read_agency(EXAMPLES / code)).rows_ok]
    assert len({row.nip for row in rows}) == len({row.email for row in rows}) == len(rows)
    assert all(row.email.endswith(tuple(f"@{code}.example" for code in CODES)) for row in rows)


def test_every_agency_has_its_offices_and_three_auditors_outside_all_lines(folder: AgencyFolder) -> None:
    rows = examined(folder).rows_ok
    holders = {role: [row for row in rows if role in row.roles] for role in Role}
    assert len(holders[Role.PERFORMANCE_ADMIN]) == 2
    assert [row.superior_nip for row in holders[Role.APPOINTING_AUTHORITY]] == [""]
    assert len(holders[Role.AUDITOR]) >= 3
    superiors = {row.superior_nip for row in rows}
    assert all(not row.superior_nip and row.nip not in superiors for row in holders[Role.AUDITOR])


def test_sizes_are_as_announced() -> None:
    sizes = {code: examined(read_agency(EXAMPLES / code)).counts["rows"] for code in CODES}
    assert 110 <= sizes.pop("samarinda") <= 130
    assert all(20 <= size <= 60 for size in sizes.values())


@pytest.mark.parametrize("code", ["mamuju", "samarinda"])
def test_a_rater_on_leave_has_somebody_who_acts_just_as_long(code: str) -> None:
    rows = examined(read_agency(EXAMPLES / code)).rows_ok
    (actor,) = [row for row in rows if row.mandate]
    mandate = actor.mandate
    assert mandate
    principal = next(row for row in rows if row.nip == mandate.principal_nip)
    assert mandate.kind is ActingKind.PLH
    assert principal.away
    assert (principal.away.from_on, principal.away.to_on) == (mandate.from_on, mandate.to_on)
    assert any(row.superior_nip == principal.nip for row in rows)


def test_special_cases_are_spread_over_the_examples() -> None:
    rows = [row for code in CODES for row in examined(read_agency(EXAMPLES / code)).rows_ok]
    assert {row.employment for row in rows} == set(EmploymentKind)
    assert any(row.active_to for row in rows)
    assert len({row.away.kind for row in rows if row.away}) >= 5


def test_an_elected_head_has_no_nip_rates_and_is_not_rated() -> None:
    folder = read_agency(EXAMPLES / "palu")
    raw = next(row for row in csv.DictReader(folder.roster.open(encoding="utf-8")) if row["post"] == "Wali Kota")
    assert (raw["nip"], raw["employment"]) == ("", "state_official")
    rows = examined(folder).rows_ok
    (official,) = [row for row in rows if row.employment is EmploymentKind.STATE_OFFICIAL]
    assert (official.name, official.superior_nip) == (raw["name"], "")
    assert {row.post for row in rows if row.superior_nip == official.nip} == {"Sekretaris Daerah"}


def test_every_job_family_of_the_roster_has_indicators_and_none_is_left_over(folder: AgencyFolder) -> None:
    used = {row.job_family for row in examined(folder).rows_ok} - {""}
    assert used == set(folder.indicators.families)


def test_who_is_appraised_has_a_job_family(folder: AgencyFolder) -> None:
    assert all(row.job_family for row in examined(folder).rows_ok if row.superior_nip)


def test_the_policy_is_a_pack_that_takes_the_overrides(folder: AgencyFolder) -> None:
    policy = folder.agency.policy
    assert policy.pack in policies.names()
    overrides = folder.agency.policy_overrides
    merged = policies.load(policy.pack).model_dump(mode="json") | dict(overrides)
    pack = Pack.model_validate(merged)
    assert folder.agency.evaluation_period in pack.eval_periods
    month, day = pack.plan_default_after.split("-")
    assert folder.calendar.plan_default_after == YearDay(0, int(month), int(day))


@pytest.mark.parametrize("year", range(2025, 2029))
def test_the_calendar_leaves_room_for_the_slowest_objection_and_ends_by_march(folder: AgencyFolder, year: int) -> None:
    pack = policies.load(folder.agency.policy.pack)
    stages = folder.calendar.for_year(year)
    issued = stages[StageKind.OBJECTION_HANDLING].opens_on
    slowest = pack.deemed_receipt_days + pack.objection_days + pack.statement_days + pack.decision_days
    assert issued - stages[StageKind.SUPERVISOR_SCORING].closes_on == timedelta(days=1)
    assert issued + timedelta(days=slowest + 2) <= stages[StageKind.OBJECTION_HANDLING].closes_on
    assert stages[StageKind.AUDIT_SAMPLING].opens_on > stages[StageKind.SUPERVISOR_SCORING].closes_on
    audit = stages[StageKind.AUDIT_SAMPLING]
    assert audit.closes_on - audit.opens_on >= timedelta(days=42), "draw, work, and two rounds of ten working days"
    assert stages[StageKind.FINALIZATION].closes_on == date(year + 1, 3, 31)
    assert stages[StageKind.TARGET_SETTING].closes_on == date(year, 1, 31)


def test_local_holidays_are_known_in_both_years(folder: AgencyFolder) -> None:
    holidays = folder.calendar.holidays_for(2027)
    assert {day.year for day in holidays} == {2027, 2028}


# what is wrong in an agency's files is named


def agency_at(tmp_path: Path, file: str = "", change: Any = None) -> Path:
    tmp_path.mkdir(exist_ok=True)
    for name in ("agency.yaml", "calendar.yaml", "indicators.yaml", "roster.csv"):
        (tmp_path / name).write_bytes((EXAMPLES / "mamuju" / name).read_bytes())
    if file:
        content = yaml.safe_load((tmp_path / file).read_text())
        change(content)
        (tmp_path / file).write_text(yaml.safe_dump(content))
    return tmp_path


def change_stage(kind: str, **days: str) -> Any:
    return lambda content: content["stages"][kind].update(days)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("agency.yaml", lambda c: c.update(zone="Asia/Tokyo"), r"agency\.yaml: zone: "),
        ("agency.yaml", lambda c: c.update(contact="siapa saja"), r"agency\.yaml: contact: "),
        ("agency.yaml", lambda c: c.update(colour="red"), r"agency\.yaml: colour: "),
        ("agency.yaml", lambda c: c.pop("policy"), r"agency\.yaml: policy: "),
        (
            "calendar.yaml",
            change_stage("target_setting", due="Y-02-30"),
            r"calendar\.yaml: stages\.target_setting\.due",
        ),
        ("calendar.yaml", change_stage("target_setting", due="Y-02-29"), "does not exist in every year"),
        ("calendar.yaml", change_stage("target_setting", due="24 Jan"), "write Y-01-31"),
        ("calendar.yaml", change_stage("target_setting", due="Y-02-01"), "opens < due <= closes"),
        ("calendar.yaml", change_stage("mid_year_review", opens="Y-01-31"), "mid_year_review opens after"),
        ("calendar.yaml", change_stage("supervisor_scoring", opens="Y-07-17"), "supervisor_scoring opens after"),
        ("calendar.yaml", change_stage("objection_handling", opens="Y+1-01-20"), "objection_handling opens after"),
        ("calendar.yaml", change_stage("audit_sampling", opens="Y+1-01-20"), "audit_sampling opens after"),
        ("calendar.yaml", change_stage("objection_handling", closes="Y+1-03-23"), "after objection_handling closes"),
        ("calendar.yaml", change_stage("audit_sampling", closes="Y+1-03-23"), "after audit_sampling closes"),
        ("calendar.yaml", lambda c: c.update(plan_default_after="Y-02-01"), "plan_default_after lies within"),
        ("calendar.yaml", lambda c: c["stages"].pop("audit_sampling"), "stages are missing: audit_sampling"),
        ("calendar.yaml", lambda c: c["holidays"][0].update(day="02-30"), r"calendar\.yaml: holidays\.0\.day"),
        ("indicators.yaml", lambda c: c["families"]["guru"].update({"items": []}), r"families\.guru\.items"),
        (
            "indicators.yaml",
            lambda c: c["families"]["guru"]["items"][0]["indicators"][0].update(target=0),
            r"families\.guru\.items\.0\.indicators\.0\.target",
        ),
        (
            "indicators.yaml",
            lambda c: [item.update(kind="additional") for item in c["families"]["guru"]["items"]],
            "at least one item must be main",
        ),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, file: str, change: Any, words: str) -> None:
    with pytest.raises(AgencyFileRefused, match=words):
        read_agency(agency_at(tmp_path, file, change))


def test_all_mistakes_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    directory = agency_at(tmp_path, "agency.yaml", lambda content: content.pop("name"))
    (directory / "calendar.yaml").write_text("stages: [")
    (directory / "indicators.yaml").unlink()
    (directory / "roster.csv").unlink()
    with pytest.raises(AgencyFileRefused) as refused:
        read_agency(directory)
    assert [fault.split(":")[0].split("/")[-1] for fault in refused.value.faults] == [
        "agency.yaml",
        "calendar.yaml",
        "indicators.yaml",
        directory.name,
    ]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgencyFileRefused, match="no such folder"):
        read_agency(tmp_path / "nowhere")


def test_a_roster_may_be_a_sheet_and_waivers_may_lie_beside_it(tmp_path: Path) -> None:
    directory = agency_at(tmp_path)
    assert read_agency(directory).waivers is None
    (directory / "roster.csv").rename(directory / "roster.xlsx")
    (directory / "waivers.csv").write_text("nip,code,reason\n")
    folder = read_agency(directory)
    assert folder.roster.name == "roster.xlsx"
    assert folder.waivers == directory / "waivers.csv"


def _first(content: Any) -> Any:
    return content["families"]["guru"]["items"][0]["indicators"][0]


@pytest.mark.parametrize("file", ["agency.yaml", "calendar.yaml", "indicators.yaml"])
@pytest.mark.parametrize("value", ["!!bool foo", "!!timestamp foo", "!!int ''", "!!float ''", "!mine x", "!!str 5",
                                   "2026-02-30", "!!map [1]"])  # fmt: skip
def test_a_value_with_a_tag_or_none_is_refused_with_its_file_and_line(tmp_path: Path, file: str, value: str) -> None:
    directory = agency_at(tmp_path)
    text = f"# first\nx: {value}\n" + (directory / file).read_text("utf-8")
    (directory / file).write_text(text, "utf-8")
    with pytest.raises(AgencyFileRefused, match=rf"^{file}: cannot be read: line 2: "):
        read_agency(directory)


@pytest.mark.parametrize("value", ["[1, 2]", "{a: b}"])
def test_a_key_that_is_no_text_is_refused(tmp_path: Path, value: str) -> None:
    directory = agency_at(tmp_path)
    (directory / "agency.yaml").write_text(f"? {value}\n: x\n", "utf-8")
    with pytest.raises(AgencyFileRefused, match=r"^agency\.yaml: "):
        read_agency(directory)


@pytest.mark.parametrize("target", ["1e400", "1e5000", "1e-400", "9" * 32, "١٢", "true", True, "1.00001", float("inf")])
def test_a_target_that_no_form_takes_is_refused(tmp_path: Path, target: object) -> None:
    directory = agency_at(tmp_path, "indicators.yaml", lambda content: _first(content).update(target=target))
    with pytest.raises(AgencyFileRefused, match=r"families\.guru\.items\.0\.indicators\.0\.target"):
        read_agency(directory)


@pytest.mark.parametrize("text", ["", "   ", "\u202e\u200b", "x" * 100_000])
def test_a_text_that_is_empty_or_endless_is_refused_wherever_it_stands(tmp_path: Path, text: str) -> None:
    for number, (file, change) in enumerate({
        "agency.yaml": lambda content: content.update(name=text),
        "indicators.yaml": lambda content: _first(content).update(unit=text, text=text),
        "calendar.yaml": lambda content: content["holidays"][0].update(name=text),
    }.items()):  # fmt: skip
        with pytest.raises(AgencyFileRefused, match=file):
            read_agency(agency_at(tmp_path / str(number), file, change))


def test_what_nobody_sees_is_taken_out_of_the_words_of_an_agency(tmp_path: Path) -> None:
    text = "Kota\u202e \0Palu\a\r\nRaya "
    directory = agency_at(tmp_path, "agency.yaml", lambda content: content.update(name=text))
    assert read_agency(directory).agency.name == "Kota Palu Raya"
