"""Merkle trees of RFC 6962, with the inclusion and consistency proofs of RFC 9162. Hashes are lower-case hex."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").hexdigest()


def leaf_hash(leaf: bytes) -> str:
    return sha256(b"\0" + leaf).hexdigest()


def _node(left: str, right: str) -> str:
    return sha256(b"\1" + bytes.fromhex(left + right)).hexdigest()


def roster_leaves(roster: bytes) -> list[bytes]:
    """One leaf per appraisal: the lines after the header, without LF."""
    return roster.split(b"\n")[1:-1]


class Tree:
    """Built once; each proof then costs one look-up per level, so every employee can be given one."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = [leaf_hash(leaf) for leaf in leaves]
        self.size = len(level)
        self._levels = [level]
        while len(level) > 1:
            paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            # A last node without a partner moves up as it is; this is the same as splitting at powers of two.
            level = paired + level[len(paired) * 2 :]
            self._levels.append(level)

    @property
    def root(self) -> str:
        return self._levels[-1][0] if self.size else EMPTY

    def inclusion(self, index: int) -> list[str]:
        """The path from leaf `index` (from 0) up to the root."""
        if not 0 <= index < self.size:
            raise IndexError(f"no leaf {index} among {self.size}")
        path = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                path.append(level[index ^ 1])
            index >>= 1
        return path

    def consistency(self, first: int) -> list[str]:
        """Proves that the tree of the `first` leaves is the beginning of this one."""
        if not 0 < first <= self.size:
            raise IndexError(f"no tree of {first} leaves within {self.size}")
        return self._subproof(first, 0, self.size, whole=True)

    def _subproof(self, first: int, start: int, end: int, *, whole: bool) -> list[str]:
        if first == end - start:
            return [] if whole else [self._subtree(start, end)]
        split = 1 << (end - start - 1).bit_length() - 1
        if first <= split:
            inner = self._subproof(first, start, start + split, whole=whole)
            return [*inner, self._subtree(start + split, end)]
        inner = self._subproof(first - split, start + split, end, whole=False)
        return [*inner, self._subtree(start, start + split)]

    def _subtree(self, start: int, end: int) -> str:
        level = (end - start - 1).bit_length()
        return self._levels[level][start >> level]


def root(leaves: Iterable[bytes]) -> str:
    return Tree(leaves).root


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[str], root: str) -> bool:
    """Whether `leaf` is number `index` (from 0) of the `size` leaves under `root`; malformed proofs are just false."""
    if not 0 <= index < size or not _all_hashes(proof):
        return False
    here, last, found = index, size - 1, leaf_hash(leaf)
    for step in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = _node(step, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = _node(found, step)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(first: int, second: int, first_root: str, second_root: str, proof: Sequence[str]) -> bool:
    """Whether the tree of `second` leaves only added leaves after those of the tree of `first`."""
    if not 0 < first <= second or not _all_hashes(proof):
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    here, last = first - 1, second - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = _node(step, old), _node(step, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = _node(new, step)
        here, last = here >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


def _all_hashes(proof: Sequence[str]) -> bool:
    return all(len(step) == 64 and set(step) <= set("0123456789abcdef") for step in proof)
