"""Read the folder of an agency: agency.yaml, calendar.yaml, indicators.yaml, and where its roster lies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rules.files.agency_files import AgencyFile, AgencyFileRefused, CalendarFile, IndicatorsFile, faults_of
from rules.files.yaml_keys import (
    MOST_BYTES,
    MOST_VALUES,
    Repeated,
    repeated_keys,
    strict_loader,
    unreadable_values,
    written_out,
)

ROSTERS = (".csv", ".xlsx", ".xlsm", ".xls", ".ods", ".xlsb", ".tsv", ".txt", ".htm", ".html")
"""Endings of a roster; what the file really is, its first bytes say."""

SHOWN = 60
"""So much of a value that is refused."""

Content = TypeVar("Content", bound=BaseModel)


@dataclass(frozen=True)
class AgencyFolder:
    directory: Path
    agency: AgencyFile
    calendar: CalendarFile
    indicators: IndicatorsFile
    roster: Path
    waivers: Path | None
    """waivers.csv, if the agency has any."""


def read_agency(directory: Path) -> AgencyFolder:
    """Read and check an agency's folder; AgencyFileRefused names every fault of every file at once."""
    if not directory.is_dir():
        raise AgencyFileRefused([f"{directory}: no such folder"])
    faults: list[str] = []
    agency = _read(directory / "agency.yaml", AgencyFile, faults)
    calendar = _read(directory / "calendar.yaml", CalendarFile, faults)
    indicators = _read(directory / "indicators.yaml", IndicatorsFile, faults)
    roster = _roster(directory, faults)
    if faults or not (agency and calendar and indicators and roster):
        raise AgencyFileRefused(faults)
    return AgencyFolder(directory, agency, calendar, indicators, roster, waivers_beside(roster))


def _roster(directory: Path, faults: list[str]) -> Path | None:
    """The one roster of the folder, in any format and letter case; two are refused, for either could be meant."""
    rosters = sorted(
        path for path in directory.iterdir()
        if path.stem.casefold() == "roster" and path.suffix.casefold() in ROSTERS and path.is_file()
    )  # fmt: skip
    if not rosters:
        faults.append(f"{directory}: roster.csv or roster.xlsx is missing ({', '.join(ROSTERS)} are looked for)")
    if len(rosters) > 1:
        names = ", ".join(path.name for path in rosters)
        faults.append(f"{directory}: two rosters, {names}: HR keeps the one that holds and moves the others away")
    return rosters[0] if len(rosters) == 1 else None


def waivers_beside(roster: Path) -> Path | None:
    """The file of waivers in the folder of a roster, in any letter case."""
    if not roster.parent.is_dir():
        return None
    named = (path for path in sorted(roster.parent.iterdir()) if path.name.casefold() == "waivers.csv")
    return next((path for path in named if path.is_file()), None)


def _read(path: Path, model: type[Content], faults: list[str]) -> Content | None:
    import yaml

    try:
        content, repeated = _content(_text(path))
        faults.extend(
            f"{path.name}: line {one.line}: the key {one.key!r} stands in line {one.first} already: HR keeps one"
            for one in repeated
        )
        return model.model_validate(content)
    except FileNotFoundError:
        faults.append(f"{path.name}: is missing in {path.parent}")
    except ValidationError as error:
        faults.extend(faults_of(path.name, error))
    except RecursionError:
        faults.append(f"{path.name}: is nested too deeply")
    except (yaml.YAMLError, ValueError, OSError) as error:  # a day or a number that does not exist is a ValueError
        faults.append(f"{path.name}: cannot be read: {' '.join(str(error).split())}")
    return None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES // 1024} kB: HR leaves what belongs there")
    return data.decode("utf-8-sig")


def _content(text: str) -> tuple[Any, list[Repeated]]:
    """What the file says, and the keys it says twice."""
    loader = strict_loader()(text)
    try:
        tree = loader.get_single_node()
        if tree is None:
            return None, []
        if (values := written_out(tree)) > MOST_VALUES:
            raise ValueError(
                f"its anchors stand for {values} keys and values, {MOST_VALUES} at most: HR writes them out"
            )
        repeated = list(repeated_keys(tree))  # before the loader puts what `<<` brings among the keys
        for value, line, why in unreadable_values(tree, loader.construct_object):
            raise ValueError(f"line {line}: {value[:SHOWN]!r} is no value: {why}")
        return loader.construct_document(tree), repeated
    finally:
        loader.dispose()
