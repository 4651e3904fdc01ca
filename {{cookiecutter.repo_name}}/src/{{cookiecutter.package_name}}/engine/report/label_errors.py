"""Rows of train and dev whose label is probably wrong: a list to work through.

Called by `evaluate`, which writes it to `reports/<run>/label_errors.csv`. Every row is answered by a model that has not
seen it (five folds). For classes confident learning decides (Northcutt, Jiang and Chuang 2021, the package cleanlab);
for numbers a residual far outside of those of similar predictions. Rows of the test split are not listed: corrected
only where a model disagrees, they would agree with models better than new rows do.
"""

import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor

from ..checks.leaks import GIVES_AWAY, OF_ITS_DATE, PINS, best_view
from ..checks.suspicion import quoted, sampled
from ..columns import dictionary
from ..modelling import metrics
from ..modelling.division import divide
from ..modelling.estimators import threads
from ..modelling.metrics import Predictions, columns_of
from ..modelling.question import Question, hold_out
from ..modelling.split import cross_validation
from ..project import records
from ..project.errors import DataError
from ..project.log import warnings_as_lines
from ..runs.registry import columns_seen
from .evidence import Evidence

log = logging.getLogger(__name__)
DUMMY = "dummy"
ROWS_ASKED = 20_000  # that are looked at: five fits of a larger table are dear, and nobody reads so long a list
LISTED = 250  # of a noisy target many rows are only hard: the surest are worth a person's time
TENTHS = 10  # of the predictions: where numbers are large, so are honest residuals
SIMILAR = 10  # rows, of fewer of a kind the usual residual is luck
FAR_OFF = 5.0  # robust standard deviations: one in two million normal residuals is so far, one in 200 real ones
ROBUST = 1.4826  # standard deviations in a median absolute deviation, for normal residuals
COLUMNS_SHOWN = 12
WEAK = 0.5  # of what could be explained: a weaker candidate is surprised by honest rows more than by wrong labels
SUREST = 0.25  # of the rows that are confirmed: as many of wrong labels are as sure, and fewer of hard rows
FOLDS = 5
SEED = 0


def find(evidence: Evidence) -> tuple[pd.DataFrame, dict[str, Any]]:
    """List the rows of train and dev whose label a candidate, fitted without them, contradicts.

    The surest first: `row` (its number in the raw file), the id columns, `given`, `suggested`, `probability_of_given`
    and `probability_of_suggested` (0-1) or `off_by` and `times_usual`, `verdict` (empty, for the person who works
    through it), and features. With the table comes what it is about: `rows` looked at, `candidate` that answered, `n`
    rows whose label it contradicts, `listed` of them, its `skill` (see `explained`), of how many it is `sure` (see
    `as_sure`), the columns that tell a part of the rows (`leaks`, in words), whether most of the n `stand_out` beside
    that part, and whether it is too `weak` to doubt labels.
    """
    chosen, asked = looked_at(evidence.question)
    name, predictions = answers_unseen(evidence, asked)
    seen = [column for column in columns_seen(evidence.record) if column in asked.rows]
    found = contradicted(asked, predictions, seen)
    found = found.iloc[:0] if name == DUMMY else found  # no candidate knows more: it can doubt nothing
    rest = ~np.isin(np.arange(len(asked.truth)), found["position"])
    leaks = [column for column in leaks_of_a_part(evidence.suspicions) if column in seen]
    told = told_by(leaks, asked)
    beside = found[["given", "suggested"]].isin(told).any(axis=1) | (bool(leaks) and not asked.classes)
    left, stand_out = ~np.isin(asked.truth, told), bool(leaks) and bool(beside.sum() >= len(found) / 2)
    skill = 0.0 if stand_out else explained(asked.truth[left], predictions[left], rest[left])
    sure = as_sure(asked.truth, predictions, rest, found[~beside])
    unsure = bool(asked.classes) and sure < max(2, len(found) / 6)  # of wrong labels alone a quarter
    table = as_list(evidence, asked.rows, found.head(LISTED), row_numbers(evidence)[chosen])
    about = {"rows": len(asked.truth), "candidate": name, "n": len(found), "listed": len(table), "skill": skill}
    return table, about | {"sure": sure, "leaks": quoted(leaks), "stand_out": stand_out, "weak": skill < WEAK or unsure}


