"""The environment is read strictly: a typo is told, not ignored."""

from datetime import timedelta
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError


def test_what_is_not_said_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_environment()
    assert settings.host == "127.0.0.1"
    assert settings.url == "sqlite:///data/leverboard.db"
    assert settings.lake_dir == Path("data/lake")
    assert settings.embedded


def test_what_is_said_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERBOARD_RUN_TIME_LIMIT", "PT5M")
    monkeypatch.setenv("leverboard_port", "0")
    settings = Settings.from_environment()
    assert (settings.run_time_limit, settings.port) == (timedelta(minutes=5), 0)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgres_address_gets_our_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("LEVERBOARD_DATABASE_URL", f"{scheme}://u:p@db/x")
    settings = Settings.from_environment()
    assert settings.url == "postgresql+psycopg://u:p@db/x"
    assert not settings.embedded


@pytest.mark.parametrize(
    ("name", "told"),
    [("LEVERBOARD_PROT", "Did you mean LEVERBOARD_PORT?"), ("leverboard_colour", "is not a setting")],
)
def test_an_unknown_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=name) as error:
        Settings.from_environment()
    assert told in str(error.value)


@pytest.mark.parametrize("url", ["mysql://u:p@db/x", "x", "", "postgresql+asyncpg://db/x"])
def test_a_database_that_we_do_not_speak_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("LEVERBOARD_DATABASE_URL", url)
    with pytest.raises(
        SettingsError, match="LEVERBOARD_DATABASE_URL: expected an address such as postgresql://"
    ) as error:
        Settings.from_environment()
    assert "p@db" not in str(error.value)


def test_an_unusable_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERBOARD_PORT", "many")
    with pytest.raises(SettingsError, match="LEVERBOARD_PORT"):
        Settings.from_environment()
