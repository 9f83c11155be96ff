"""What the environment may say; what it may not is refused with the name of the variable, and no secret is shown."""

import logging
from collections.abc import Iterator

import pytest

import settings
from settings import SettingsRefused

SERVER = "postgresql+psycopg://u:hidden@"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("BASE_URL", "DATABASE_URL", "BOUNCE_DOMAIN", "PREFECT_UI_URL"):
        monkeypatch.delenv(f"APPRAISAL_{name}", raising=False)
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> settings.Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"APPRAISAL_{name}", value)
    settings.load.cache_clear()
    return settings.load()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with"),
        (" ", "must begin with"),
        ("postgresql+other://u:hidden@host/db", "must begin with"),
        (f"{SERVER}host:abc/db", "cannot be read"),
        (f"{SERVER}[::1/db", "cannot be read"),
        (f"{SERVER}host", "names no database"),
        ("sqlite:///", "names no database"),
        ("sqlite:///:memory:", "names no database"),
        (f"{SERVER}host/db?sslmod=require", "sslmod"),
    ],
)
def test_a_database_that_cannot_be_meant_is_refused_without_its_password(monkeypatch, url: str, words: str) -> None:
    read = given(monkeypatch, DATABASE_URL=url)
    with pytest.raises(SettingsRefused, match=words) as refused:
        _ = read.database
    assert "APPRAISAL_DATABASE_URL" in str(refused.value)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"{SERVER}host/db",
        f"{SERVER}host:5433/db?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql+psycopg:///db?host=/run/postgresql",
        "postgresql+psycopg://u:p%40%3A@host/db?host=a:1&host=b:2",
        "sqlite:////var/lib/appraisal.db",
    ],
)
def test_a_database_that_can_be_meant_is_taken_as_it_is(monkeypatch, url: str) -> None:
    assert given(monkeypatch, DATABASE_URL=url).database == url


@pytest.mark.parametrize("variable", ["BASE_URL", "PREFECT_UI_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "ftp://host", "https://", "https:///a", "host.go.id", "https://host:abc", "https://host:99999",
        "https://host:0", "https://a b", "https://ho\nst", "https://[::1", "https://u:p@host", "https://host?a=1",
        "https://host?", "https://host#x", "https://kinérja.go.id", "https://-",
    ],
)  # fmt: skip
def test_an_address_that_no_link_can_be_built_on_is_refused(monkeypatch, variable: str, url: str) -> None:
    with pytest.raises(SettingsRefused, match=f"APPRAISAL_{variable}: must look like"):
        given(monkeypatch, **{variable: url})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://host/appraisal", "must end after the host"),
        ("https://host:443", "usual port"),
        ("http://127.0.0.1:80", "usual port"),
        ("https://Kinerja.go.id", "lower case"),
    ],
)
def test_an_address_that_the_pages_would_refuse_is_refused_at_the_start(monkeypatch, url: str, words: str) -> None:
    with pytest.raises(SettingsRefused, match=words):
        given(monkeypatch, BASE_URL=url)


@pytest.mark.parametrize(
    "url", ["https://kinerja.kota.go.id", "https://host:8443", "http://127.0.0.1:8080", "http://[::1]:8080"]
)
def test_an_address_of_pages_is_taken_with_or_without_its_last_slash(monkeypatch, url: str) -> None:
    assert given(monkeypatch, BASE_URL=url).base_url == url
    assert given(monkeypatch, BASE_URL=f"{url}/").base_url == url


def test_links_that_cross_a_network_in_clear_are_warned_of(monkeypatch, caplog) -> None:
    for quiet in ("https://host.go.id", "http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"):
        given(monkeypatch, BASE_URL=quiet)
    assert not caplog.records
    given(monkeypatch, BASE_URL="http://host.go.id")
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    assert "APPRAISAL_BASE_URL is plain http" in said.message


@pytest.mark.parametrize("domain", ["", "nonsense", "a@b.id", "10.0.0.1", "b ounce.go.id", "bounce.", "bouncé.go.id"])
def test_a_bounce_domain_that_is_none_is_refused(monkeypatch, domain: str) -> None:
    with pytest.raises(SettingsRefused, match="APPRAISAL_BOUNCE_DOMAIN: must be a domain name"):
        given(monkeypatch, BOUNCE_DOMAIN=domain)


@pytest.mark.parametrize("variable", ["MAIL_RELEASE_ABOVE", "MAIL_CANARY"])
@pytest.mark.parametrize("number", ["-1", "abc", "", "2.5", "99999999999"])
def test_a_number_of_letters_that_is_none_is_refused(monkeypatch, variable: str, number: str) -> None:
    with pytest.raises(SettingsRefused, match=f"APPRAISAL_{variable}: "):
        given(monkeypatch, **{variable: number})


@pytest.mark.parametrize("variable", ["HOME", "AGENCIES_DIR"])
def test_a_folder_without_a_name_is_not_the_one_that_the_command_is_given_in(monkeypatch, variable: str) -> None:
    with pytest.raises(SettingsRefused, match=f"APPRAISAL_{variable}: must name a folder"):
        given(monkeypatch, **{variable: ""})


def test_everything_wrong_is_named_at_once(monkeypatch) -> None:
    with pytest.raises(SettingsRefused) as refused:
        given(monkeypatch, BASE_URL="x", BOUNCE_DOMAIN="x", MAIL_CANARY="-1")
    for name in ("BASE_URL", "BOUNCE_DOMAIN", "MAIL_CANARY"):
        assert f"APPRAISAL_{name}: " in str(refused.value)
    assert "Ops correct the environment" in str(refused.value)
