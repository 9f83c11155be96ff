"""Worlds at different times of the year, lived once per session and copied for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import database
from database import Database
from tests.actions.world import World, in_use

Lived = Callable[[str], World]
TIMES: dict[str, Callable[[World], object]] = {
    "launched": lambda world: world,
    "targets": lambda world: world.on("2026-01-05"),
    "mid_year": World.to_mid_year,
    "scoring": World.to_scoring,
    "issued": World.to_issued,
}
NUMERIC = "pp-30-2019"


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Lived:
    """The world as of a time of the year (`scoring`, or `scoring:pp-30-2019` for another pack), lived once."""
    kept: dict[str, World] = {}

    def live(name: str) -> World:
        if name not in kept:
            time, _, pack = name.partition(":")
            path = tmp_path_factory.mktemp("lived") / "appraisal.db"
            shutil.copy(migrated, path)
            world = World.make(Database(f"sqlite:///{path}", durable=False), **({"pack": pack} if pack else {}))
            TIMES[time](world)
            kept[name] = world
        return kept[name]

    return live


@pytest.fixture
def world_at(lived: Lived, tmp_path: Path) -> Iterator[Lived]:
    """`world_at("issued")`: a copy of that time, for the test to spoil, and the database of this process."""
    made: list[World] = []

    def copy(name: str) -> World:
        made.append(in_use(lived(name).copied(tmp_path / f"world{len(made)}.db")))
        return made[-1]

    yield copy
    database.use(None)
    for world in made:
        world.db.close()


def _at(name: str):
    def world(world_at: Lived) -> World:
        return world_at(name)

    return pytest.fixture(world, name=name.replace(":pp-30-2019", "_numeric"))


launched, targets, mid_year = _at("launched"), _at("targets"), _at("mid_year")
scoring, issued = _at("scoring"), _at("issued")
scoring_numeric, issued_numeric = _at(f"scoring:{NUMERIC}"), _at(f"issued:{NUMERIC}")
