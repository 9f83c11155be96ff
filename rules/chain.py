"""The hash chain of the trail: canonical JSON, chained hashes, salted commitments."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

ZERO = "0" * 64


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8; floats are refused, times are given as text. Equals RFC 8785 on this subset."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value} is a float: a hash needs text or a whole number")
    if isinstance(value, Mapping):
        for key, part in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is not text")
            _refuse_floats(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_floats(part)


def chain_hash(prev: str, event: Mapping[str, Any]) -> str:
    return hashlib.sha256(prev.encode() + b"\n" + canonical_json(event)).hexdigest()


def commitment(salt: bytes, content: Any) -> str:
    """Commit to content that must not stand in the chain; without the 16 salt bytes it cannot be guessed."""
    return hashlib.sha256(b"appraisal-commit/1\n" + salt + b"\n" + canonical_json(content)).hexdigest()
