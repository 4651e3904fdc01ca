import pytest

from data_science_project import cli
from data_science_project.engine.project import package


@pytest.mark.parametrize("verb", ["serve", "feedback", "replay", "forget"])
def test_verb_of_the_service_is_on_the_command_line_and_in_the_list_of_make(call, tmp_path, verb):
    helped = call(tmp_path, verb, "--help")

    assert helped.exit_code == 0 and helped.stdout.splitlines()[2].strip()
    assert f"\n{verb}: $(READY) ## " in (package.FOLDER / "service" / "verbs.mk").read_text(encoding="utf-8")


def test_verbs_of_the_service_come_after_all_others():
    assert list(cli.main.commands)[-4:] == ["serve", "feedback", "replay", "forget"]
