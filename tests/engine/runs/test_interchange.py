import pytest

from data_science_project import pipeline
from data_science_project.engine.modelling import decision
from data_science_project.engine.project import records, settings
from data_science_project.engine.runs import export, interchange, lineage, loading, registry

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def of_numbers(make_project, made_table):
    """A project about a number and a category, trained."""
    project = make_project(made_table[["amount", "colour", "answer"]])
    pipeline.make(project, "train")
    return project


def said(project):
    """What comes of the run of a project."""
    (folder,) = registry.folders(project)
    run = loading.load(folder)
    policy = decision.policy(folder, run.record, project.settings.predict, project.settings.decision)
    return interchange.write(folder, run, export.rows_to_compare(project, run), policy)


def test_model_that_converts_is_written_beside_the_run_with_how_far_it_is_from_the_original(of_numbers):
    (folder,) = registry.folders(of_numbers)

    wheel, path = pipeline.make(of_numbers, "export")[0], folder / registry.ONNX
    found = records.recorded(wheel)["decisions"][1]

    assert found.startswith("model.onnx agrees with the original on 72 rows: probabilities at most ")
    assert path in pipeline.make(of_numbers, "export") and loading.load(folder).name == folder.name
    assert "export" in lineage.render(lineage.trace(of_numbers, path))
    path.unlink()
    assert path in pipeline.make(of_numbers, "export") and path.is_file()


def test_costs_of_today_are_in_the_file(of_numbers):
    one = settings.load(of_numbers.root, ["decision.cost_false_negative=99", "decision.cost_false_positive=1"])
    (folder,) = registry.folders(one)
    run = loading.load(folder)
    known, _ = run.validate(export.rows_to_compare(one, run), run.columns, where="rows", target=False)

    assert said(one).startswith("model.onnx agrees")

    session = onnxruntime.InferenceSession(folder / registry.ONNX)
    asked = {one.name: interchange.cells(known[one.name], "string" in one.type) for one in session.get_inputs()}
    (found,) = session.run(["prediction"], asked)
    positive = run.record["classes"][1]
    assert (found == positive).mean() > (run.model.predict(known) == positive).mean()


def test_model_with_a_part_that_does_not_convert_is_not_written_and_it_is_said_why(project, folder):
    assert said(project).startswith("no model.onnx: columns used as ")
    assert not (folder / registry.ONNX).exists()


def test_model_that_would_answer_otherwise_is_not_written(of_numbers, monkeypatch):
    monkeypatch.setattr(interchange, "CLOSE", -1.0)

    assert "would answer otherwise" in said(of_numbers)
    assert not (registry.folders(of_numbers)[0] / registry.ONNX).exists()


def test_without_the_packages_it_is_said_how_to_get_them(of_numbers, monkeypatch):
    monkeypatch.setattr(interchange, "FOR_ONNX", ("no_such_package",))

    assert 'Add "onnx" to extras' in said(of_numbers)
