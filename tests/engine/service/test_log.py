import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from data_science_project.service import database, tables
from data_science_project.service.database import LogError
from data_science_project.service.log import RETRY_SECONDS, Log, Waiting, settle
from data_science_project.service.settings import Serve

from .conftest import write

KILLS = int(os.environ.get("KILLS", "6"))

# What both scripts below begin with.
HEAD = """
import asyncio, resource, sys
from pathlib import Path
from types import SimpleNamespace
from data_science_project.service.database import LogError
from data_science_project.service.tables import Entry, new_ids
from data_science_project.service.log import Log
from data_science_project.service.settings import Serve

def row(size=0):
    return Entry(new_ids(1)[0], 0.0, "r", "answer", "compiled", "x" * size, "{}", True, False, "[]", 0.1, "")
"""

# Writes rows of eight requests at a time and says which of them are kept, until it is killed.
LOADED = f"""{HEAD}
async def ask(log):
    while True:
        rows = [row(), row()]
        await log.write(rows)
        sys.stdout.write("".join(one.id + "\\n" for one in rows))
        sys.stdout.flush()

async def main():
    log = Log(SimpleNamespace(root=Path(sys.argv[1])), Serve())
    log.start()
    print(log.state().database, flush=True)
    await asyncio.gather(*(ask(log) for _ in range(8)))

asyncio.run(main())
"""


def locked(file):
    """A connection of another process that lets nobody else write."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_rows_of_many_requests_are_in_the_database_in_few_transactions_when_write_returns(open_log, entries, stored):
    log, requests, commits = open_log(), [entries(2) for _ in range(20)], []
    log.database.open()
    insert = log.database.insert
    log.database.insert_at_once = lambda rows: commits.append(len(rows)) or insert(rows) or True

    kept = write(log, *requests)

    assert kept == [True] * 20 and sum(commits) == 40 and len(commits) <= 5
    assert stored(log.database) == [row for rows in requests for row in rows]
    assert log.state().database == "ok" and log.state().written == 40 and log.state().waiting == 0


def test_row_is_committed_at_once_unless_another_process_writes_or_a_flush_is_due(open_log, entries, stored, file):
    log, rows = open_log(), entries(3)

    at_once = log.database.insert_at_once(rows[:1])
    other = locked(file)
    clock = time.perf_counter()
    while_locked = log.database.insert_at_once(rows[1:2])
    took = time.perf_counter() - clock
    other.close()
    again = log.database.insert_at_once(rows[2:])
    found = stored(log.database)
    log.close(1.0)
    flushed = open_log(durable="power").database.insert_at_once(rows[1:2])

    assert (at_once, while_locked, again, flushed) == (True, False, True, False)
    assert took < 4, "it would wait for the lock for 5 s"
    assert found == [rows[0], rows[2]]


def test_row_that_comes_alone_is_kept_without_a_turn_of_the_loop_and_waits_as_others_where_it_cannot(
    open_log, entries, stored, file
):
    log, rows = open_log(), entries(2)
    steps = log.write(rows[:1], alone=True)

    with pytest.raises(StopIteration) as kept:
        steps.send(None)
    other = locked(file)
    waited = asyncio.run(log.write(rows[1:], alone=True))
    other.close()

    assert (kept.value.value, waited) == (True, True)
    assert stored(log.database)[0] == rows[0] and log.state().written + log.state().spooled == 2


def test_row_committed_at_once_is_in_the_file_of_the_database_soon(open_log, entries, file, until):
    log, (row,) = open_log(), entries()

    write(log, [row])

    until(lambda: row.id.encode() in file.read_bytes())


def test_database_that_is_busy_keeps_a_reply_waiting_for_log_wait_and_gets_its_rows_from_the_spool(
    open_log, entries, stored, file, until
):
    log, first, second = open_log(log_wait=100), entries(3), entries(2)
    other = locked(file)
    clock = time.perf_counter()

    kept = write(log, first)
    took = time.perf_counter() - clock
    problem = log.state()
    at_once = write(log, second)
    other.close()
    until(lambda: log.state().spooled == 0)

    assert kept == at_once == [True] and 0.1 <= took < 4
    assert problem.database == "no commit within 100 ms" and problem.spooled == 3
    assert stored(log.database) == [*first, *second]
    assert log.state().database == "ok" and log.spool.count() == 0
    assert log.state().written == 5, "a row that came by the spool is written, too"


def test_rows_stay_in_the_spool_as_long_as_the_database_refuses_them(open_log, entries, stored, file, until):
    log, rows = open_log(), entries(3)
    with sqlite3.connect(file) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'no room'); END")

    kept = write(log, rows)
    time.sleep(1.5 * RETRY_SECONDS)
    refused = stored(log.spool), log.state()
    with other:
        other.execute("DROP TRIGGER full")
    until(lambda: log.state().database == "ok" and not log.state().spooled)
    other.close()

    assert kept == [True] and refused[0] == rows
    assert refused[1].spooled == 3 and refused[1].database == "data/log/predictions.db takes no rows: no room"
    assert stored(log.database) == rows


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_folder_of_the_log_is_for_its_owner_alone_and_one_that_is_there_stays_as_it_is(open_log, file):
    open_log().close(1.0)
    made = file.parent.stat().st_mode & 0o777
    file.parent.chmod(0o750)
    open_log()

    assert (made, file.parent.stat().st_mode & 0o777) == (0o700, 0o750)


def test_rows_left_in_the_spool_by_a_killed_process_are_in_the_database_after_the_start(
    open_log, entries, stored, until
):
    rows = entries(1200)
    log = open_log()
    write(log, rows[:10])
    log.spool.open()
    log.spool.insert(rows)
    log.close(1.0)

    log = open_log()
    until(lambda: log.state().spooled == 0)

    assert stored(log.database) == rows
    assert log.state().written == 1190, "ten were there already"


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot limit the size of a file")
def test_full_disk_is_an_error_for_what_is_not_kept_and_loses_nothing_that_was(open_log, entries, stored, command):
    script = f"""{HEAD}