def as_list(evidence: Evidence, rows: pd.DataFrame, found: pd.DataFrame, numbers: np.ndarray) -> pd.DataFrame:
    """The table to work through, of what was `found` among `rows`, with the `numbers` of these in the raw file."""
    columns, place = dictionary.of(evidence.project), found["position"].to_numpy()
    shown = [*dictionary.label_columns(columns), *columns_seen(evidence.record)]
    ids, shown = ([name for name in names if name in rows] for names in (dictionary.by_role(columns, "id"), shown))
    said = found.drop(columns="position").assign(verdict="").set_index(place)
    suspects, number = rows.iloc[place], pd.Series(numbers[place], index=place, name="row")
    table = pd.concat([number, suspects[ids], said, suspects[shown[:COLUMNS_SHOWN]]], axis=1).reset_index(drop=True)
    return table.loc[:, ~table.columns.duplicated()]


def looked_at(question: Question) -> tuple[np.ndarray, Question]:
    """The positions of at most so many rows of train and dev as are looked at, (n_rows,), and the question of them."""
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(question.truth))[:ROWS_ASKED])
    groups = None if question.groups is None else question.groups.iloc[chosen]
    rows, truth = question.rows.iloc[chosen].reset_index(drop=True), question.truth[chosen]
    folds = cross_validation(truth, groups, n_folds=FOLDS, seed=SEED)
    return chosen, replace(question, rows=rows, truth=truth, groups=groups, folds=folds)


def answers_unseen(evidence: Evidence, asked: Question) -> tuple[str, Predictions]:
    """The candidate that answers, and what it says of each row without having seen it, in the order of the rows."""
    dummy = DummyClassifier(strategy="prior") if asked.classes else DummyRegressor()
    known, metric = {DUMMY: dummy, **evidence.candidates}, evidence.result.metric
    # The best single candidate is as good as the blend for this, and a part of its cost.
    board = evidence.record["metrics"]["leaderboard"]
    scores = {name: metric.better_by(board[name][metric.name], 0) for name in board if name in known}
    name = max(scores, key=lambda name: scores[name], default=DUMMY)
    with warnings_as_lines(log), threads(len(asked.truth)):
        try:
            found = hold_out(known[name], asked)
        except ValueError:  # a class has too few rows for this candidate in a fold
            name, found = DUMMY, hold_out(dummy, asked)
    return name, found[np.argsort(asked.held_places)]


def contradicted(asked: Question, predictions: Predictions, seen: list[str]) -> pd.DataFrame:
    """The rows whose label the answers contradict, as `wrong_classes` or `wrong_numbers` has them."""
    if asked.classes:
        return wrong_classes(asked.truth, predictions)
    found = wrong_numbers(asked.truth, predictions, asked.rows[seen].isna())
    # An answer that was cut at the largest number that was learned from says nothing of a larger label.
    nearest = np.empty(len(asked.truth))
    for fitted, held in asked.folds:
        nearest[held] = np.clip(asked.truth[held], asked.truth[fitted].min(), asked.truth[fitted].max())
    return found[(nearest != predictions.values)[found["position"]]]


def explained(truth: np.ndarray, answers: Predictions, rest: np.ndarray) -> float:
    """The share of the variance of numbers, or of the surprise (log-loss) of classes in `rest`, that answers take away.

    `rest`, bool, shape (n_rows,), is not doubted: of all of two even classes, a ninth turned, the best explain half.
    """
    if not answers.classes:
        return metrics.NUMBERS["r2"].score(truth, answers)
    constant = metrics.constant(truth, answers.classes, len(truth))
    return 1 - metrics.log_loss(truth[rest], answers[rest]) / metrics.log_loss(truth[rest], constant[rest])


def as_sure(truth: np.ndarray, answers: Predictions, rest: np.ndarray, found: pd.DataFrame) -> int:
    """How many doubted rows it answers as surely as the surest quarter of those it confirms in the same class.

    A wrong label is on a row like any other of its class; of a hard row it is less sure.
    """
    count, known, right = 0, list(answers.classes), rest & (truth == answers.values)
    for (given, suggested), rows in found.groupby(["given", "suggested"]) if known else ():
        confirmed = np.flatnonzero(right & (truth == suggested))
        shares = answers.probabilities[:, [known.index(given), known.index(suggested)]]
        doubted, others = (shares[some, 0] / shares[some, 1] for some in (rows["position"], confirmed))
        count += int((doubted <= np.quantile(others, SUREST)).sum()) if len(others) else 0
    return count


