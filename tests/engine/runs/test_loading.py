import shutil

import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.project import package
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import loading, registry

TWICE = "def twice(numbers):\n    return numbers * 2\n"
WAYS = (  # how a module of the user's is imported, and how its function is called then
    ("from .{module} import twice as {module}_twice", "{module}_twice"),
    ("from {package}.{module} import twice as {module}_twice", "{module}_twice"),
    ("import {package}.{module}", "{package}.{module}.twice"),
    ("from {package} import {module}", "{module}.twice"),
    ("from .tools.{module} import twice as {module}_twice", "{module}_twice"),
    ("from {package}.tools.{module} import twice as {module}_twice", "{module}_twice"),
    ("", "__import__('{package}.{module}', fromlist=['twice']).twice"),
)


def use(project):
    """Let `add_features` double the amount by a module a way, each imported so; the modules."""
    lines, columns, modules = [], [], []
    for place, (line, call) in enumerate(WAYS):
        names = {"module": f"way{place}", "package": package.NAME}
        modules.append(project.package / ("tools" if ".tools." in line else "") / f"way{place}.py")
        lines.append(line.format(**names))
        columns.append(f"way{place}={call.format(**names)}(rows['amount'])")
    (project.package / "tools").mkdir()
    for module in modules:
        module.write_text(TWICE)
    made = f"def add_features(rows):\n    return rows.assign({', '.join(columns)})\n"
    (project.package / "features.py").write_text("\n".join([*lines, "\n", made]))
    return modules


def test_old_run_answers_the_same_after_modules_were_edited_whatever_way_they_are_imported(project, anew):
    modules = use(project)
    first = anew(project.root, "predict", "--output", "./first.csv")
    (name, _) = (folder.name for folder in registry.folders(project))
    for place, module in enumerate(modules):
        module.write_text(TWICE.replace("* 2", f"** {place + 2}"))

    second = anew(project.root, "predict", "--output", "./second.csv")
    again = anew(project.root, "predict", "--run", name, "--output", "./again.csv")

    assert first.exit_code == second.exit_code == again.exit_code == 0, first.stderr + again.stderr
    assert len(registry.folders(project)) == 3, "the edit was noticed: it trained again"
    answers = {file: (project.root / f"{file}.csv").read_text() for file in ("first", "second", "again")}
    assert answers["again"] == answers["first"] != answers["second"]


def test_slip_in_the_present_features_stops_no_older_run(project, folder, anew):
    (project.package / "features.py").write_text("def add_features(rows:\n")

    done = anew(project.root, "predict", "--run", folder.name, "--input", "table.csv")

    assert done.exit_code == 0, done.stderr


def test_run_keeps_the_whole_tree_of_the_package_and_its_model_is_made_of_the_classes_in_it(project, folder):
    kept, here = ({path.relative_to(one) for path in package.code(one)} for one in (folder / "code", project.package))

    assert kept == here
    assert type(loading.load(folder).model).__module__.startswith(f"{package.NAME}_run_")


def test_run_of_a_flat_package_still_answers(folder):
    folder = folder.rename(folder.with_name("flat"))  # not loaded yet in this process
    code = folder / "code"
    shutil.rmtree(code)
    code.mkdir()
    for name in ("__init__.py", "predict.py"):
        (code / name).touch()
    (code / "dictionary.py").write_text("def load(path):\n    return {'path': path.name}\n")
    (code / "features.py").write_text("def add_features(rows):\n    return 'added'\n")
    (code / "conform.py").write_text("def conform(rows):\n    return 'checked'\n")

    columns, add_features, validate = loading.before_the_engine(folder, loading.load_code(code).__name__)

    assert columns == {"path": "data_dictionary.toml"}
    assert (add_features(None), validate(None)) == ("added", "checked")


@pytest.mark.parametrize(
    ("name", "change"), [("older", ""), ("newer", "    sensitive: bool = False\n    later: str = 'on'\n")]
)
def test_columns_of_an_older_run_know_what_columns_know_today_and_those_of_a_newer_one_stay(folder, edit, name, change):
    folder = folder.rename(folder.with_name(name))  # not loaded yet in this process
    path = folder / "code/engine/columns/dictionary.py"
    with edit(folder) as record:
        record["run"] = name
        known = path.read_text().replace("    sensitive: bool = False\n", change)
        path.unlink()  # the projects of other tests have it too
        path.write_text(known if change else known.replace("def digits", "def numerals"))

    columns = loading.load(folder).columns

    assert {type(column) is Column for column in columns.values()} == {not change}
    assert {(column.digits, column.sensitive) for column in columns.values()} == {(0, False)}
    assert {getattr(column, "later", "") for column in columns.values()} == {"on" if change else ""}


def test_model_that_other_versions_cannot_read_is_a_message_and_any_other_error_as_it_is(folder, edit):
    with edit(folder):
        (folder / registry.MODEL).write_bytes(b"cnumpy\nno_such_function\n.")
    with pytest.raises(AttributeError, match="no_such_function"):
        loading.load(folder)

    for changed, with_what, cure in [
        ({"packages": {"numpy": "0.1"}}, "numpy 0.1 (now ", "of its commit, make install;"),
        (
            {"python": "3.99.1"},
            "Python 3.99.1 (now 3",
            "of its commit, rm -r .venv, make install PYTHON=python3.99",
        ),
    ]:
        with edit(folder) as record:
            record["environment"] |= changed
        with pytest.raises(DataError, match="cannot be loaded") as error:
            loading.load(folder)
        _, then, last = str(error.value).splitlines()
        assert then.startswith(f"It was trained with {with_what}") and then.endswith("Have them again:")
        assert last.startswith(f"requirements.lock {cure}") and last.endswith(f"make reproduce RUN={folder.name}")


def test_run_with_a_file_that_is_missing_or_was_added_or_without_a_record_is_not_loaded(folder):
    for name, said in [
        ("code/mine.py", "was added"),
        ("code/predict.py", "is missing"),
        ("run.json", "cannot be read"),
    ]:
        path = folder / name
        path.unlink() if path.exists() else path.touch()
        with pytest.raises(DataError, match=f"{path.name} {said}"):
            loading.load(folder)
