from types import SimpleNamespace

import numpy as np

from data_science_project.engine.project import settings
from data_science_project.engine.project.settings import Decision
from data_science_project.engine.report import choices


def test_no_more_are_expected_among_the_first_rows_than_there_are_at_all():
    yes = np.isin(np.arange(400), [*range(128), 301, 302, 303])
    asked = SimpleNamespace(settings=SimpleNamespace(decision=Decision()))
    evidence = SimpleNamespace(project=asked, result=SimpleNamespace(classes=("no", "yes")))

    found = choices.first_rows(evidence, yes, chance=np.linspace(1, 0, 400)).set_index("the first rows").iloc[:, 0]

    assert found[200] == "128 (114 to 131)"


def test_threshold_of_today_the_first_rows_and_how_many_answers_are_wrong_are_told(project, evidence):
    costs = ["decision.cost_false_positive=1", "decision.cost_false_negative=4", "decision.capacity=7"]
    about = evidence(settings.load(project.root, [*costs, "predict.error_rate=0.3", "predict.abstain_below=0.6"]))
    yes, chance = about.result.truth == "yes", about.result.predictions.probabilities[:, 1]

    found, rates = choices.decision(about), {row[0]: row[1:] for row in choices.abstention(about)["table"]["rows"]}

    assert (found["threshold"], found["why"]) == ("0.2", "the gains and costs of [decision]")
    (first,) = [row for row in found["table"]["rows"] if row[0] == "7"]
    hits = yes[np.argsort(-chance, kind="stable")[:7]].sum()
    assert first[1].startswith(f"{hits} (") and first[2] == f"{7 * yes.mean():.0f}"
    lift, missed = hits / 7 / yes.mean(), yes.sum() - hits
    assert first[3:] == [f"{lift:.1f}", f"{100 * hits / yes.sum():.1f} %", f"{hits - 7 - 4 * missed}"]
    sure = np.where(chance >= 0.2, chance, 1 - chance) > float(rates["at most 30.0 % wrong"][0]) - 0.0005
    assert rates["at most 30.0 % wrong"][1].startswith(f"{sure.sum()} (")
    assert rates["abstain_below = 0.6"][0] == "0.600"
