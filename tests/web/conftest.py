import importlib.util
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import database
import settings
from database import Database


def _beside(name: str) -> Any:
    """A module of this folder, under its own name."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


office_module = _beside("office")
_beside("gallery")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APPRAISAL_SECRET", "s" * 64)
    monkeypatch.setenv("APPRAISAL_BASE_URL", office_module.HOST)
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


@pytest.fixture(scope="session")
def prepared(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Any]:
    """The agency with its cycle launched, and perhaps a stage open, made once and copied for every test."""

    @cache
    def prepare(stage: Any) -> tuple[Path, dict[str, int]]:
        path = tmp_path_factory.mktemp("office") / "appraisal.db"
        shutil.copy(migrated, path)
        made = Database(f"sqlite:///{path}")
        database.use(made)
        office = office_module.Office(made).found()
        if stage is not None:
            office.open(stage)
        database.use(None)
        made.close()
        return path, office.people

    return prepare


@pytest.fixture
def office(request: pytest.FixtureRequest, prepared: Any, tmp_path: Path) -> Any:
    """The agency in a database of its own; the stage that the module names as STAGE is open."""
    path, people = prepared(getattr(request.module, "STAGE", None))
    shutil.copy(path, tmp_path / "appraisal.db")
    made = Database(f"sqlite:///{tmp_path}/appraisal.db")
    database.use(made)
    yield office_module.Office(made, dict(people))
    database.use(None)
    made.close()


@pytest.fixture
def app() -> Any:
    from web.app import create_app

    return create_app()


@pytest.fixture
def browser(app: Any, office: Any) -> Callable[[], Any]:
    return lambda: office_module.Browser(app, office)
