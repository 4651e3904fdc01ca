import io
import sys
import time

from data_science_project.engine.project import alive


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_takes_longer_than_a_moment_counts_its_seconds_on_a_terminal_and_leaves_no_trace(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(alive, "PATIENCE", 0.5)

    with alive.alive("docs"):
        time.sleep(1.2)

    assert sys.stderr.getvalue() == f"{alive.CLEAR}docs: 1 s{alive.CLEAR}"


def test_nothing_is_written_elsewhere_or_while_a_bar_is_drawn(capsys, monkeypatch):
    with alive.alive("docs"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(alive, "PATIENCE", 0.5)
    alive.drawing.set()

    with alive.alive("docs"):
        time.sleep(1.2)
    alive.drawing.clear()

    assert sys.stderr.getvalue() == alive.CLEAR
