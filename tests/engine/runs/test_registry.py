import shutil
from datetime import UTC, datetime

import pytest

from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import registry


def test_run_is_found_by_its_whole_key_or_named_by_its_end_and_half_a_run_is_not_listed(project, folder):
    key = registry.read(folder)["key"]
    shutil.copytree(folder, folder.with_name("2027-01-01-000000-00000000") / "inner")

    assert registry.find(project, key) == folder
    assert registry.find(project, key[:8] + "0" * 56) is None
    assert registry.named(project, folder.name) == registry.named(project, folder.name[-8:]) == folder
    assert registry.folders(project) == [folder]


@pytest.mark.parametrize("name", ["nothing", ""])
def test_name_of_no_run_or_of_several_is_refused_with_those_that_exist(project, folder, copied, name):
    copied(folder)

    with pytest.raises(SettingsError, match=f"(runs are called '{name}'|Which run)(.|\n)*{folder.name}"):
        registry.named(project, name)


NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], "2026-11-20-120000"),
        (["2026-11-19-235959-aaaaaaaa"], "2026-11-20-120000"),
        (["2026-11-20-120000-aaaaaaaa"], "2026-11-20-120001"),  # in the same second
        (["2026-11-21-120000-aaaaaaaa", "2026-11-01-000000-bbbbbbbb"], "2026-11-21-120001"),  # the clock went back
        (["my favourite", "2026-99-99-000000-x", ".gitkeep"], "2026-11-20-120000"),
    ],
)
def test_name_of_a_run_sorts_after_all_others_and_a_clock_behind_is_mentioned(make_project, caplog, there, expected):
    project = make_project()
    for name in there:
        (project.models / name).mkdir(parents=True)

    assert registry.new_name(project, "c" * 64, NOW) == f"{expected}-cccccccc"
    assert ("is it right?" in caplog.text) == (expected > "2026-11-21")
