"""`appraisal audit verify` prints, byte by byte, what the stand-alone verifier prints."""

import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "rules" / "golden"
SEED = "08772473296991897540"


@pytest.mark.parametrize("stage", [1, 2])
def test_verify_prints_the_golden_draw(stage: int) -> None:
    done = _verify(SEED, stage)
    assert done.returncode == 0
    assert done.stdout == (GOLDEN / f"out12_{stage}.txt").read_bytes()


def test_a_seed_that_lost_its_leading_zero_is_refused_in_one_line() -> None:
    done = _verify(SEED[1:], 1)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"20 to 400" in done.stderr


def _verify(seed: str, stage: int) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "cli.main", "audit", "verify", str(GOLDEN / "roster12.csv"),
               str(GOLDEN / "plan12.json"), seed, "--stage", str(stage)]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=False)
