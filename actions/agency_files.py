"""Read the folder of an agency: agency.yaml, calendar.yaml, indicators.yaml, and where its roster lies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rules.agency_files import AgencyFile, AgencyFileRefused, CalendarFile, IndicatorsFile, faults_of
from rules.yaml_keys import Repeated, repeated_keys

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
    roster = next((path for name in ("roster.csv", "roster.xlsx") if (path := directory / name).is_file()), None)
    if roster is None:
        faults.append(f"{directory}: roster.csv or roster.xlsx is missing")
    if faults or not (agency and calendar and indicators and roster):
        raise AgencyFileRefused(faults)
    waivers = directory / "waivers.csv"
    return AgencyFolder(directory, agency, calendar, indicators, roster, waivers if waivers.is_file() else None)


def _read(path: Path, model: type[Content], faults: list[str]) -> Content | None:
    import yaml

    try:
        content, repeated = _content(path.read_text(encoding="utf-8"))
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


def _content(text: str) -> tuple[Any, list[Repeated]]:
    """What the file says, and the keys it says twice."""
    import yaml

    loader = yaml.SafeLoader(text)
    try:
        tree = loader.get_single_node()
        if tree is None:
            return None, []
        repeated = list(repeated_keys(tree))  # before the loader puts what `<<` brings among the keys
        return loader.construct_document(tree), repeated
    finally:
        loader.dispose()
