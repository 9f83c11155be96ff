"""The tiny office of the page tests as the target, and a robot that presses whatever it finds."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import database
from database import Database
from simulation.mailbox import Mailbox, serve
from tests.actions.conftest import lived, world_at
from tests.web.conftest import app, browser, environment, office, prepared

__all__ = ["app", "browser", "environment", "lived", "office", "prepared", "world_at"]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """A mail server in a thread, and its port."""
    box, port = Mailbox(), free_port()
    server = serve(box, port)
    yield box, port
    server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def office_in(prepared: Any, tmp_path: Path) -> Iterator[Any]:
    """`office_in(stage)`: the office with that stage open, for tests that need another than their module's."""
    from office import Office

    made: list[Database] = []

    def open_at(stage: Any) -> Any:
        path, people = prepared(stage)
        shutil.copy(path, tmp_path / f"office{len(made)}.db")
        made.append(Database(f"sqlite:///{tmp_path}/office{len(made)}.db"))
        database.use(made[-1])
        return Office(made[-1], dict(people))

    yield open_at
    database.use(None)
    for db in made:
        db.close()
