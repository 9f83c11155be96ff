"""The parts of a zipped document: only so much is unpacked, and XML may not define entities."""

import posixpath
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from actions.tables.line import Progress, TableRefused

CHUNK = 1 << 16
UNPACKED_FREE = 64 << 20
"""Bytes that any file may unpack to."""
UNPACKED_RATIO = 100
"""Beyond them, so many times the packed size: spreadsheets pack to a tenth, bombs to a thousandth."""
DEEPEST = 64
"""Elements within elements; a sheet has seven."""


class Package:
    """A zip archive that counts what it unpacks."""

    def __init__(self, path: Path, tell: Progress) -> None:
        self.archive = zipfile.ZipFile(path)
        self.parts = {_plain(info.filename): info for info in self.archive.infolist()}
        self.packed = path.stat().st_size
        self.allowed = max(UNPACKED_FREE, self.packed * UNPACKED_RATIO)
        self.unpacked: dict[str, int] = {}
        """Of each part, however often it is gone through."""
        self.tell = tell

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self.parts

    def chunks(self, name: str, *, show: bool = False) -> Iterator[bytes]:
        """The bytes of a part, a piece at a time."""
        info = self.parts[_plain(name)]
        done = 0
        with self.archive.open(info) as part:
            while chunk := part.read(CHUNK):
                done += len(chunk)
                self.unpacked[name] = max(done, self.unpacked.get(name, 0))
                if sum(self.unpacked.values()) > self.allowed:
                    raise TableRefused(
                        f"Berkas {self.packed >> 10} kB ini terurai menjadi lebih dari {self.allowed >> 20} MB: "
                        "bukan lembar kerja yang wajar. Salin datanya ke lembar baru, lalu simpan sebagai .xlsx.",
                        f"This file of {self.packed >> 10} kB unpacks to more than {self.allowed >> 20} MB: no sane "
                        "spreadsheet. Copy the data into a new sheet and save it as .xlsx.",
                    )
                if show:
                    self.tell(min(done, info.file_size), info.file_size)
                yield chunk

    def parse(self, name: str, start: Any = None, end: Any = None, text: Any = None) -> None:
        """Run a whole part past these handlers."""
        parser = parser_for(start, end, text)
        for chunk in self.chunks(name):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)


def parser_for(
    start: Callable[[str, dict[str, str]], None] | None,
    end: Callable[[str], None] | None,
    text: Callable[[str], None] | None,
) -> Any:
    """An expat parser that refuses document types, and with them entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    if start:
        parser.StartElementHandler = start
    if end:
        parser.EndElementHandler = end
    if text:
        parser.CharacterDataHandler = text
    return parser


def _refuse_doctype(*_: object) -> None:
    raise TableRefused(
        "Lembar kerja ini memuat definisi XML yang tidak dipakai lembar kerja mana pun; berkas tidak dibaca.",
        "This spreadsheet brings XML definitions that no spreadsheet uses; it is not read.",
    )


def too_deep() -> TableRefused:
    """The refusal of elements within elements within elements."""
    return TableRefused(
        "Lembar kerja ini bersarang terlalu dalam; berkas tidak dibaca.",
        "This spreadsheet is nested too deeply; it is not read.",
    )


def _plain(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/").lower()


def local(tag: str) -> str:
    """The name of an element or attribute without the prefix of its namespace."""
    return tag.rpartition(":")[2]
