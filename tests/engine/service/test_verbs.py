import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from data_science_project import cli
from data_science_project.engine.project import package


def test_verbs_of_the_service_come_after_all_others_in_the_order_of_make_and_say_what_they_do():
    targets = (package.FOLDER / "service" / "verbs.mk").read_text(encoding="utf-8")
    verbs = re.findall(r"^([a-z]+): \$\(READY\) ## ", targets, re.MULTILINE)

    helped = [CliRunner().invoke(cli.main, [verb, "--help"]) for verb in verbs]

    assert list(cli.main.commands)[-7:] == verbs
    assert all(one.exit_code == 0 and one.stdout.splitlines()[2].strip() for one in helped)


def hears(process, number):
    """Whether a process has a function for a signal; the first process of a container ignores all others."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    caught = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return int(caught, 16) >> (number - 1) & 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads what Linux says of a process")
def test_signal_to_stop_is_heard_before_anything_slow_is_imported(make_project):
    command, root = [sys.executable, "-m", "data_science_project", "serve"], make_project().root
    where = {"cwd": root, "env": {**os.environ, "PYTHONPATH": str(root / "src")}}
    with subprocess.Popen(command, **where, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not hears(process.pid, signal.SIGTERM):
            time.sleep(0.001)
        process.terminate()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, "")
