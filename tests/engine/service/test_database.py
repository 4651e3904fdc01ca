import msgspec
import pytest

from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.service import database, tables
from data_science_project.service.database import Database, LogError, address, opened
from data_science_project.service.tables import Entry, Told


@pytest.mark.parametrize("text", ["postgresql://me:word@host:5433/name", "postgres://me:word@host:5433/name"])
def test_address_of_postgresql_is_read_by_psycopg_however_it_is_spelled(make_project, monkeypatch, text):
    monkeypatch.setenv("DATABASE_URL", text)

    url = address(make_project())

    assert url.render_as_string(hide_password=False) == "postgresql+psycopg://me:word@host:5433/name"


@pytest.mark.parametrize("text", ["mysql://me:hunter2@host/name", "host=x password=hunter2", "sqlite:///hunter2.db"])
def test_address_of_another_database_is_refused_without_its_password(make_project, monkeypatch, text):
    monkeypatch.setenv("DATABASE_URL", text)

    with pytest.raises(SettingsError, match=r"DATABASE_URL(.|\n)*postgresql://user") as error:
        address(make_project())

    assert "hunter2" not in str(error.value)


def test_more_rows_than_a_statement_takes_are_one_commit(place, entries):
    rows = entries(2 * database.PART + 1)
    wrong = msgspec.structs.replace(rows[-1], id="f" * 32, milliseconds=None)

    with pytest.raises(Exception, match="NOT NULL"):
        place.insert([*rows, wrong])
    place.drop()
    place.open()
    before = place.count()
    place.insert(rows)

    assert before == 0 and list(place.read(Entry)) == rows


def test_what_removes_the_first_rows_leaves_rows_that_came_to_their_places(place, entries):
    before, after = entries(2), entries(2)
    told = Told(before[0].id, "1.5", 2.0, "token", "http")
    place.insert([*before, told])

    rows, removals = place.first()
    place.execute([tables.answers.delete(), tables.feedback.delete()])  # another service, or `make forget`
    place.insert(after)
    place.execute(removals)

    assert rows == [*before, told] and list(place.read(Entry)) == after


def test_conditions_choose_rows_and_find_leaves_shadows_out(place, entries):
    first, second = entries(2)
    shadow = msgspec.structs.replace(first, run="another", role="shadow")
    place.insert([first, second, shadow])

    assert list(place.read(Entry, tables.answers.c.role == "shadow")) == [shadow]
    assert place.find([first.id]) == {first.id: (first, [])}


def test_file_that_may_not_be_opened_is_named_without_the_folder_that_it_lies_in(place):
    said = str(place.explained(PermissionError(13, "Permission denied", "/srv/app/data/log")))

    assert said == "data/log/predictions.db takes no rows: Permission denied"


def test_commits_are_flushed_where_power_may_fail(place):
    careless = Database(place.engine.url, flush=False)

    found = []
    for one in (place, careless):
        with one.engine.connect() as connection:
            found.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    careless.drop()

    assert found == [2, 1]  # FULL, NORMAL


def test_verb_without_a_log_says_what_makes_one_and_errors_are_messages(make_project, entries):
    project = make_project()

    with pytest.raises(DataError, match=r"no log yet, data/log/predictions.db(.|\n)*make serve"), opened(project):
        pass
    with opened(project, spool=True) as spool:
        spool.insert(entries(2))
        count = spool.count()
    spool.file.with_name(database.LOG_FILE).write_bytes(b"x" * 5000)

    assert count == 2
    with pytest.raises(LogError, match=r"predictions.db is damaged(.|\n)*move the file"), opened(project):
        pass
