import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.modelling import confidence
from data_science_project.engine.project import package, records, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import export, model, registry

ASK = f"""
import sys
sys.modules["{package.NAME}"] = None
import pandas as pd
from {package.NAME}_model import load
load().predict(pd.read_csv(sys.argv[1], dtype=str)).to_csv("answers.csv", index=False)
"""
SAME = "the same bits as here for"  # what export says of the answers of the packed model, in a process of its own


@pytest.fixture
def ask(tmp_path):
    """Ask an unpacked or installed model from a folder of its own; what it wrote and said."""

    def run(place, rows):
        here = tmp_path / "elsewhere"
        here.mkdir(exist_ok=True)
        call = [sys.executable, "-c", ASK, str(rows)]
        variables = {**os.environ, "PYTHONPATH": str(place)}
        done = subprocess.run(call, cwd=here, env=variables, capture_output=True, text=True)
        answers = here / "answers.csv"
        return done, answers.read_bytes() if answers.is_file() else b""

    return run


def told(answers):
    """The cells of answers as they are written, but for `seen`, which an exported model cannot tell."""
    table = pd.read_csv(io.BytesIO(answers), dtype=str, keep_default_na=False)
    return table.drop(columns="seen", errors="ignore").to_dict("list")


def exported(project):
    """The wheel of the run of a project, by the verb."""
    return next(path for path in pipeline.make(project, "export") if path.suffix == ".whl")


@pytest.fixture(scope="module")
def gone(trained, tmp_path_factory):
    """An exported file with rows.csv beside it, what the project answers to that, and its run; the project is gone."""
    root = shutil.copytree(trained, tmp_path_factory.mktemp("gone") / "project", symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "FOLDER", root / "src" / package.NAME)
        project = settings.load(root)
        table = pd.read_csv(root / "table.csv", dtype=str).head(40).assign(order=range(9000, 9040))
        table.to_csv(root.parent / "rows.csv", index=False)
        (made,) = pipeline.make(project, "predict", input=root.parent / "rows.csv")
        answers, file, (folder,) = made.read_bytes(), exported(project), registry.folders(project)
        record, kept = registry.read(folder), file.rename(root.parent / file.name)
    root.rename(root.parent / "moved away")
    return kept, answers, record


def test_installed_file_gives_the_bits_of_make_predict_when_the_project_is_gone(gone, ask, tmp_path):
    pytest.importorskip("pip")
    file, expected, _ = gone
    place = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(place), str(file)]

    assert subprocess.run(pip, capture_output=True, text=True).returncode == 0
    done, answers = ask(place, file.with_name("rows.csv"))

    assert done.returncode == 0, done.stderr
    assert told(answers) == told(expected)


def test_file_holds_neither_rows_nor_what_fetches_reads_and_trains(gone):
    file, _, record = gone
    with zipfile.ZipFile(file) as opened:
        names = [name.partition("/")[2] for name in opened.namelist()]
        kept = json.loads(opened.read(f"{package.NAME}_model/models/{record['run']}/run.json"))

    left_out = ("train.py", "evaluate.py", "models.py", "sources/read.py", "trials.py", "steps/", "report/")
    assert not [name for name in names for part in left_out if part in name]
    assert not [name for name in names if name.endswith((".parquet", ".csv", ".patch"))]
    assert {"__init__.py", "params.toml", f"models/{record['run']}/model.pkl"} <= set(names)
    assert set(kept["files"]) <= {name.removeprefix(f"models/{record['run']}/") for name in names}


def test_metadata_ask_for_the_versions_that_the_run_was_made_with(gone):
    file, _, record = gone
    with zipfile.ZipFile(file) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith("METADATA")]
        text = opened.read(name).decode()

    versions = record["environment"]["packages"]
    asked = dict(line.removeprefix("Requires-Dist: ").split("==") for line in text.splitlines() if "==" in line)
    assert {"numpy", "pandas", "scikit-learn", "scipy"} <= set(asked) and not {"click", "ruff", "pytest"} & set(asked)
    assert asked == {name: versions[name] for name in asked}
    assert f"Name: {package.NAME}_model" in text and record["run"] in text


