"""The template's own documentation: it builds without a warning, and every verb of a project is in it."""

import importlib.util
import subprocess
import sys
from collections import Counter

from conftest import PLAIN_ENVIRONMENT, TEMPLATE
from test_house import MODULES, imports, name_of, room
from test_project import TARGETS


def test_documentation_builds_without_warnings_and_names_every_target(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", str(tmp_path)]
    environment = PLAIN_ENVIRONMENT | {"PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(command, cwd=TEMPLATE, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    page = (tmp_path / "targets.html").read_text("utf-8")
    assert [target for target in TARGETS if f"make {target}" not in page and f">{target}<" not in page] == []


def test_map_of_the_house_shows_each_import_between_two_rooms():
    spec = importlib.util.spec_from_file_location("live", TEMPLATE / "docs" / "live.py")
    live = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(live)

    pairs = [(room(name_of(path)) or live.FRONT, room(name)) for path in MODULES for name in imports(path)]

    assert live.arrows() == Counter((one, other) for one, other in pairs if one != other and other)
