"""The log in a real PostgreSQL, Debian's, which is stopped, paused and filled."""

import os
import secrets
import time

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from data_science_project.service import database, feedback
from data_science_project.service.database import LogError, opened
from data_science_project.service.settings import DATABASE
from data_science_project.service.tables import Told

from .conftest import write

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tests stop processes with signals")


def timed(log, rows):
    """What `write` says to a request, and the seconds it took."""
    clock = time.perf_counter()
    return write(log, rows), time.perf_counter() - clock


def test_rows_and_feedback_are_the_same_in_postgresql_as_in_sqlite(open_log, postgres, entries, stored):
    rows = entries(150, inputs='{"note": "a\0bä€"}', asker="half \ud800")
    told = Told(rows[0].id, '"no\\u0000"', time.time(), "token", "a\0b.csv")
    here, there = open_log(), open_log(postgres.url)

    write(here, rows, [told])
    write(there, rows, [told], rows[:5])

    assert stored(there.database) == stored(here.database) == rows
    assert stored(there.database, Told) == stored(here.database, Told) == [told]
    assert there.database.find([rows[0].id, "a\0b"]) == {rows[0].id: (rows[0], [told])}


def test_postgresql_that_is_stopped_gets_the_rows_when_it_is_back_which_is_said(
    open_log, postgres, entries, stored, until, caplog, package_log
):
    package_log.setLevel("INFO")
    log, rows = open_log(postgres.url, log_wait=2000), entries(40)
    write(log, rows[:10])

    postgres.stop()
    stopped = write(log, rows[10:20])
    problem = log.state()
    still, took = timed(log, rows[20:30])
    postgres.start()
    until(lambda: log.state().database == "ok" and not log.state().spooled)
    again = write(log, rows[30:])

    assert stopped == still == again == [True] and took < 2
    assert problem.database.startswith("PostgreSQL takes no rows") and problem.spooled == 10
    assert caplog.text.count("PostgreSQL takes rows again; 0 wait in the spool") == 1
    assert stored(log.database) == rows


def test_tables_of_another_program_are_no_log_and_nothing_is_made_beside_them(open_log, postgres, entries):
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE answers (a int)")

    log = open_log(postgres.url)

    assert write(log, entries(1)) == [False] and not log.state().keeps and not log.state().spooled
    assert "PostgreSQL is no log of this service" in log.state().database
    with psycopg.connect(postgres.url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert found == [("answers",)]


def test_service_starts_while_postgresql_is_stopped(open_log, postgres, entries, stored, until):
    postgres.stop()
    log, rows = open_log(postgres.url), entries(3)

    kept = write(log, rows)
    state = log.state()
    postgres.start()
    until(lambda: log.state().database == "ok" and not log.state().spooled)

    assert kept == [True] and state.keeps and "takes no rows" in state.database
    assert stored(log.database) == rows


def test_postgresql_that_is_paused_holds_a_reply_no_longer_than_log_wait(open_log, postgres, entries, stored, until):
    log, rows = open_log(postgres.url, log_wait=2000), entries(30)
    write(log, rows[:10])

    with postgres.paused():
        paused, waited = timed(log, rows[10:20])
        problem = log.state()
        still, took = timed(log, rows[20:])
    until(lambda: log.state().database == "ok" and not log.state().spooled)

    assert paused == still == [True] and 2 <= waited < 4.5 and took < 2
    assert problem.database == "no commit within 2000 ms" and problem.spooled == 10
    assert stored(log.database) == rows


def test_postgresql_without_room_gets_the_rows_when_there_is_some(open_log, postgres, entries, stored, until):
    log = open_log(postgres.url)
    rows = [entries(inputs=secrets.token_hex(20_000))[0] for _ in range(60)]
    write(log, rows[:5])

    with postgres.full():
        full = [write(log, [row]) for row in rows[5:]]
        problem = log.state()
    until(lambda: log.state().database == "ok" and not log.state().spooled)

    assert full == [[True]] * 55
    assert "extend" in problem.database and problem.spooled > 10
    assert stored(log.database) == rows


def test_reads_of_postgresql_that_is_paused_end_soon_and_are_explained(open_log, postgres, entries):
    log, (row,) = open_log(postgres.url), entries()
    write(log, [row])
    log.database.find([row.id])  # its connection is kept for the next
    clock = time.perf_counter()

    with postgres.paused(), pytest.raises(SQLAlchemyError) as caught:
        feedback.find(log, row.id)

    assert time.perf_counter() - clock < database.PATIENCE + 4
    assert str(log.database.explained(caught.value)) == "PostgreSQL takes no rows: connection timeout expired"
    assert feedback.find(log, row.id) == (row, [])


def test_verb_ends_in_words_when_postgresql_is_paused_meanwhile(project, postgres, entries, monkeypatch):
    monkeypatch.setenv(DATABASE, postgres.url)
    monkeypatch.setattr(database, "LONG", 0.5)

    with pytest.raises(LogError, match=r"no answer within 0\.5 s"), opened(project) as log, postgres.paused():
        log.insert(entries())


def test_same_truth_told_twice_at_the_same_moment_is_one_by_whatever_process(open_log, postgres, entries, stored):
    logs, (row,) = (open_log(postgres.url), open_log()), entries()
    first, second = (feedback.new_truth([], row.id, "yes", asker="", source="page") for _ in range(2))
    other = feedback.new_truth([], row.id, "no", asker="", source="page")

    for log in logs:
        write(log, [row], [first])
        write(log, [second, other])

    assert [stored(log.database, Told) for log in logs] == [[first, other]] * 2
