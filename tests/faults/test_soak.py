"""F59: the soak in small; `make soak KILLS=1000` is the thorough one."""

from typing import Any

import pytest

from benchmarks import soak


def run(monkeypatch: pytest.MonkeyPatch, kind: str, kills: int) -> dict[str, Any]:
    monkeypatch.setattr(soak, "CHECK_EVERY", 0.5)
    return soak.measure(soak.Options(kills=kills, databases=[kind]))


@pytest.mark.parametrize("kind", soak.KINDS)
def test_f59_random_kills_and_a_moody_server_lose_nothing(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    found = run(monkeypatch, kind, 6)
    (one,) = found["runs"]
    assert found["clean"], one
    assert (one["kills"], one["lost"], one["beyond_doubt"]) == (6, 0, 0)
    assert one["letters"] >= 100
    assert "nothing lost" in soak.words(found)
