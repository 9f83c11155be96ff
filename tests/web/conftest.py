import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import settings
from database import Database

_spec = importlib.util.spec_from_file_location("office", Path(__file__).with_name("office.py"))
assert _spec is not None
assert _spec.loader is not None
office_module = importlib.util.module_from_spec(_spec)
sys.modules["office"] = office_module
_spec.loader.exec_module(office_module)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("APPRAISAL_SECRET", "s" * 64)
    monkeypatch.setenv("APPRAISAL_BASE_URL", office_module.HOST)
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


@pytest.fixture
def office(db: Database) -> Any:
    """The agency with its cycle launched and everybody enrolled; no stage is open yet."""
    return office_module.Office(db).found()


@pytest.fixture
def app() -> Any:
    from web.app import create_app

    return create_app()


@pytest.fixture
def browser(app: Any, office: Any) -> Callable[[], Any]:
    return lambda: office_module.Browser(app, office)
