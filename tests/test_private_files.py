"""Nobody else may read our files, whatever the umask; secrets survive a power cut or are named."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

import private_files
import settings
from database import Database
from private_files import SecretRefused, keep_secret
from settings import Settings, SettingsRefused


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_files_secrets_and_the_database_are_the_owners_alone(tmp_path: Path, umask: None) -> None:
    home = tmp_path / "a" / "home"
    private_files.make_folder(home / "logs")
    os.close(private_files.open_to_append(home / "logs" / "web.log"))
    keep_secret(home / "secret", lambda: "s" * 32)
    made = Database(f"sqlite:///{home}/appraisal.db")
    with made.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        paths = [home, *home.rglob("*")]
        found = {path.name: (path.is_dir(), mode(path)) for path in paths}
    made.close()
    assert set(found) >= {"home", "logs", "web.log", "secret", "appraisal.db", "appraisal.db-wal"}
    assert {modes for is_folder, modes in found.values() if is_folder} == {0o700}
    assert {modes for is_folder, modes in found.values() if not is_folder} == {0o600}


def test_a_database_that_nobody_connected_to_is_not_there(tmp_path: Path) -> None:
    """Where a backup is put back the database is named before, and what is there already would be in the way."""
    made = Database(f"sqlite:///{tmp_path}/home/appraisal.db")
    engine = made.engine
    assert list(tmp_path.iterdir()) == []
    with engine.connect():
        assert mode(tmp_path / "home" / "appraisal.db") == 0o600
    made.close()


def test_an_installation_that_was_open_is_closed_and_links_are_not_followed(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, home / "logs", elsewhere):
        folder.mkdir(mode=0o755)
    for file in (home / "secret", home / "logs" / "web.log", elsewhere / "x"):
        file.write_text("x")
        file.chmod(0o644)
    (home / "linked").symlink_to(elsewhere)
    assert private_files.close_to_others(home) == 4
    assert [mode(home), mode(home / "logs"), mode(home / "secret")] == [0o700, 0o700, 0o600]
    assert [mode(elsewhere), mode(elsewhere / "x")] == [0o755, 0o644]
    assert private_files.close_to_others(home) == 0


def test_a_shared_folder_is_not_taken_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    private_files.close_to_others(tmp_path)
    assert mode(tmp_path) == 0o755


@pytest.mark.parametrize("left", ["", "\n", "\0\0\0\0"])
def test_a_secret_that_a_power_cut_left_empty_is_made_anew_and_said(
    tmp_path: Path, left: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").write_text(left)
    assert keep_secret(tmp_path / "secret", lambda: "n" * 32) == ("n" * 32, True)
    assert keep_secret(tmp_path / "secret", lambda: "o" * 32) == ("n" * 32, False)
    assert "was empty" in caplog.text
    assert mode(tmp_path / "secret") == 0o600


def test_a_secret_that_was_cut_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("abc")
    with pytest.raises(SecretRefused, match="holds 3 characters"):
        keep_secret(tmp_path / "secret", lambda: "n" * 32, least=32)
    chosen = Settings(home=tmp_path)
    with pytest.raises(SettingsRefused, match=f"{tmp_path}/secret holds 3 characters"):
        _ = chosen.master


def test_no_link_is_ever_signed_with_an_empty_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    assert len(settings.Settings(home=tmp_path).master) == 64


def test_two_who_start_at_once_have_one_secret(tmp_path: Path) -> None:
    numbers = count(1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: keep_secret(tmp_path / "s", lambda: f"{next(numbers):032}"), range(24)))
    assert len({secret for secret, _ in found}) == 1
    assert sum(new for _, new in found) == 1
