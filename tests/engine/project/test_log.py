import logging
import os
import subprocess
import sys
import warnings

import pytest

from data_science_project.engine.project import log, package


def test_log_line_starts_with_the_step_goes_to_stderr_once_and_neither_steers_it_nor_has_no_end(capsys, package_log):
    log.start_logging()
    log.start_logging()

    logging.getLogger(f"{package.NAME}.train").info("%d rows", 3)

    assert capsys.readouterr() == ("", "train: 3 rows\n")
    logging.getLogger(f"{package.NAME}.data").warning("cell %s %s", "\x1b[2J", "x" * 1_000_000)
    line = capsys.readouterr().err
    assert line.startswith("data: cell \\x1b[2J xxx") and len(line) < 2500


@pytest.mark.parametrize("debug", [True, False])
def test_what_a_candidate_raised_is_shown_whole_with_debug_alone(capsys, package_log, debug):
    log.start_logging(debug=debug)

    logging.getLogger(f"{package.NAME}.train").debug("own", exc_info=ValueError("3"))

    assert ("train: own\nValueError: 3" in capsys.readouterr().err) == debug


def test_progress_is_a_bar_on_a_terminal_and_silent_elsewhere(capsys, monkeypatch):
    assert list(log.progress([1, 2], "train")) == [1, 2]
    assert capsys.readouterr() == ("", "")

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert list(log.progress(["linear", "forest"], "train", str)) == ["linear", "forest"]
    said = capsys.readouterr().err
    assert "train" in said and "linear" in said


def test_line_of_the_log_clears_a_bar_that_is_being_drawn_and_a_warning_has_a_colour(capsys, monkeypatch, package_log):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    log.start_logging()
    said = logging.getLogger(f"{package.NAME}.train")

    said.info("best")
    said.warning("odd")
    monkeypatch.setenv("NO_COLOR", "1")
    said.warning("plain")
    log.show_error("Error: no")

    lines = capsys.readouterr().err.split("\n")
    assert lines[:3] == ["\r\x1b[Ktrain: best", "\r\x1b[K\x1b[33mtrain: odd\x1b[0m", "\r\x1b[Ktrain: plain"]
    assert lines[3] == "Error: no"


def test_warning_of_a_library_is_one_line_without_its_place(capsys, package_log):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log.start_logging()

        warnings.warn("did not converge\nlong story", stacklevel=1)

    assert capsys.readouterr().err == "note: did not converge\n"


def test_warnings_of_estimators_become_lines_of_the_log(caplog):
    with log.warnings_as_lines(logging.getLogger("some step")):
        for _ in range(2):
            warnings.warn("did not converge\nlong story", stacklevel=1)

    assert caplog.messages == ["did not converge"]


PRINT = """
import ctypes, os, sys
from {0}.engine.project.log import results_alone, show

with results_alone():
    print("by Python")
    ctypes.CDLL(None).printf(b"by C\\n")
    os.system("echo by a child")
show("result")
"""


@pytest.mark.skipif(os.name == "nt", reason="no printf by this way")
def test_what_is_printed_by_python_or_compiled_code_goes_to_stderr_and_results_alone_to_stdout(tmp_path):
    command = [sys.executable, "-c", PRINT.format(package.NAME)]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    assert done.stdout == "result\n" and done.returncode == 0, done.stderr
    assert sorted(done.stderr.splitlines()) == ["by C", "by Python", "by a child"]


def test_what_is_printed_goes_to_stderr_where_the_streams_have_no_descriptor(capsys):
    with log.results_alone():
        print("of a candidate")
    print("a result")

    assert capsys.readouterr() == ("a result\n", "of a candidate\n")
