"""What a run says of rows: read them, check them, answer them, and what is asked for beside the answers."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ..columns import dictionary, spelling
from ..modelling import decision, reasons, threshold
from ..modelling.confidence import CLASSES_SHOWN, Limits
from ..modelling.decision import Policy
from ..project import package, records
from ..project.errors import DataError, ProjectError
from ..project.settings import Project
from . import loading, registry, training_rows
from .loading import Run

log = logging.getLogger(f"{package.NAME}.predict")
ALL_CONFIDENT = Policy(Limits())
Background = tuple[reasons.Answers, pd.DataFrame, np.ndarray, Callable[[float], str]]


def test_rows(project: Project, model: Run) -> pd.DataFrame:
    """The test split as it was before features were added, without its target."""
    test = pd.read_parquet(records.checked(project.split("test"))).reset_index(drop=True)
    check_left_out(project, model, test, "test")
    return of_split(project, model, test, "test", target=False)


def of_split(project: Project, model: Run, rows: pd.DataFrame, where: str, *, target: bool = True) -> pd.DataFrame:
    """Rows of a split as the run knows them, under the rules of today; ids may be missing of those that people told."""
    columns = dictionary.nameless(rules_of_today(model.columns, project.dictionary))
    known = rows[[name for name in rows if name in columns]]
    return model.validate(known, columns, where=where, target=target)[0]


def read_rows(project: Project, model: Run, path: Path, aside: Path | None) -> tuple[pd.DataFrame, list[str]]:
    """Read a file and make it conform to the run's columns under the rules of the present dictionary.

    `path` may end in `?member=` and a member of an archive. Lines that are in no row go to `aside`, if there is
    one, once the rows conform; the index of the rows counts the rows of the file from 0.
    """
    from ..sources import read  # an exported model reads no files
    from ..sources.source import parted

    asked = dictionary.by_role(model.columns, "feature")
    file, member = parted(str(path))
    # The header must have the name of a feature; of the target it need not.
    separators = dictionary.separators(model.columns)
    known = read.Known.of(project.settings.data, asked[0] if asked else "", member, separators)
    table = read.tables([Path(file)], known)
    if table.frame.empty:
        raise DataError(f"{path}: {read.NO_ROWS}")
    check_left_out(project, model, table.frame, path.name)
    columns = rules_of_today(model.columns, project.dictionary)
    columns, marks = spelling.in_other_marks(table.frame, columns, path.name)
    rows, warnings = model.validate(table.frame, columns, where=path.name, first_row=table.first_row, target=False)
    kept = read.keep_aside(aside, table.set_aside) if aside else []
    return rows.set_axis(table.frame.index), [*kept, *table.decisions, *marks, *warnings]


def check_left_out(project: Project, model: Run, rows: pd.DataFrame, where: str) -> None:
    """Refuse rows without a column that the run needs and the project has left out since: to add it is no cure."""
    lacking = registry.lacking(model.columns, rows)
    if lacking and project.dictionary.is_file():
        wanted = dictionary.by_role(dictionary.of(project), "feature", "time")
        if left_out := ", ".join(repr(name) for name in lacking if name not in wanted):
            raise DataError(
                f"{where} lacks {left_out}: run {model.name} was trained with it, the project leaves it out now.\n"
                "Let a run answer that does without: make train, make predict RUN=...; for good: make promote RUN=..."
            )


def rules_of_today(columns: dict, path: Path, before: dict | None = None) -> dict:
    """The columns of the run, with ranges, categories and rules as the dictionary has them now.

    Where that cannot be read, half written as it may be, those of `before` count, which is said, or it is refused.
    """
    try:
        return under(columns, dictionary.load(path)) if path.is_file() else columns
    except ProjectError as error:
        if before is None:
            raise
        log.error("%s\nUntil it is mended the rules of before go on.", error)
        return before


def under(columns: dict, today: dict) -> dict:
    """The columns of the run, with ranges, categories and rules of another dictionary; lists as the run parts them."""
    same = [n for n, then in columns.items() if n in today and (today[n].type, today[n].role) == (then.type, then.role)]
    return {**columns, **{name: replace(today[name], separator=columns[name].separator) for name in same}}


def answered(folder: Path, model: Run, rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What a run says of rows by today's parameters: `answer`, complete; their features are computed once."""
    with loading.explained(model.name, model.versions, "does not answer"):
        features = model.add_features(rows)
    model = replace(model, add_features=lambda _: features)
    return complete(folder, model, rows, answer(model, rows, policy), policy)