def row_numbers(evidence: Evidence) -> np.ndarray:
    """The number in the raw file of each row of train and dev, shape (n_rows,)."""
    clean = pd.read_parquet(records.checked(evidence.project.clean))
    parts = divide(evidence.project, clean)
    labels = pd.concat([parts[part][evidence.record["target"]] for part in ("train", "dev")])
    numbers = labels[labels.isin(evidence.question.classes or labels)].index.to_numpy()  # of classes that the run knows
    if len(numbers) != len(evidence.question.truth):
        found = "data/processed/ was not made from data/interim/clean.parquet as params.toml says"
        raise DataError(f"{found}: make features")
    return numbers


def wrong_classes(truth: np.ndarray, predictions: Predictions) -> pd.DataFrame:
    """`position`, `given`, `suggested` and their probabilities, the surest first; `truth` has the shape (n_rows,)."""
    from cleanlab.filter import find_label_issues  # 0.2 s, for this alone

    place, rows = columns_of(truth, predictions.classes), np.arange(len(truth))
    given, others = predictions.given_to(truth), np.array(predictions.probabilities)
    others[rows, place] = -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it cannot judge a class of a few rows
        suspect = find_label_issues(place, predictions.probabilities, filter_by="prune_by_noise_rate", n_jobs=1)
    suggested = np.asarray(predictions.classes)[others.argmax(axis=1)]
    table = pd.DataFrame({"position": rows, "given": truth, "suggested": suggested})
    table["probability_of_given"], table["probability_of_suggested"] = given.round(4), others.max(axis=1).round(4)
    return table[suspect].sort_values(["probability_of_given", "position"], kind="stable", ignore_index=True)


def leaks_of_a_part(suspicions: list[dict[str, Any]]) -> list[str]:
    """Columns that tell the target in a part of the rows: the others stand out, whatever their label."""
    asked = [one for one in suspicions if one["kind"] == "answer" and one["cure"] != OF_ITS_DATE]
    part = [one for one in asked if one["figures"].get("score", 1) < GIVES_AWAY and one["figures"].get("filled", 1) > 0]
    return [name for one in part for name in one["columns"]]


def told_by(leaks: list[str], asked: Question) -> list:
    """The classes of which these columns tell rows, as one against all others; all where that is none."""
    rows = sampled(asked.rows)
    truth = asked.truth[rows.index]
    views = [(label, best_view(rows[name], (truth == label).astype(int))) for name in leaks for label in asked.classes]
    return [label for label, view in views if view.pin.agreement > PINS] or [label for label, _ in views]


def wrong_numbers(truth: np.ndarray, predictions: Predictions, gaps: pd.DataFrame) -> pd.DataFrame:
    """`position`, `given`, `suggested`, `off_by`, `times_usual` (the median of similar rows); farthest first.

    Similar are the predictions of a tenth, and the rows that lack the same cells (`gaps`, bool, shape (n_rows, n)):
    what a row does not tell makes an honest residual larger.
    """
    residual = truth - predictions.values
    tenth = pd.qcut(pd.Series(predictions.values).rank(method="first"), min(TENTHS, len(truth)), labels=False)
    size, gaps = pd.Series(np.abs(residual)), gaps.loc[:, gaps.any()]
    kinds = [tenth, *(gaps[name].to_numpy() for name in gaps)]
    if gaps.shape[1] > 1:
        kinds.append(pd.util.hash_pandas_object(gaps, index=False).to_numpy())
    alike = [size.groupby(kind) for kind in kinds]
    medians = [rows.transform("median").where(rows.transform("size") >= SIMILAR) for rows in alike]
    usual = ROBUST * pd.concat(medians, axis=1).max(axis=1).fillna(size.median()).to_numpy()
    times = np.divide(np.abs(residual), usual, out=np.zeros(len(truth)), where=usual > 0)
    table = pd.DataFrame({"position": np.arange(len(truth)), "given": truth, "suggested": predictions.values})
    table["off_by"], table["times_usual"] = residual, times.round(2)
    return table[times > FAR_OFF].sort_values("times_usual", ascending=False, kind="stable", ignore_index=True)


def worked_on(path: Path) -> bool:
    """Whether a person has written into the column `verdict` of a list, CSV, or saved it in a form of their own."""
    if not path.is_file():
        return False
    try:
        return bool(pd.read_csv(path, dtype=str)["verdict"].notna().any())
    except (KeyError, ValueError):  # other separators, another encoding: no program wrote that here
        return True
