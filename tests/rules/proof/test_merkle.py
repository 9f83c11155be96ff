from hashlib import sha256
from pathlib import Path

import pytest

from rules.proof.merkle import EMPTY, Tree, leaf_hash, root, roster_leaves, verify_consistency, verify_inclusion

ROSTER = (Path(__file__).parents[1] / "golden" / "roster12.csv").read_bytes()
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
MANY = [f"leaf {number}".encode() for number in range(20)]
OTHER = "f" * 64


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) < 2:
        return sha256(b"\0" + leaves[0]).digest() if leaves else sha256().digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


def test_known_roots() -> None:
    assert root(LEAVES) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert root(LEAVES[:3]) == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert leaf_hash(b"L123456") == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert root([]) == EMPTY == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_root_of_a_roster_is_over_its_lines_without_the_header() -> None:
    assert roster_leaves(ROSTER)[0] == b"A001,G"
    assert len(roster_leaves(ROSTER)) == 12
    assert root(roster_leaves(ROSTER)) == "276b633ad1d09fd0478fa50be5aadcdd7507d294152dbfb447b6d20fe07b4277"


def test_the_known_path_of_the_first_of_eight_leaves() -> None:
    assert Tree(LEAVES).inclusion(0) == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@pytest.mark.parametrize("size", range(len(MANY) + 1))
def test_every_root_is_that_of_the_definition(size: int) -> None:
    assert root(MANY[:size]) == by_definition(MANY[:size]).hex()


@pytest.mark.parametrize("size", range(1, len(MANY) + 1))
def test_every_leaf_can_be_proven_and_nothing_else(size: int) -> None:
    tree = Tree(MANY[:size])
    for index in range(size):
        proof = tree.inclusion(index)
        assert verify_inclusion(MANY[index], index, size, proof, tree.root)
        assert not verify_inclusion(b"another", index, size, proof, tree.root)
        assert not verify_inclusion(MANY[index], index, size, proof, OTHER)
        assert not verify_inclusion(MANY[index], index, size, [*proof, OTHER], tree.root)
        assert not verify_inclusion(MANY[index], size, size, proof, tree.root)
        assert not verify_inclusion(MANY[index], -1, size, proof, tree.root)
        if proof:
            assert not verify_inclusion(MANY[index], index ^ 1, size, proof, tree.root)
            assert not verify_inclusion(MANY[index], index, size, proof[:-1], tree.root)
            assert not verify_inclusion(MANY[index], index, size, [OTHER, *proof[1:]], tree.root)


@pytest.mark.parametrize("size", range(1, len(MANY) + 1))
def test_every_beginning_can_be_proven_and_no_other_past(size: int) -> None:
    tree = Tree(MANY[:size])
    for first in range(1, size + 1):
        old, proof = root(MANY[:first]), tree.consistency(first)
        assert verify_consistency(first, size, old, tree.root, proof)
        assert not verify_consistency(first, size, OTHER, tree.root, proof)
        assert not verify_consistency(first, size, old, OTHER, proof)
        assert not verify_consistency(first, size, old, tree.root, [*proof, OTHER])
        if proof:
            assert not verify_consistency(first, size, old, tree.root, proof[:-1])
            assert not verify_consistency(first, size, old, tree.root, [*proof[:-1], OTHER])


def test_a_proof_is_for_its_own_size() -> None:
    small = Tree(MANY[:2])
    assert not verify_inclusion(MANY[0], 0, 4, small.inclusion(0), small.root)
    assert not verify_inclusion(MANY[1], 0, 1, small.inclusion(1), small.root)
    assert not verify_consistency(1, 4, root(MANY[:1]), small.root, small.consistency(1))


def test_a_rewritten_past_has_no_proof() -> None:
    rewritten = Tree([b"rewritten", *MANY[1:]])
    for first in range(1, len(MANY)):
        proof = rewritten.consistency(first)
        assert not verify_consistency(first, len(MANY), root(MANY[:first]), rewritten.root, proof)


@pytest.mark.parametrize("step", ["", "zz", "AB" * 32, "ab" * 31, "ab" * 32 + "\n"])
def test_a_malformed_proof_is_no_proof(step: str) -> None:
    tree = Tree(MANY[:2])
    assert not verify_inclusion(MANY[0], 0, 2, [step], tree.root)
    assert not verify_consistency(1, 2, root(MANY[:1]), tree.root, [step])


@pytest.mark.parametrize(("first", "second"), [(0, 2), (3, 2), (-1, 2)])
def test_sizes_in_no_order_prove_nothing(first: int, second: int) -> None:
    assert not verify_consistency(first, second, EMPTY, EMPTY, [])


@pytest.mark.parametrize("index", [-1, 3])
def test_a_leaf_that_is_not_there_has_no_path(index: int) -> None:
    with pytest.raises(IndexError, match="no leaf"):
        Tree(MANY[:3]).inclusion(index)


@pytest.mark.parametrize("first", [0, 4])
def test_a_tree_that_is_not_there_has_no_proof(first: int) -> None:
    with pytest.raises(IndexError, match="no tree"):
        Tree(MANY[:3]).consistency(first)
