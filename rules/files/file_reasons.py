"""Why a file or a folder cannot be used, in words for people, in both languages."""

import errno
import os
from collections.abc import Mapping

REASONS: Mapping[int, tuple[str, str]] = {
    errno.ENOENT: ("tidak ada", "is not there"),
    errno.ENOTDIR: ("bukan folder", "is no folder"),
    errno.EISDIR: ("adalah folder, bukan berkas", "is a folder, not a file"),
    errno.EEXIST: ("sudah ada", "is there already"),
    errno.EACCES: ("tidak boleh dibuka", "may not be opened"),
    errno.EPERM: ("tidak boleh dibuka", "may not be opened"),
    errno.EROFS: ("hanya dapat dibaca", "can only be read"),
    errno.ENOSPC: ("tidak muat: cakram penuh", "does not fit: the disk is full"),
    errno.EDQUOT: ("tidak muat: kuota habis", "does not fit: the quota is used up"),
    errno.ENAMETOOLONG: ("bernama terlalu panjang", "has too long a name"),
    errno.EFBIG: ("terlalu besar", "is too large"),
    errno.EINVAL: ("bukan berkas biasa", "is no ordinary file"),
    errno.ELOOP: ("tautan yang berputar", "is a link that leads to itself"),
    errno.EIO: ("rusak atau cakramnya rusak", "is damaged, or its disk is"),
}


def reason(error: OSError) -> tuple[str, str]:
    """Indonesian and English; the words of the system where we have none of our own."""
    known = REASONS.get(error.errno or 0)
    if known:
        return known
    words = error.strerror or (os.strerror(error.errno) if error.errno else str(error))
    return f"tidak dapat dipakai ({words})", f"cannot be used ({words})"
