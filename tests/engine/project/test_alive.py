import re
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

    shown, end = "", time.monotonic() + 1.2
    with alive.alive("docs"):
        while time.monotonic() < end + 30 * ("docs" in said and "docs" not in shown):
            time.sleep(0.1)
            shown += capsys.readouterr().err
    alive.drawing.clear()

    assert re.sub(r"(\r\x1b\[Kdocs: \d+ s)+", f"{alive.CLEAR}docs: 1 s", shown + capsys.readouterr().err) == said