def test_other_rules_of_today_have_another_version_so_that_pip_takes_them(project, folder):
    other = replace(project, settings=replace(project.settings, predict=settings.Predict(abstain_below=0.9)))
    versions = [export.about(one, folder).version for one in (project, project, other)]
    project.dictionary.write_text(project.dictionary.read_text() + "# mended\n")
    versions.append(export.about(project, folder).version)

    assert versions[0] == versions[1] and len(set(versions)) == 3
    assert len({version.partition("+")[0] for version in versions}) == 1


def test_changed_file_is_refused_where_it_was_unpacked(gone, tmp_path, ask):
    file, _, record = gone
    place = tmp_path / "unpacked"
    shutil.unpack_archive(file, place, "zip")
    path = place / f"{package.NAME}_model" / "models" / record["run"] / "model.pkl"
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    done, answers = ask(place, file.with_name("rows.csv"))

    assert done.returncode == 1 and "model.pkl was changed" in done.stderr and not answers


@pytest.fixture
def kept(copied, folder, edit):
    """A run like the one that is there, but with these files of the user's, by name."""

    def keep(files):
        run = copied(folder)
        with edit(run) as record:
            for name, text in files.items():
                (run / name).parent.mkdir(parents=True, exist_ok=True)
                (run / name).write_text(text)
                record["files"][name] = "anew"
        return run

    return keep


def test_own_modules_and_declared_files_go_with_it(project, kept):
    tools = "from .. import external\n\n\ndef price(rows):\n    return rows.assign(p=external('p.txt').read_text())\n"
    features = f"from {package.NAME}.tools.prices import price as add_features\n"
    run = kept({"code/tools/prices.py": tools, "code/features.py": features, "external/p.txt": "2"})

    said = export.run(project, run, project.root / "dist" / "the.whl")

    assert said[0].startswith(f"{SAME} 72 rows")


@pytest.mark.once
def test_features_of_the_packed_model_are_made_as_in_training(project, anew):
    columns = dictionary.load(project.dictionary)
    dictionary.write(project.dictionary, {**columns, "colour": replace(columns["colour"], role="ignored")})
    text = "rows.assign(age=pd.Timestamp(2030, 1, 1) - rows['day'], gaps=rows.isna().sum(axis=1))"
    with (project.package / "features.py").open("a") as file:
        file.write(f"\n\ndef add_features(rows):  # noqa: D103, F811\n    return {text}\n")

    done = anew(project.root, "export")

    assert done.exit_code == 0 and SAME in done.stderr, done.stderr


@pytest.mark.once
def test_wanted_error_rate_is_kept_without_the_rows_it_was_measured_on(make_project, made_table):
    table = pd.concat([made_table.drop(columns="order")] * 3).assign(answer=lambda t: t["amount"].fillna(0) * 2)
    project = make_project(table, predict={"error_rate": 0.2})

    file = exported(project)

    assert records.recorded(file)["decisions"][0].startswith(f"{SAME} 220 rows")
    with zipfile.ZipFile(file) as opened:
        assert any(name.endswith(confidence.LIMITS) for name in opened.namelist())


@pytest.mark.once
def test_model_that_needs_no_recipe_is_packed_with_what_wraps_its_features(make_project, made_table):
    file = exported(make_project(made_table, train={"candidates": ["dummy"]}))

    assert records.recorded(file)["decisions"][0].startswith(SAME)


def test_model_that_does_not_answer_by_itself_is_not_written(project, kept):
    named = f"import importlib\n\n\ndef add_features(rows):\n    importlib.import_module('{package.NAME}.mytools')\n"
    run = kept({"code/mytools.py": "", "code/features.py": named})

    with pytest.raises(DataError, match="does not answer by itself: ModuleNotFoundError"):
        export.run(project, run, project.root / "dist" / "the.whl")

    assert not (project.root / "dist").exists()


def test_without_the_rows_it_is_written_and_said_that_nothing_was_compared(project, folder, caplog):
    caplog.set_level("INFO")
    project.split("train").unlink()

    export.run(project, folder, project.root / "dist" / export.about(project, folder).file)

    assert any("not compared" in line for line in caplog.messages)
    assert model.load(folder.name).name == folder.name
