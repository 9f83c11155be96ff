"""Write a workbook that stands at its place whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from private_files import replacing


@contextmanager
def new_workbook(path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
    """An XLSX that takes the place of `path` once it is written; OSError if it cannot be, and then nothing does."""
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    try:
        with replacing(path) as beside, xlsxwriter.Workbook(str(beside), dict(options)) as book:
            yield book
    except FileCreateError as error:  # its own kind, which no OSError is; that lies within
        cause = error.args[0] if error.args and isinstance(error.args[0], OSError) else OSError(str(error))
        raise OSError(cause.errno, cause.strerror or str(cause), str(path)) from error
