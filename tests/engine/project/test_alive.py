import sys
import time

import pytest

from data_science_project.engine.project import alive


@pytest.mark.parametrize(
    ("terminal", "bar", "said"),
    [(True, False, f"{alive.CLEAR}docs: 1 s{alive.CLEAR}"), (True, True, alive.CLEAR), (False, False, "")],
    ids=["terminal", "terminal with a bar", "elsewhere"],
)
def test_what_takes_its_time_counts_seconds_on_a_terminal_and_leaves_no_trace(capsys, monkeypatch, terminal, bar, said):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(alive, "PATIENCE", 0.5)
    alive.drawing.set() if bar else alive.drawing.clear()

    with alive.alive("docs"):
        time.sleep(1.2)
    alive.drawing.clear()

    assert capsys.readouterr() == ("", said)
