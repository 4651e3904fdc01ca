"""What to know before leaning on a score: each finding with what it can change, the largest first.

A finding that changes what it is about by less than the 95 % interval there is wide is not shown: chance does as much.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..modelling import confidence, decision
from ..modelling.metrics import RANKINGS, Groups, Predictions, Z
from ..project import records
from ..project.errors import DataError, counted, listed
from ..project.settings import Project
from ..runs import registry
from . import diagnostics, gains
from .diagnostics import FEW_UNITS, Result
from .evidence import Evidence
from .verdict import IN_UNITS, bounds, percent, scored

OF_EACH = 50  # rows that one stands for
TOO_GOOD = 0.995  # of a score whose best is 1: real questions are seldom that easy
DOMINATES = 0.8  # share of the gain over the baseline that hangs on one column
NEARLY_ALL = 0.9  # of that gain, by an answer from one column alone
MOSTLY = 0.5  # of the cells of a column
OFF, DRAWS = 0.05, 200  # of a probability, which nobody would act on otherwise; draws of what chance makes
OF_ROWS = ("duplicates", "ambiguity", "classes")  # suspicions about so many of the rows
OF_THE_SPLIT = ("answer", "time", "groups")  # and those that may have made all of the gain


@dataclass(frozen=True)
class Finding:
    """A finding in words, the `change` that it can make, and how wide the 95 % interval is of what it changes.

    Both are in the same unit, mostly that of the metric; what cannot be measured has 1 and 1.
    """

    text: str
    change: float = 1.0
    width: float = 1.0

    @property
    def weight(self) -> float:
        """How many times chance it is."""
        return self.change / self.width if self.width else math.inf


def ranked(evidence: Evidence) -> list[str]:
    """The findings about a run that can change more than chance does, those that change most first."""
    result, scores, held = evidence.result, evidence.record["metrics"], evidence.policy.held
    of_dev = result.width if held is None else width_where_chosen(result, held)
    found = [
        *of_score(result, scores["dev"][result.metric.name], of_dev, evidence.record["parameters"]["split"]["by"]),
        *of_units(result),
        *of_test_rows(result, scores["test"]),
        *of_recall(result, guessing=evidence.policy.level is None),  # else the costs ask for it
        *(of_probabilities(result) if result.classes else of_bands(result, held)),
        *of_columns(evidence),
        *of_data(evidence),
        *too_good(evidence),
        *of_candidates(evidence.record),
        *of_champion(evidence.project, evidence.record),
    ]
    return [one.text for one in sorted(found, key=lambda one: -one.weight) if one.weight >= 1]


def of_score(result: Result, dev: float, of_dev: float, by: str) -> Iterator[Finding]:
    """Whether the score says anything; `dev` is the one that the model was chosen by, its interval `of_dev` wide."""
    name = result.metric.name
    if not np.isfinite(result.interval).all():
        yield Finding(f"These rows allow no interval of {name}: the score may be luck.", math.inf)
    elif not result.beats_constant:
        wide = ", made as wide as it should be" if 1 < result.units < FEW_UNITS else ""
        reaches = f"the 95 % interval of {name}, {bounds(name, result.interval)}{wide}, reaches what a constant gets"
        text = f"Better than guessing is not shown: {reaches}, {scored(name, result.baseline)}, or worse."
        yield Finding(text, math.inf)
    between = f"{scored(name, dev)} where the model was chosen and {scored(name, result.score)} on the test rows"
    lucky = result.metric.better_by(dev, result.score) > 0
    why = "the choice was lucky" if lucky else "the models compared there saw fewer rows"
    rows = "the rows differ, by time or by group" if ":" in by else "rows belong together"  # divided at random
    text = f"{name} is {between}, more apart than chance explains of single rows: {why}, {rows}, or a few weigh much."
    yield Finding(text, abs(dev - result.score), max(of_dev, result.width))
    if name in ("r2", "rmse"):
        off, apart = ((result.truth - values) ** 2 for values in (result.predictions.values, result.truth.mean()))
        squares = apart if name == "r2" and apart.sum() > off.sum() else off  # r2 is one less the share of these two
        few = int(np.argmax(np.cumsum(np.sort(squares)[::-1]) >= squares.sum() / 2)) + 1
        lies = f"lies in {counted(few, 'row')} of {len(squares):,}, above all in number {squares.argmax() + 1}"
        text = f"Half of the squared distances that {name} is made of {lies}: look at it. With other rows it may be "
        text = f"{text}quite another, also outside of its interval; mae leans less on so few."
        yield Finding(text, min(FEW_UNITS, len(squares) / OF_EACH), few)  # of normal numbers an eighth make half


def width_where_chosen(result: Result, held: pd.DataFrame) -> float:
    """How wide the interval of the score is by which the model was chosen, on its held-out rows."""
    if len(result.classes) > 2:  # of these only the probability of the answer is kept
        return result.width * math.sqrt(len(result.truth) / len(held))
    answers = Predictions(held["prediction"].to_numpy())
    if result.classes:
        yes = decision.of_positive(held, result.classes)
        answers = Predictions(answers.values, np.column_stack([1 - yes, yes]), result.classes)
    low, high = result.metric.interval(held["truth"].to_numpy(), answers)
    return high - low


def of_units(result: Result) -> Iterator[Finding]:
    """Test rows, those of a class or groups of them too few for the interval to be as wide as it should be."""
    count, groups, (low, high) = result.units, result.groups, result.interval
    if count < FEW_UNITS:
        times, rare = diagnostics.too_narrow(count), pd.Series(result.truth).value_counts().index[-1]
        what = counted(count, "test row") + ("" if count == len(result.truth) else f" of '{rare}'")
        if groups is not None and groups.nunique() == count:
            what = f"{counted(count, 'test group')} ({groups.name})"
        should = f"it should be about {times:.1f} times as wide" if count > 1 and low < high else "none can be given"
        yield Finding(f"The interval hangs on {what}, too few for it: {should}.", times)


def of_test_rows(result: Result, test: Mapping[str, Any]) -> Iterator[Finding]:
    """Rows and classes that the score says nothing of; `test` is what the record holds of the test split."""
    if test["may_have_been_seen"]:
        text = "This run was trained on other splits than the present ones, and may have learned from these test rows: "
        all_of_it = max(result.reach, result.width)
        yield Finding(f"{text}the scores may be too good. Train again to be sure.", all_of_it, result.width)
    n = len(result.truth)
    for label, rows in test["set_aside"].items():
        text = f"{rows} of {n + rows} test rows are of the class '{label}', which the model was never shown: left out."
        yield Finding(text, result.span * rows / (n + rows), result.width)
    present = set(result.truth.tolist())
    if lacking := [str(label) for label in result.classes if label not in present]:
        text = f"The test split has no row of {listed(lacking, 8)}: nothing here says how well they are recognised."
        yield Finding(text)


def of_recall(result: Result, *, guessing: bool = True) -> Iterator[Finding]:
    """Classes found clearly more seldom than by guessing, where that counts, and others that are never answered."""
    n, weight, lost, never = len(result.truth), 0.0, list[str](), dict[str, int]()
    for label in result.classes:
        hits, said = (result.predictions.values[some] == label for some in (result.truth == label, slice(None)))
        rows, by_chance = len(hits), min(len(hits) / n, 1 / len(result.classes))
        most = diagnostics.wilson(hits)[1] if rows else 1.0
        if guessing and most < by_chance:
            lost.append(f"{hits.sum():,} of {rows:,} that are '{label}' ({rows * by_chance:,.0f} by guessing)")
            weight = max(weight, by_chance / most)
        elif rows and not said.any():
            never[f"{label} ({rows} rows)"] = rows
    if lost:
        yield Finding(f"It found {listed(lost, 8)}.", weight)
    if never and result.metric.name not in RANKINGS:
        text = f"It never answers {listed(list(never), 8)}: no row of the test split is found to be of that class."
        yield Finding(text, result.span * sum(never.values()) / n, result.width)


def of_probabilities(result: Result) -> Iterator[Finding]:
    """Probabilities that do not keep their word, by more than chance makes of honest ones."""
    said, came = diagnostics.word_and_truth(result.truth, result.predictions)
    bins = diagnostics.even_bins(said)
    drawn = np.random.default_rng(0).random((DRAWS, len(said))) < said
    off, *by_chance = (np.abs(np.bincount(bins, said - rows)).sum() / len(said) for rows in (came, *drawn))
    alone = width_of(said - came, None)
    most = max(by_chance) * max(1.0, width_of(said - came, result.groups) / alone if alone else 1.0)
    text = (
        f"The probabilities do not keep their word: on average {percent(said.mean())} was said and "
        f"{percent(came.mean())} came true; over the bins of the curve they are {percent(off)} apart, where chance "
        f"makes at most {percent(most)}. Trust the order of the rows more."
    )
    yield Finding(text, off, max(most, OFF))


def width_of(values: np.ndarray, groups: Groups) -> float:
    """How wide the 95 % interval of the sum of values, shape (n_rows,), is."""
    _, low, high = gains.summed(values, groups)
    return high - low


def of_bands(result: Result, held: pd.DataFrame | None) -> Iterator[Finding]:
    """The band that keeps its word least of those that `error_rate` could ask for."""
    truth, values, found = result.truth, result.predictions.values, []
    if held is None:
        return
    for rate in confidence.RATES:
        low, high = confidence.band(held, rate).of(values)
        outside = (truth < low) | (truth > high)
        share, by_chance = outside.mean(), rate * (1 - rate) * (1 / len(truth) + 1 / len(held))
        chance = max(width_of(outside.astype(float), result.groups) / len(truth), 2 * Z * math.sqrt(by_chance))
        if np.isfinite(high).all():
            text = f"Bands around the numbers do not keep their word: {percent(rate)} of the truths may lie outside, "
            found.append(Finding(f"{text}{percent(share)} do.", abs(share - rate), chance))
    yield from sorted(found, key=lambda one: -one.weight)[:1]


def of_columns(evidence: Evidence) -> Iterator[Finding]:
    """Columns that are empty in most rows, and one on which nearly all of the gain hangs."""
    seen = registry.columns_seen(evidence.record)
    empty = pd.concat([evidence.question.rows[seen], evidence.test[seen]]).isna().mean()
    if shown := [f"{name} ({percent(share)})" for name, share in empty[empty > MOSTLY].items()]:
        yield Finding(f"Empty in most rows: {listed(shown)}. What such a column says was learned from the rest.")
    told = {name for one in evidence.suspicions if one["kind"] == "answer" for name in one["columns"]}
    found, result = evidence.importances, evidence.result
    if len(found) < 2 or result.reach <= 0:
        return
    first, second, (alone, next_best) = found.iloc[0], found.iloc[1], evidence.alone.iloc[:2]
    apart = alone > NEARLY_ALL * result.reach and alone > 2 * next_best
    name, change = (evidence.alone.index[0], alone) if apart else (first.column, first.loss)
    share = percent(change / result.reach) if change < result.reach else "all"
    gain = f"{share} of the gain over the constant answer"
    if apart:
        text = f"One column, '{name}', alone reaches {gain}, no other half as much."
    elif first.loss > DOMINATES * result.reach and first.loss > 1.5 * second.loss:
        text = f"The model leans on one column, '{name}': with its cells shuffled {gain} is lost."
    else:
        return
    if name not in told:
        yield Finding(f"{text} Is it known at the time when the prediction is needed?", change, result.width)


def of_data(evidence: Evidence) -> Iterator[Finding]:
    """What `features` found suspicious in the data, with what it can change in this score."""
    result = evidence.result
    loss = evidence.importances.set_index("column")["loss"].clip(lower=0)
    for one in evidence.suspicions:
        text, share = f"Found in the data: {one['sentence']}. {one['cure']}", one.get("share", 1.0)
        if one["kind"] in (*OF_ROWS, *OF_THE_SPLIT):
            yield Finding(text, share * (result.span if one["kind"] in OF_ROWS else result.reach), result.width)
        elif evidence.record["target"] in one["columns"]:
            yield Finding(text)
        else:
            yield Finding(text, loss.reindex(one["columns"]).sum(), result.width)


def of_candidates(record: Mapping[str, Any]) -> Iterator[Finding]:
    """Candidates that could not be compared; a run from before they were kept has none."""
    if lost := record.get("left_out", {}):
        total = len(lost) + len(set(record["metrics"]["leaderboard"]) - {"blend"})
        why = "; ".join(f"{name}: {said}" for name, said in lost.items())
        yield Finding(f"{len(lost)} of {total} candidates could not be compared ({why}).")


def of_champion(project: Project, record: Mapping[str, Any]) -> Iterator[Finding]:
    """A model in use that was trained on other raw data than the present ones."""
    try:
        folder = registry.champion(project)
    except DataError:  # the first screen says that it is damaged
        return
    champion = registry.sound(folder) if folder else None
    present = records.recorded(project.clean).get("inputs", {})
    if champion and not set(present.values()) <= set(champion["input_data"].values()):
        which = "this run" if champion["run"] == record["run"] else champion["run"]
        text = f"The champion, {which} of {champion['started'][:10]}, is older than the data: it has learned nothing"
        yield Finding(f"{text} of the new ones.")


def too_good(evidence: Evidence) -> Iterator[Finding]:
    """A score that is too good to be true, where no column is named that tells the answer."""
    result, name = evidence.result, evidence.result.metric.name
    named = any(one["kind"] == "answer" for one in evidence.suspicions)
    named = named or any(one.weight > 1 for one in of_columns(evidence))
    if name not in (*IN_UNITS, "log_loss") and result.score > TOO_GOOD and not named:
        text = f"{name} {scored(name, result.score)} is suspiciously good: make sure that no column tells the answer, "
        yield Finding(f"{text}or is only known after it.", result.reach, result.width)
