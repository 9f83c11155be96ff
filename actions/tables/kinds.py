"""What a file is: its first bytes decide, never its name."""

import re
import zipfile
from pathlib import Path

from actions.tables.line import TableRefused

HEAD = 8192
_NAMED = (
    (b"%PDF", "PDF", "a PDF"),
    (b"{\\rtf", "dokumen RTF", "an RTF document"),
    (b"\x1f\x8b", "arsip gzip", "a gzip archive"),
    (b"7z\xbc\xaf", "arsip 7z", "a 7z archive"),
    (b"Rar!", "arsip RAR", "a RAR archive"),
    (b"\x89PNG", "gambar PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "gambar JPEG", "a JPEG picture"),
    (b"GIF8", "gambar GIF", "a GIF picture"),
    (b"SQLite format 3", "basis data SQLite", "an SQLite database"),
    (b"\x00\x01\x00\x00Standard", "basis data Access", "an Access database"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def refused_as(indonesian: str, english: str) -> TableRefused:
    """The refusal of a file that is something else."""
    return TableRefused(
        f"Berkas ini sebenarnya {indonesian}, bukan tabel yang dapat dibaca. Simpan ulang sebagai .xlsx atau "
        "CSV UTF-8.",
        f"This file is really {english}, not a table that can be read. Save it again as .xlsx or as CSV in UTF-8.",
    )


def kind_of(path: Path) -> str:
    """csv, xlsx, xls, ods, html or xml2003; TableRefused says what anything else is."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise TableRefused(
            "Berkas kosong: 0 byte. Ekspor atau unduh ulang.",
            "The file is empty: 0 bytes. Export or download it again.",
        )
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_kind(path)
    if head.startswith(_OLE):
        return _ole_kind(path)
    for magic, indonesian, english in _NAMED:
        if head.startswith(magic):
            raise refused_as(indonesian, english)
    if head[:4] in (b"\x09\x08\x10\x00", b"\x09\x08\x08\x00", b"\x09\x04\x06\x00", b"\x09\x00\x04\x00"):
        raise refused_as("lembar kerja Excel yang sangat lama", "a very old Excel sheet")
    return _text_kind(head)


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lower().replace("\\", "/").lstrip("/") for name in archive.namelist()}
            mimetype = archive.read("mimetype")[:200].decode("ascii", "replace") if _small(archive) else ""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError) as error:
        raise TableRefused(
            "Lembar kerja tidak dapat dibuka: berkas rusak atau tidak lengkap. Unduh atau simpan ulang.",
            "The spreadsheet cannot be opened: damaged or incomplete. Download it or save it again.",
        ) from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "opendocument.spreadsheet" in mimetype:
        return "ods"
    if "xl/workbook.bin" in names:
        raise refused_as("lembar kerja biner Excel (.xlsb)", "a binary Excel workbook (.xlsb)")
    if "word/document.xml" in names or "opendocument.text" in mimetype:
        raise refused_as("dokumen pengolah kata", "a word-processor document")
    if "ppt/presentation.xml" in names:
        raise refused_as("presentasi", "a presentation")
    if any(name.startswith("index/") and name.endswith(".iwa") for name in names):
        raise refused_as("dokumen Apple Numbers", "an Apple Numbers document")
    raise refused_as("arsip ZIP", "a ZIP archive")


def _small(archive: zipfile.ZipFile) -> bool:
    return any(info.filename == "mimetype" and info.file_size < 1000 for info in archive.infolist())


def _ole_kind(path: Path) -> str:
    names = {
        name: name.encode("utf-16-le")
        for name in ("Workbook", "Book", "EncryptedPackage", "WordDocument", "PowerPoint")
    }
    seen: set[str] = set()
    with path.open("rb") as file:
        tail = b""
        while chunk := file.read(1 << 20):
            block = tail + chunk
            seen.update(name for name, mark in names.items() if mark in block)
            tail = block[-64:]
    if "EncryptedPackage" in seen:
        raise TableRefused(
            "Lembar kerja ini dilindungi kata sandi. Hapus kata sandinya, lalu simpan ulang sebagai .xlsx.",
            "This spreadsheet is protected by a password. Remove it, then save it again as .xlsx.",
        )
    if seen & {"Workbook", "Book"}:
        return "xls"
    if "WordDocument" in seen:
        raise refused_as("dokumen Word", "a Word document")
    raise refused_as("dokumen Office lama lain", "another old Office document")


def _text_kind(head: bytes) -> str:
    text = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n").lower()
    if text.startswith(b"mime-version:") or b"content-type: multipart/related" in text[:2000]:
        raise refused_as("halaman web tersimpan (MHTML)", "a saved web page (MHTML)")
    if text.startswith(b"<"):
        if b"urn:schemas-microsoft-com:office:spreadsheet" in text:
            return "xml2003"
        if re.search(rb"<(!doctype html|html|table|head|body|meta|style|div|center)\b", text):
            return "html"
        raise refused_as("dokumen XML", "an XML document")
    if text.startswith((b"{", b"[{")):
        raise refused_as("data JSON", "JSON data")
    plain = head if _wide(head) else head.translate(None, b"\t\n\r\x0b\x0c\x1a\x1b")
    strange = 0 if _wide(head) else sum(byte < 32 for byte in plain)
    if strange * 20 > len(plain):
        raise refused_as("data biner", "binary data")
    return "csv"


def _wide(head: bytes) -> bool:
    """Whether the text has two or four bytes to a character."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return True
    even, odd = head[::2].count(0), head[1::2].count(0)
    return max(even, odd) * 10 > len(head[::2]) * 6 and min(even, odd) * 10 < len(head[::2])
