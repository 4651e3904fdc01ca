import os
import shutil
import subprocess
import sys
import threading

import pytest

from data_science_project.engine.project import lock


@pytest.fixture
def second(tmp_path):
    """`second(order)` starts a thread that waits for the lock and then notes whose name is in it."""

    def start(order):
        def work():
            with lock.alone(tmp_path, "predict"):
                order.append((tmp_path / ".cache" / "steps.lock").read_text())

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    return start


def test_command_waits_and_says_for_whom(tmp_path, second, waits, caplog):
    order = []

    with lock.alone(tmp_path, "train"):
        thread = second(order)
        assert waits(thread)
        order.append("first")
    thread.join()

    assert order[0] == "first" and order[1].startswith("predict, process")
    assert len(caplog.messages) == 1 and "train, process" in caplog.messages[0]


def test_lock_is_given_back_after_an_error_and_one_whose_file_was_deleted_does_not_count(tmp_path, second):
    with pytest.raises(KeyError), lock.alone(tmp_path, "train"):
        raise KeyError
    order, path = [], tmp_path / "steps.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    assert lock.seized(handle, path)
    path.unlink()
    path.touch()  # by the next command
    assert not lock.seized(handle, path)
    os.close(handle)

    with lock.alone(tmp_path, "train"):
        shutil.rmtree(tmp_path / ".cache")  # by hand, against the advice
        second(order).join()

    assert order[0].startswith("predict")


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = [f"models/.run.{dead.pid}.tmp/code/a.py", f"data/raw/.x.{dead.pid}.tmp/body", f".cache/.a.{dead.pid}.tmp"]
    gone += [f"models/run/.run.json.{dead.pid}.tmp", f"out/.x.csv.{dead.pid}.tmp", f".cache/steps/.s.{10**20}.tmp"]
    gone += [f"models/.own.{os.getpid()}.tmp"]  # of an earlier process that had our number
    kept = [f"models/.run.{os.getppid()}.tmp/model.pkl", "data/.hidden.tmp", "data/raw/day/x.csv", "out/.y.tmp"]
    for name in gone + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("half")

    with lock.alone(tmp_path, "train", output=tmp_path / "out" / "x.csv"):
        left = [name for name in gone if (tmp_path / name).exists()]

    assert not left
    assert all((tmp_path / name).exists() for name in kept)
