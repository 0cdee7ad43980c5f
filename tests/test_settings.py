"""Settings come from the environment and .env; what is wrong is named, and never shown."""

from pathlib import Path

import pytest

from backend import Database, Settings
from backend.errors import SettingsError

NAMES = ("DATABASE_URL", *(name.upper() for name in Settings.model_fields))


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_missing_url_is_named_with_its_shape() -> None:
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is not set: expected postgresql://user:password@host/data"):
        Database()
    assert Settings.load_or_none() is None


@pytest.mark.parametrize(
    "url",
    ["", "s3cret", "mysql://u:s3cret@h/d", "postgresql:/s3cret", "postgresql://", "postgresql://s3cret\udcff@h/d"],
)
def test_a_malformed_url_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(SettingsError, match=r"^DATABASE_URL is malformed: expected postgresql://") as raised:
        Database()
    assert "s3cret" not in f"{raised.value!r}{raised.value.__cause__}{raised.value.__suppress_context__}"


@pytest.mark.parametrize("given", [(), ("postgresql://h/d",)])
def test_an_env_file_that_is_not_utf_8_is_named(tmp_path: Path, given: tuple[str, ...]) -> None:
    (tmp_path / ".env").write_bytes(b"DATABASE_URL=postgresql://s3cret\xff@h/d\n")
    with pytest.raises(SettingsError, match=r"^\.env is not UTF-8: save it as UTF-8$"):
        Database(*given)


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@h:port/d", "postgresql://u:s3@cret:x@h:1:2/d"])
def test_a_url_that_cannot_be_parsed_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is malformed") as raised:
        Database(url)
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POOL_SIZE", "many"), ("POOL_SIZE", "-1"), ("CONNECT_TIMEOUT_S", "1"), ("CONNECT_TIMEOUT_S", "9" * 20),
        ("POOL_TIMEOUT_S", "inf"), ("POOL_TIMEOUT_S", "nan"), ("POOL_TIMEOUT_S", "1e300"), ("POOL_RECYCLE_S", "9" * 20),
        ("CONNECT_RETRY_S", "inf"), ("CONNECT_RETRY_S", "nan"), ("CONNECT_RETRY_S", "-1"),
        ("PREPARE_THRESHOLD", "-1"), ("PREPARE_THRESHOLD", "automatic"), ("PREPARE_THRESHOLD", "1.5"),
    ],
)  # fmt: skip
def test_a_malformed_number_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name} is malformed: ") as raised:
        Settings.load()
    assert f"'{value}'" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_dotenv_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("DATABASE_URL=postgres://u@h/d\nPOOL_SIZE=7\nPREPARE_THRESHOLD=\nOTHER=1\n")
    monkeypatch.setenv("POOL_TIMEOUT_S", "3")
    settings = Settings.load()
    assert (settings.pool_size, settings.pool_timeout_s, settings.prepare_threshold) == (7, 3.0, None)


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), (" auto ", "auto"), ("0", 0), (" 5 ", 5), ("  ", None)])
def test_a_threshold_is_a_number_or_auto(monkeypatch: pytest.MonkeyPatch, text: str, value: int | str | None) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("PREPARE_THRESHOLD", text)
    assert Settings.load().prepare_threshold == value


def test_an_empty_number_is_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, " ")
    monkeypatch.setenv("DATABASE_URL", " postgresql://u@h/d\n")
    assert Settings.load() == Settings.from_url("postgresql://u@h/d")
    assert Settings.load().pool_size == 5
    monkeypatch.setenv("POOL_SIZE", " 7 ")
    assert Settings.load().pool_size == 7


def test_the_password_is_in_no_text_of_settings_or_database() -> None:
    database = Database("postgresql://u:s3cret@h/d")
    assert "s3cret" not in f"{Settings.from_url('postgresql://u:s3cret@h/d')!r}{database!r}{database.engine!r}"


def test_the_example_names_every_setting() -> None:
    example = (Path(__file__).parent.parent / ".env.example").read_text()
    assert [name for name in NAMES if f"{name}=" not in example] == []
    page = (Path(__file__).parent.parent / "docs/settings.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in page] == []


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_scheme_of_postgresql_is_taken(scheme: str) -> None:
    engine = Database(f"{scheme}://u:p@ep-x-pooler.eu.aws.neon.tech/d?sslmode=require").engine
    assert engine.url.drivername == "postgresql+psycopg"
    assert engine.url.query == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("s3cret", "is malformed: expected"),
        ("postgresql://u:s3@cret@h/d", "is malformed"),
        ("mysql://s3cret", "is mal"),
    ],
)
def test_a_malformed_direct_url_is_named(monkeypatch: pytest.MonkeyPatch, url: str, problem: str) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("DATABASE_URL_DIRECT", url)
    with pytest.raises(SettingsError, match=f"^DATABASE_URL_DIRECT {problem}") as raised:
        Database()
    assert "s3cret" not in str(raised.value)


def test_an_empty_direct_url_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("DATABASE_URL_DIRECT", "")
    assert Settings.load().database_url_direct is None


def test_the_direct_url_of_the_environment_is_not_that_of_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_DIRECT", "postgresql://u@direct/d")
    assert Settings.from_url("postgresql://u@h/d").database_url_direct is None
