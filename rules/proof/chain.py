"""The trail's hash chain: one byte form for every event, each hash over the one before it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

ZERO = "0" * 64
"""What stands before the first event."""

SALT_BYTES = 16


def canonical_json(obj: Any) -> bytes:
    """UTF-8, keys sorted, no spaces, no LF; on what it accepts, the bytes of RFC 8785.

    Accepts strings, integers, booleans, None, lists and objects with ASCII keys. A float raises TypeError (its text
    differs between languages), so do dates and decimals: pass text. Half a surrogate pair raises ValueError.
    """
    text = json.dumps(_checked(obj), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def _checked(obj: Any) -> Any:
    if obj is None or isinstance(obj, str | bool | int):
        return obj
    if isinstance(obj, list | tuple):
        return [_checked(part) for part in obj]
    if isinstance(obj, Mapping):
        for key in obj:
            if not (isinstance(key, str) and key.isascii()):
                raise TypeError(f"{key!r} cannot be a key in the trail: keys are ASCII text")
        return {key: _checked(value) for key, value in obj.items()}
    raise TypeError(f"{obj!r} cannot stand in the trail: write a {type(obj).__name__} as text")


def chain_hash(prev: str, event: Mapping[str, Any]) -> str:
    """The hash of an event that follows `prev` (64 lower-case hex digits, `ZERO` for the first)."""
    if len(prev) != 64 or not set(prev) <= set("0123456789abcdef"):
        raise ValueError(f"{prev!r} is not a hash of the chain")
    return sha256(prev.encode("ascii") + b"\n" + canonical_json(event)).hexdigest()


def commitment(salt: bytes, content: Any) -> str:
    """Binds to content without showing it; once the salt is deleted it says nothing any more. The salt is 16 bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return sha256(b"appraisal-commit/1\n" + salt + b"\n" + canonical_json(content)).hexdigest()
