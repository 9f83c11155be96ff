"""How tasks fail: tried again if it passes by itself, and told without any value that was at hand."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

ROOT = Path(__file__).parent.parent


class Broken(Exception):
    """What went wrong and where. Prefect shows it to everybody, so it carries no message of the error itself:
    a database says "Key (email)=(...) already exists" and a KeyError may quote a name."""

    def __init__(self, text: str, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


@contextmanager
def guarded() -> Iterator[None]:
    """Turn any error into `Broken`: its type, SQLSTATE and the lines of ours that it came through."""
    try:
        yield
    except Exception as error:
        raise Broken(_describe(error), _passes(error)) from None


def _describe(error: Exception) -> str:
    kind = type(error.orig if isinstance(error, DBAPIError) and error.orig else error).__name__
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _ours(frame.filename)]
    where = " <- ".join(f"{Path(f.filename).relative_to(ROOT)}:{f.lineno} {f.name}" for f in reversed(frames[1:]))
    return f"{kind}{f' ({state})' if state else ''} at {where or 'an unknown place'}"


def _ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(ROOT) and "site-packages" not in path.parts


def _passes(error: Exception) -> bool:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, OperationalError | InterfaceError)


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, Broken) and error.passing


RETRY: dict[str, Any] = {"retries": 3, "retry_delay_seconds": [2, 10, 60], "retry_condition_fn": _may_pass}
"""For every task that touches the database: a lost or busy one is tried again, anything else would fail again."""
