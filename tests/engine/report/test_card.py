import re

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import records, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.report import card
from data_science_project.engine.runs import registry

CHARTER = """# Charter

## The question

| Question | A good answer contains | Our answer |
|---|---|---|
| What does one row stand for? | One thing | An order, as it is \\| was <b>packed</b> |
| When is the prediction needed? | The moment | |

Asked by the warehouse.

## Who decides what with the answer

| Question | A good answer contains | Our answer |
|---|---|---|
| Who may object? | People | The customer, by letter |
| Who pays the postage? | | Nobody |
"""


@pytest.fixture
def told(contest):
    """An evaluated project with a charter that somebody began to fill in, and its newest run."""
    (contest.root / "docs").mkdir()
    (contest.root / "docs" / "charter.md").write_text(CHARTER, encoding="utf-8")
    return contest, registry.folders(contest)[0]


def texts(paths):
    return [path.read_text(encoding="utf-8") for path in paths]


def test_card_is_a_page_and_markdown_beside_the_evaluation_with_the_sections_of_the_source_in_its_order(told):
    project, folder = told
    wanted = "Model details, Intended use, Factors, Metrics, Evaluation data, Training data, Quantitative analyses, "
    wanted += "Ethical considerations, Caveats and recommendations"

    paths = card.run(project, folder)

    assert paths == [project.root / "reports" / folder.name / f"model_card.{kind}" for kind in ("html", "md")]
    page, text = texts(paths)
    assert page.count("<main") == 1 and 'href="evaluation.html"' in page and "](evaluation.html)" in text
    assert re.findall(r"<h2>(.*)</h2>", page) == re.findall(r"(?m)^## (.*)$", text) == wanted.split(", ")


def test_every_score_of_the_card_is_that_of_the_record(told):
    project, folder = told
    test = registry.read(folder)["metrics"]["test"]

    page, text = texts(card.run(project, folder))

    for score in (test["roc_auc"], *test["interval"], test["constant"], test["log_loss"]):
        assert f"{score:.3f}" in page and f"{score:.3f}" in text
    assert test["data"][:16] in page and registry.read(folder)["files"]["model.pkl"][:16] in text


def test_card_states_the_decision_of_the_page_what_it_is_worth_and_which_threshold_each_figure_has(contest):
    run, stated = registry.folders(contest)[0].name, "gain_true_positive=30 cost_false_positive=10 capacity=6".split()
    project = settings.load(contest.root, [f"decision.{one}" for one in stated] + ['decision.currency="EUR"'])

    page, text = texts(pipeline.make(project, "card", run=run))

    report = (project.root / "reports" / run / "evaluation.html").read_text(encoding="utf-8")
    rows = pd.read_parquet(project.root / "reports" / run / registry.ANSWERS)
    found = (rows.loc[rows["answer"] == "yes", "probability_yes"] >= 0.25).mean()
    (worth,) = re.findall(r"Acting so is worth [^<]*", report)
    assert f"- {worth}" in text and worth in page
    assert re.search(rf"\| yes \| \d+ \| {100 * found:.1f}\s%", text) and f"{100 * found:.1f}\u00a0%" in report
    assert "answers as [decision] has them: 'yes' from 0.25 on" in text
    assert "answers at the model's own threshold" in text and "by today's [decision] from 0.25 on" in text


def test_what_people_said_stands_in_the_card_and_what_they_did_not_is_not_stated(told):
    page, text = texts(card.run(*told))

    assert "An order, as it is | was &lt;b&gt;packed&lt;/b&gt;" in page
    assert "| What does one row stand for? | An order, as it is \\| was &lt;b>packed&lt;/b> |" in text
    assert "| When is the prediction needed? | not stated |" in text and "Asked by the warehouse." in page
    ethics = text.partition("## Ethical considerations")[2].partition("## ")[0]
    assert "| Who may object? | The customer, by letter |" in ethics
    assert "Who pays the postage?" in text.partition("## Intended use")[2].partition("## ")[0]


def test_run_without_an_evaluation_has_no_card_and_the_message_says_how_to_get_one(project, folder):
    with pytest.raises(DataError, match=f"make evaluate RUN={folder.name}"):
        card.run(project, folder)


def test_verb_evaluates_first_tells_how_far_numbers_are_off_and_does_nothing_the_second_time(
    make_project, numbers, caplog
):
    project = make_project(numbers.assign(y=numbers["x"] * 3), data={"source": "table.csv", "target": "y"})
    made = pipeline.make(project, "card")
    before = [path.stat().st_mtime_ns for path in made]
    caplog.set_level("INFO")

    again = pipeline.make(project, "card")

    _, text = texts(made)
    record = registry.read(registry.folders(project)[0])
    assert f"{record['metrics']['test']['mae']:.4g}" in text
    assert re.search(r"within 5% of the truth \(\d+ of \d+, those above 0\)", text)
    assert (made[0].parent / "evaluation.html").is_file() and "nothing to do" in caplog.messages[-1]
    assert [path.stat().st_mtime_ns for path in again] == before


def test_card_says_how_many_files_it_does_not_name_and_warns_of_what_the_record_knows(told):
    project, folder = told
    record = registry.read(folder)
    parts = {f"data/raw/x/{place}.csv": "0" * 64 for place in range(5)}
    inputs = {**record["input_data"], **parts}
    registry.write(folder, {**record, "input_data": inputs, "dirty": True, "commit": "a" * 40})

    _, text = texts(card.run(project, folder))

    assert "0.csv" in text and "and 3 more" in text and "4.csv" not in text
    assert "not committed" in text.partition("## Caveats")[2]


def test_card_quotes_what_stands_under_before_you_lean_on_this(contest):
    settled = pipeline.make(contest, "evaluate")[0]
    said = ["One column, 'fee', alone reaches all of the gain <over> the constant answer."]
    records.record(settled, {**records.recorded(settled), "warnings": said})
    folder = registry.folders(contest)[0]

    page, text = texts(card.run(contest, folder))
    records.record(settled, {name: value for name, value in records.recorded(settled).items() if name != "warnings"})
    _, of_before = texts(card.run(contest, folder))

    assert "alone reaches all of the gain &lt;over&gt;" in page.partition("Caveats")[2]
    assert said[0].replace("<", "&lt;") in text.partition("## Caveats")[2] and "alone reaches" not in of_before


@pytest.mark.once
def test_column_that_gives_the_answer_away_is_named_on_the_card(make_project):
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"x": random.normal(size=300), "answer": random.choice(["yes", "no"], 300)})
    rows["follow_up"] = np.where(rows["answer"] == "yes", random.normal(size=300), np.nan)

    page, text = texts(pipeline.make(make_project(rows), "card"))

    assert "follow_up" in text.partition("## Caveats")[2] and "follow_up" in page.partition("Caveats")[2]


def test_card_counts_the_runs_that_were_scored_on_its_test_rows_to_this_day(contest):
    name = registry.folders(contest)[0].name
    before = texts(pipeline.make(contest, "card", run=name))[1]
    third = settings.load(contest.root, ["train.seed=1"])
    pipeline.make(third, "evaluate", run=pipeline.make(third, "train")[0].parent.name)

    after = texts(pipeline.make(contest, "card", run=name))[1]

    assert "| Runs scored on them | 2 |" in before and "runs were scored on these test rows" not in before
    assert "| Runs scored on them | 3 |" in after and "- 3 runs were scored on these test rows" in after