async def main():
    log = Log(SimpleNamespace(root=Path(sys.argv[1])), Serve(log_wait=1000))
    log.start()
    limit = 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    kept = []
    for turn in range(300):
        long = row(3000)
        try:
            assert await log.write([long])
            kept.append(long.id)
        except LogError as error:
            print(error, file=sys.stderr)
            break
    print(turn, log.state().refused)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for _ in range(300):
        if log.state().database == "ok" and not log.state().spooled:
            break
        await asyncio.sleep(0.05)
    assert await log.write([row()])
    found = [one.id for one in log.database.read(Entry)]
    print(sorted(set(kept) - set(found)), len(found) - len(set(found)), len(found) - len(kept))
    log.close(1.0)

asyncio.run(main())
"""
    done = command(open_log().database.file.parents[2], "-c", script, "elsewhere")

    assert done.returncode == 0, done.stderr
    turns, refused, *counts = done.stdout.split()
    assert 20 < int(turns) < 299 and refused == "1" and counts == ["[]", "0", "1"], done.stdout
    assert "full" in done.stderr or "disk" in done.stderr


@pytest.mark.parametrize("place", ["header", "middle"])
def test_damaged_database_is_told_with_the_cure_and_nothing_is_logged(open_log, entries, file, place):
    log = open_log()
    write(log, entries(500))
    log.close(1.0)
    content = bytearray(file.read_bytes())
    start = 0 if place == "header" else len(content) // 2
    content[start : start + 8192] = b"x" * 8192
    file.write_bytes(content)

    log = open_log()
    kept = write(log, entries())

    assert kept == [False]
    assert not log.state().keeps
    assert "predictions.db is damaged" in log.state().database and "move" in log.state().database
    assert file.read_bytes() == content and log.state().spooled == 0


def test_damage_that_is_met_while_the_log_is_written_is_told_too(open_log, entries, file):
    log = open_log()
    write(log, entries(500))
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    file.write_bytes(b"x" * file.stat().st_size)

    kept = write(log, entries(600))

    assert kept == [False] and "damaged" in log.state().database


def test_tables_of_another_version_are_refused(open_log, entries):
    log = open_log()
    with log.database.engine.begin() as connection:
        connection.execute(tables.meta.update().values(value="99"))
    log.close(1.0)

    log = open_log()

    assert write(log, entries()) == [False]
    said = log.state().database
    assert said.startswith("The log is of version 99") and "Go back to" in said and "move the file" in said


def test_database_that_was_removed_is_made_anew_and_no_kept_row_is_lost(open_log, entries, stored, file, until):
    log, rows = open_log(), entries(3)
    write(log, entries())
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()

    kept = write(log, rows)
    until(lambda: log.state().database == "ok" and not log.state().spooled)

    assert kept == [True] and stored(log.database) == rows


def test_second_service_on_the_same_file_is_refused(open_log):
    log = open_log()
    second = Log(SimpleNamespace(root=log.database.file.parents[2]), Serve())

    with pytest.raises(LogError, match=r"another service writes(.|\n)*PostgreSQL"):
        second.start()


def test_rows_that_cannot_be_kept_anywhere_are_an_error_and_the_next_are_kept(open_log, entries, stored, file):
    log, rows = open_log(log_wait=50), entries()
    other = locked(file)
    log.spool.file.mkdir()

    refused = write(log, entries())
    log.spool.file.rmdir()
    kept = write(log, rows)
    other.close()

    assert [type(error) for error in refused] == [LogError] and "no commit within 50 ms" in str(refused[0])
    assert log.state().refused == 1 and kept == [True] and rows[0] in [*stored(log.spool), *stored(log.database)]


def test_spool_that_is_damaged_is_told_and_left_as_it_is_while_the_database_goes_on(open_log, entries, stored, caplog):
    log = open_log()
    log.spool.open()
    log.spool.insert(entries(600))
    log.close(1.0)
    log.spool.file.write_bytes(b"x" * 8192)

    log, rows = open_log(), entries(3)
    kept = write(log, rows)

    assert kept == [True] and stored(log.database) == rows and log.state().database == "ok"
    assert "spool.db is damaged" in log.state().spool
    assert caplog.text.count("spool.db is damaged") == 1 and log.spool.file.read_bytes() == b"x" * 8192


def test_rows_come_and_go_while_the_database_is_locked_again_and_again(open_log, entries, stored, file, until):
    log, chance = open_log(log_wait=20), random.Random(0)
    kept = []

    async def ask():
        for _ in range(60):
            rows = entries(2)
            if await log.write(rows):
                kept.extend(rows)

    async def disturb():
        for _ in range(8):
            other = locked(file)
            await asyncio.sleep(chance.uniform(0, 0.1))
            other.close()
            await asyncio.sleep(chance.uniform(0, 0.05))

    async def both():
        await asyncio.gather(*(ask() for _ in range(4)), disturb())

    asyncio.run(both())
    until(lambda: log.state().database == "ok" and not log.state().spooled)

    assert len(kept) == 480 and sorted(kept, key=lambda row: row.id) == stored(log.database)


def test_request_that_went_away_does_not_stop_the_others(open_log, entries, stored):
    log, (gone, stays) = open_log(), entries(2)

    async def ask():
        task = asyncio.create_task(log.write([gone]))
        await asyncio.sleep(0)
        task.cancel()
        return await log.write([stays])

    assert asyncio.run(ask())
    assert stored(log.database) == [gone, stays]


def test_who_waits_is_told_beside_one_who_was_told_in_an_event_loop_that_has_ended():
    async def told():
        item = Waiting([], asyncio.get_running_loop().create_future())
        item.future.set_result(True)
        return item

    async def wait(before):
        item = Waiting([], asyncio.get_running_loop().create_future())
        await asyncio.to_thread(settle, [before, item], True)
        return await asyncio.wait_for(item.future, 5)

    assert asyncio.run(wait(asyncio.run(told())))


def test_close_commits_what_came_in_the_same_moment(open_log, entries, stored):
    log, rows = open_log(), entries(200)

    async def ask():
        tasks = [asyncio.create_task(log.write([row])) for row in rows]
        await asyncio.sleep(0)
        log.close(5.0)
        return await asyncio.wait_for(asyncio.gather(*tasks), 10)

    assert asyncio.run(ask()) == [True] * 200
    assert stored(log.database) == rows


@pytest.mark.parametrize("after", [0, 0.05])
def test_close_commits_what_waits_and_spools_what_the_database_does_not_take(open_log, entries, stored, file, after):
    log, row = open_log(log_wait=10_000), entries()

    async def ask():
        task = asyncio.create_task(log.write(row))
        await asyncio.sleep(after)
        log.close(1.0)  # long enough for the spool of a busy machine
        task.cancel()

    other = locked(file)
    asyncio.run(ask())
    other.close()

    assert stored(log.spool) == row


@pytest.mark.once
@pytest.mark.parametrize("number", range(KILLS))
def test_no_row_that_was_acknowledged_is_lost_by_kill_nine(tmp_path, number):
    chance = random.Random(number)
    process = subprocess.Popen([sys.executable, "-c", LOADED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ok\n"
    time.sleep(chance.uniform(0.0, 0.5))

    process.send_signal(signal.SIGKILL)
    told = process.communicate()[0].splitlines()[:-1]

    with sqlite3.connect(tmp_path / database.LOG_FOLDER / database.LOG_FILE) as connection:
        found = [text for (text,) in connection.execute("SELECT id FROM answers")]
    connection.close()
    assert not set(told) - set(found), f"{len(told)} were told"
    assert len(found) == len(set(found))
