import pytest

from data_science_project.engine.project import package, settings
from data_science_project.engine.project.errors import ProjectError, SettingsError

MINIMAL = '[data]\nsource = "table.csv"\ntarget = "answer"\n'


def load(folder, text=MINIMAL, overrides=()):
    (folder / "params.toml").write_text(text, encoding="utf-8")
    return settings.load(folder, overrides)


def test_defaults_fill_what_the_file_leaves_out_and_cannot_be_changed_on_the_way(tmp_path):
    found = load(tmp_path).settings

    assert found.data == settings.Data(source="table.csv", target="answer")
    assert found.split.shares == settings.Shares(0.6, 0.2, 0.2)
    assert "dummy" in found.train.candidates and found.predict.abstain_below == 0
    with pytest.raises(AttributeError):
        found.train.seed = 1


def test_project_is_found_from_a_folder_below_and_not_from_elsewhere(tmp_path):
    below = tmp_path / "notebooks" / "old"
    below.mkdir(parents=True)
    with pytest.raises(SettingsError, match="No params.toml"):
        settings.load(below)

    load(tmp_path)

    assert settings.load(below).root == tmp_path


def test_package_that_pip_copied_out_of_its_project_is_said_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "FOLDER", tmp_path)

    with pytest.raises(SettingsError, match="pip install -e, or make export"):
        settings.load(package.FOLDER)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[trian]\nseed = 1", ["[trian]", "Allowed", "train"]),
        ("[train]\nsead = 1", ["[train]", "'sead'", "seed"]),
        ("[train]\nseed = 1.0", ["[train] seed", "whole number"]),
        ("[train]\nseed = -1", ["[train] seed", "-1", "Allowed: at least 0 and below"]),
        ("[split]\nby = 'groups:shop'", ["[split] by", "'groups:shop'", "time:<column>, group:<column>"]),
        ("[split]\nby = 'group:'", ["[split] by", "'group:'", "time:<column>, group:<column>"]),
        ("[train]\n<<<<<<< HEAD\nseed = 1", ["line 5 is git's mark", "both sides"]),
        ("[train]\nblend = True", ["not valid TOML", "in lower case"]),
        ("[train]\nbalance = 1", ["[train] balance", "true or false"]),
        ("[train]\ntask = 'ranking'", ["[train] task", "'ranking'", "'regression'"]),
        ("[train]\ncandidates = []", ["[train] candidates", "not empty"]),
        ("[predict]\nabstain_below = 1.5", ["[predict] abstain_below", "1.5"]),
        ("[decision]\nsuccess_rate = 0", ["[decision] success_rate", "above 0 and at most 1"]),
        ('[decision]\nrows = ""', ["[decision] rows"]),
        ("[decision]\ncapacity = -1", ["[decision] capacity", "at least 0"]),
        ("[split]\nshares = {train = 1.0}", ["[split] shares train", "1.0"]),
        ("[split]\nshares = {train = 0.8, dev = 0.3, test = 0.1}", ["[split] shares", "1.2", "not 1"]),
        ("[split]\nshares = {train = 0.6, dev = 0.2, test = 0.1}", ["[split] shares", "0.9", "not 1"]),
        ("train = 1", ["unknown key 'train'"]),
        ("[train", ["not valid TOML"]),
    ],
)
def test_mistake_is_named_with_file_section_and_key(tmp_path, text, words):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, MINIMAL + text)

    message = str(caught.value)
    assert message.startswith("params.toml") and len(message.splitlines()) <= 3
    assert all(word in message for word in words), message


def test_mistake_of_an_override_is_not_blamed_on_the_file_unless_it_is_wrong_itself(tmp_path):
    with pytest.raises(SettingsError, match=r"^--set train.sead=1: \[train\]: unknown key 'sead'"):
        load(tmp_path, overrides=["train.sead=1"])
    with pytest.raises(SettingsError, match=r"^params.toml: \[train\]: unknown key 'no'"):
        load(tmp_path, MINIMAL + "[train]\nno = 1", overrides=["train.sead=1"])


@pytest.mark.parametrize("text", ["", "[data]\nsource = 'x'", "[data]\nsource = ''\ntarget = 'y'"])
def test_source_and_target_must_be_said(tmp_path, text):
    with pytest.raises(SettingsError, match=r"\[data\]"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("overrides", "section", "key", "value"),
    [
        (["train.seed=7"], "train", "seed", 7),
        (["train.metric=accuracy"], "train", "metric", "accuracy"),
        (["data.source=sqlite:///a.db?table=t"], "data", "source", "sqlite:///a.db?table=t"),
        (['train.candidates=["dummy"]'], "train", "candidates", ("dummy",)),
        (["split.shares.train=0.5", "split.shares.dev=0.3"], "split", "shares", settings.Shares(0.5, 0.3, 0.2)),
    ],
)
def test_set_overrides_the_file_and_is_kept_for_the_record(tmp_path, overrides, section, key, value):
    project = load(tmp_path, overrides=overrides)

    assert getattr(getattr(project.settings, section), key) == value
    assert list(project.overrides) == [override.partition("=")[0] for override in overrides]


@pytest.mark.parametrize("override", ["train.seed", "seed=1", "train.sead=1", "train.seed=one", "data.source.path=x"])
def test_wrong_override_is_refused(tmp_path, override):
    with pytest.raises(SettingsError):
        load(tmp_path, overrides=[override])


def test_paths_are_shown_as_the_user_types_them(tmp_path):
    project = load(tmp_path)

    assert project.relative(project.split("dev")).replace("\\", "/") == "data/processed/dev.parquet"
    assert project.relative(tmp_path.parent / "else.csv") == str(tmp_path.parent / "else.csv")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("no*.csv", "no file"), ("../other.csv", "in the project"), ("/etc/hosts", "in the project"), ("big.bin", "MiB")],
)
def test_declared_file_that_is_not_there_not_in_the_project_or_too_large_is_refused(tmp_path, pattern, words):
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(settings.ALSO_LIMIT + 1)

    with pytest.raises(ProjectError, match=f"also(.|\n)*{words}"):
        load(tmp_path, f'{MINIMAL}also = ["{pattern}"]\n').also  # noqa: B018


def test_file_that_features_read_has_to_be_declared(tmp_path, monkeypatch):
    load(tmp_path, MINIMAL + 'also = ["known.csv"]\n')
    for name in ("known.csv", "unknown.csv"):
        (tmp_path / name).touch()
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "src" / "package" / "settings.py"))

    assert settings.external("known.csv") == tmp_path / "known.csv"
    with pytest.raises(SettingsError, match=r"unknown\.csv is not declared(.|\n)*also"):
        settings.external("unknown.csv")


def test_section_of_the_service_is_read_where_its_folder_is_here(tmp_path, monkeypatch):
    (tmp_path / "params.toml").write_text('[data]\nsource = "a.csv"\ntarget = "y"\n[serve]\nport = 8123\n')

    assert settings.load(tmp_path).parts["serve"].port == 8123

    monkeypatch.setattr(settings.package, "FOLDER", tmp_path)
    with pytest.raises(SettingsError, match=r"unknown section \[serve\]"):
        settings.load(tmp_path)