def answer(model: Run, rows: pd.DataFrame, policy: Policy = ALL_CONFIDENT) -> pd.DataFrame:
    """The columns and bits of `make predict` for rows, shape (n_rows, n_columns), typed, their index counted from 0.

    They are the id columns (or `row`, counted from 1) and that of a group (`<name> (id)` where one is named like what
    follows), `prediction`, for classes `probability` (of the prediction, 0-1) and `probability_<class>`, for numbers
    with a band `low` and `high` (in the target's unit), then `confident` (for numbers: within the range of the training
    target) and `run`. The limits of `policy` say what is confident; its level replaces the model's own threshold.
    """
    with loading.explained(model.name, model.versions, "does not answer"):
        table = predictions(model, rows, policy)
    ids, groups = ([n for n in dictionary.by_role(model.columns, role) if n in rows] for role in ("id", "group"))
    before = rows[ids].reset_index(drop=True) if ids else pd.DataFrame({"row": rows.index.to_numpy() + 1})
    before = before.join(rows[groups].reset_index(drop=True))
    return before.rename(columns={name: f"{name} (id)" for name in before if name in table}).join(table)


def predictions(model: Run, rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The columns of `answer` from `prediction` to `run`."""
    table = pd.DataFrame(index=range(len(rows)))
    features = model.add_features(rows)
    if model.record["task"] == "regression":
        table["prediction"] = np.asarray(model.model.predict(features), dtype="float64")
    else:
        probabilities = probabilities_of(model.model, features)
        positive = None if policy.level is None else model.record["classes"][1]
        places = threshold.places(model.model, probabilities, policy.level, positive)
        table["prediction"] = model.model.classes_[places]
        table["probability"] = probabilities[np.arange(len(rows)), places]
        if len(model.model.classes_) <= CLASSES_SHOWN:
            for index, label in enumerate(model.model.classes_):
                table[f"probability_{label}"] = probabilities[:, index]
    return bounded(table, model, policy.limits).assign(run=model.name)


def bounded(table: pd.DataFrame, model: Run, limits: Limits) -> pd.DataFrame:
    """The answers with `low` and `high`, where there is a band, and `confident`."""
    if model.record["task"] != "regression":
        return table.assign(confident=table["probability"] >= limits.least)
    if limits.band:
        low, high = limits.band.of(table["prediction"].to_numpy())
        table = table.assign(low=low, high=high)
    return table.assign(confident=table["prediction"].between(*model.record["target_range"]))


def probabilities_of(model: BaseEstimator, features: pd.DataFrame) -> np.ndarray:
    """What a model says of rows, shape (n_rows, n_classes), of one row in the bits that it has in a table.

    numpy adds up eight numbers and more of a single row in another order: boosting then ends in another last digit.
    Those in single precision, as of xgboost, become double here: CSV, JSON and pandas write them otherwise.
    """
    twice = pd.concat([features, features]) if len(features) == 1 else features
    return np.asarray(model.predict_proba(twice), dtype="float64")[: len(features)]


def complete(folder: Path, model: Run, rows: pd.DataFrame, table: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The answers to rows with what `[decision]` and `[predict]` ask for beside them, in the same order.

    `rank`, 1 first, and `act`, "yes" or "no", in front where a capacity is stated; `reasons` where `[predict]` asks for
    them, and `seen`, "held out", "yes" or "no", where the run learned from any of the rows, before `confident`.
    """
    features = model.add_features(rows)
    if policy.reasons:
        told = reasons_of(folder, model, features, policy.reasons)
        table = put(table, "reasons", [*map(reasons.in_words, told)], before="confident")
    ids = dictionary.by_role(model.columns, "id")
    whole = features.join(rows[[name for name in ids if name in rows and name not in features]])
    found = training_rows.seen(folder, whole, registry.columns_seen(model.record), model.columns)
    if found and found[0].any():
        known, lines = found
        if policy.held is None:
            lines = np.full(len(rows), -1)
        else:
            table = bounded(as_held_out(table, policy.held, lines), model, policy.limits)
        table = put(table, "seen", np.select([lines >= 0, known], ["held out", "yes"], "no"), before="confident")
    if policy.decision.capacity:
        table = ranked(table, model, policy)
    return table


def say_what_is_known(run: str, table: pd.DataFrame) -> None:
    """Warn of answers to rows that the run learned from."""
    held, others = (int((table["seen"] == word).sum()) for word in ("held out", "yes")) if "seen" in table else (0, 0)
    how = [f"{held} get the answer of a model that had not seen them"] if held else []
    how += [f"{others} get its own, which is too good"] if others else []
    if how:
        said = "run %s learned from %d of these %d rows, or from rows exactly like them: %s. The column seen marks them"
        log.warning(said, run, held + others, len(table), ", ".join(how))


def as_held_out(table: pd.DataFrame, held: pd.DataFrame, lines: np.ndarray) -> pd.DataFrame:
    """The answers with those of models that had not seen a row, where there is one: its line of the held-out rows."""
    rows = lines >= 0
    for name in table.columns.intersection(held.columns.drop("truth")):
        values = table[name].to_numpy(copy=True)
        values[rows] = held[name].to_numpy()[lines[rows]]
        table = table.assign(**{name: values})
    return table


def ranked(table: pd.DataFrame, model: Run, policy: Policy) -> pd.DataFrame:
    """The answers with `rank` and `act` in front: first the positive of two classes, the surest or the largest."""
    classes = model.record["classes"]
    by = f"probability_{classes[1]}" if len(classes) == 2 else "probability" if classes else "prediction"
    urgent = table[by].to_numpy(dtype="float64")
    acted = decision.acted_on(policy.decision, urgent, policy.level)
    rank = pd.Series(-urgent).rank(method="first").astype(int).to_numpy()
    table = put(table, "act", np.where(acted, "yes", "no"), before=table.columns[0])
    return put(table, "rank", rank, before="act")


def put(table: pd.DataFrame, name: str, values: object, *, before: str) -> pd.DataFrame:
    """The table with one more column before another; an id that is named like it gets ` (id)` behind its name."""
    before = f"{before} (id)" if before == name else before
    found = table.rename(columns={name: f"{name} (id)"})
    found.insert(found.columns.get_loc(before), name, values)
    return found


def reasons_of(folder: Path, model: Run, features: pd.DataFrame, most: int) -> list[reasons.Told]:
    """Why each row got its answer; a `DataError` if the run is older than reasons."""
    answer, usual, asked, shown = background(folder, model, features)
    moved = pd.DataFrame(reasons.effects(answer, features, usual, asked), columns=list(usual))
    return reasons.strongest(features, moved, most, shown)


def background(folder: Path, model: Run, features: pd.DataFrame) -> Background:
    """What reasons are measured with: the model, usual values, which answer of each row is meant, how it is written."""
    path = folder / training_rows.USUAL
    if not path.is_file():
        found = "kept no usual values that a reason could be measured on: it was made before reasons"
        cure = "Train again, or set [predict] reasons = 0 in params.toml."
        if "package" in model.record:
            found = "was exported without the rows that reasons are measured on"
            cure = "Ask in the project: reasons = 3 in [predict], or make explain."
        raise DataError(f"{model.name} {found}.\n{cure}")
    usual, classes = pd.read_parquet(path), model.record["classes"]
    if not classes:
        first = np.zeros(len(features), dtype=int)
        return lambda rows: model.model.predict(rows)[:, None], usual, first, reasons.of_number
    answer = model.model.predict_proba
    asked = answer(features).argmax(axis=1)
    if len(classes) == 2:
        asked[:] = np.flatnonzero(model.model.classes_ == classes[1])[0]
    return answer, usual, asked, reasons.of_probability
