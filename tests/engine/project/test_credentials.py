import pytest

from data_science_project.engine.project import credentials
from data_science_project.engine.project.errors import DataError


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:hunter2@host/db?table=t", "postgresql://me:***@host/db?table=t"),
        ("postgresql://me:hun/t@er2@host/db?table=t", "postgresql://me:***@host/db?table=t"),
        ("https://host:8080/me@home.csv", "https://host:8080/me@home.csv"),
        ("http://[::1]:8080/me@home.csv", "http://[::1]:8080/me@home.csv"),
        ("https://me:p@w@host/dav/me@firm.com/x.csv", "https://me:***@host/dav/me@firm.com/x.csv"),
        ("postgresql://me:p?w@host/db?table=t", "postgresql://me:***@host/db?table=t"),
        ("https://host/t.csv?token=abc&page=2", "https://host/t.csv?token=***&page=2"),
        ("https://me:${KEY}@host/t.csv?token=${KEY}", "https://me:${KEY}@host/t.csv?token=${KEY}"),
    ],
)
def test_written_passwords_and_tokens_are_shown_as_stars_and_names_of_variables_as_they_stand(address, shown):
    kept = credentials.masked({"data": {"source": address}, "overrides": {"data.source": address}})

    assert kept == {"data": {"source": shown}, "overrides": {"data.source": shown}}


def test_variable_is_filled_in_and_taken_out_again_in_either_spelling_and_named_if_not_set(tmp_path, monkeypatch):
    monkeypatch.setenv("KEY_OF_THIS_TEST", "a/b c")

    filled = credentials.filled_in(tmp_path, "https://${KEY_OF_THIS_TEST}@host")

    assert filled == "https://a/b c@host"
    said = credentials.without_secrets(f"{filled} and a%2Fb%20c", "https://${KEY_OF_THIS_TEST}@host")
    assert said == "https://${KEY_OF_THIS_TEST}@host and ${KEY_OF_THIS_TEST}"
    with pytest.raises(DataError, match="NOT_SET_ANYWHERE is not set"):
        credentials.filled_in(tmp_path, "https://host/${NOT_SET_ANYWHERE}.csv")


@pytest.mark.parametrize("password", ["p@s/s:w?r#d", "p%40s%2Fs%3Aw%3Fr%23d"])
def test_password_with_marks_of_an_address_reaches_the_host_that_is_meant(tmp_path, monkeypatch, password):
    monkeypatch.setenv("KEY_OF_THIS_TEST", password)
    meant = "postgresql://me:p%40s%2Fs%3Aw%3Fr%23d@host/db?table=t"

    filled = credentials.filled_in(tmp_path, "postgresql://me:${KEY_OF_THIS_TEST}@host/db?table=t")

    assert filled == meant
    assert (
        credentials.with_password("https://me:pw@host/dav/me@firm.com/x.csv")
        == "https://me:pw@host/dav/me@firm.com/x.csv"
    )
    assert credentials.with_password("postgresql://me:p@s%2Fs:w%3Fr%23d@host/db?table=t") == meant
    assert credentials.with_password("postgresql://me:p@s?s@host/db?table=t@u").startswith(
        "postgresql://me:p%40s%3Fs@host/"
    )
    assert credentials.with_password("https://me:pw@host?to=a@b.com") == "https://me:pw@host?to=a@b.com"


def test_long_values_of_dot_env_are_found_in_a_text(tmp_path):
    (tmp_path / ".env").write_text("API_KEY=correct-horse\nMODE=fast\n")

    assert credentials.found_in("curl -H correct-horse --fast", tmp_path) == ["API_KEY"]


def test_names_of_files_stay_in_their_folder_and_differ():
    assert credentials.safe_names(["../../evil", "..\\.hidden", "a b?.csv"]) == ["evil", "hidden", "a_b_.csv"]
    assert credentials.safe_names(["in/t.csv", "out/t.csv"]) == ["001-t.csv", "002-t.csv"]
    assert credentials.safe_names(["source.json", "/"]) == ["data-source.json", "data-"]
