import io
import logging
import sys

import pytest

from data_science_project.engine.project import log, package


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def package_log():
    """The package's logger, as it was before."""
    everything = logging.getLogger(package.NAME)
    before = everything.handlers[:], everything.propagate, everything.level
    yield everything
    everything.handlers[:], everything.propagate = before[:2]
    everything.setLevel(before[2])


def test_log_line_starts_with_the_step_and_goes_to_stderr(capsys, package_log):
    log.start_logging()

    logging.getLogger(f"{package.NAME}.train").info("%d rows", 3)

    assert capsys.readouterr() == ("", "train: 3 rows\n")


def test_log_started_twice_says_each_line_once(capsys, package_log):
    log.start_logging()
    log.start_logging()

    package_log.info("once")

    assert capsys.readouterr().err.count("once") == 1


def test_progress_is_silent_without_a_terminal(capsys):
    assert list(log.progress([1, 2], "train")) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_progress_shows_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    assert list(log.progress(range(3), "train")) == [0, 1, 2]
    assert "train" in sys.stderr.getvalue()
