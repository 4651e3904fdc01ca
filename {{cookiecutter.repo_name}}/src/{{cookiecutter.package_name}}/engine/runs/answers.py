"""What a run says of rows: read them, check them, answer them."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ..columns import dictionary
from ..modelling import threshold
from ..modelling.confidence import CLASSES_SHOWN, Band
from ..project import records
from ..project.errors import DataError
from ..project.settings import Project
from . import loading, registry
from .loading import Run


def test_rows(project: Project, model: Run) -> pd.DataFrame:
    """The test split as it was before features were added, without its target."""
    test = pd.read_parquet(records.checked(project.split("test"))).reset_index(drop=True)
    check_left_out(project, model, test, "test")
    rows, _ = model.validate(test[[n for n in test if n in model.columns]], model.columns, where="test", target=False)
    return rows


def read_rows(project: Project, model: Run, path: Path, aside: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a file and make it conform to the run's columns under the rules of the present dictionary.

    `path` may end in `?member=` and a member of an archive. Lines that are in no row go to `aside`; the index of the
    rows counts the rows of the file from 0.
    """
    from ..sources import read  # an exported model reads no files
    from ..sources.source import parted

    settings, asked = project.settings.data, dictionary.by_role(model.columns, "feature")
    known = asked[0] if asked else ""  # a name that the header must have
    file, member = parted(str(path))
    most = settings.max_gigabytes * 1e9
    table = read.tables([Path(file)], settings.read, target=known, member=member, most=most, drop=settings.drop)
    if table.frame.empty:
        raise DataError(f"{path}: {read.NO_ROWS}")
    kept = read.keep_aside(aside, table.set_aside)
    check_left_out(project, model, table.frame, path.name)
    columns = rules_of_today(model.columns, project.dictionary)
    rows, warnings = model.validate(table.frame, columns, where=path.name, first_row=table.first_row, target=False)
    return rows.set_axis(table.frame.index), [*kept, *table.decisions, *warnings]


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


def rules_of_today(columns: dict, path: Path) -> dict:
    """The columns of the run, with ranges, categories and rules as the dictionary has them now."""
    return under(columns, dictionary.load(path)) if path.is_file() else columns


def under(columns: dict, today: dict) -> dict:
    """The columns of the run, with ranges, categories and rules of another dictionary."""
    same = [n for n, then in columns.items() if n in today and (today[n].type, today[n].role) == (then.type, then.role)]
    return {**columns, **{name: today[name] for name in same}}


def answer(
    model: Run, rows: pd.DataFrame, *, abstain_below: float, band: Band | None = None, level: float | None = None
) -> pd.DataFrame:
    """Predict rows, the columns and bits of `make predict`.

    Parameters
    ----------
    model : Run
    rows : DataFrame, shape (n_rows, n_columns)
        Typed by the data dictionary, without the target; its index counts the rows from 0.
    abstain_below : float
        In [0, 1], or infinite: a classification with a lower probability is not confident.
    band : Band, optional
        How far from a predicted number the truth may be; it adds `low` and `high`.
    level : float, optional
        Above 0: from which probability of the positive of two classes on it is the answer, instead of the model's own.

    Returns
    -------
    DataFrame, shape (n_rows, n_ids + ...)
        The id columns (or `row`, counted from 1) and that of a group (`<name> (id)` where one is named like what
        follows), `prediction`, for classes `probability` (of the prediction, 0-1) and `probability_<class>`, for
        numbers with a band `low` and `high` (in the target's unit), then `confident` (for numbers: within the range of
        the training target) and `run`.
    """
    with loading.explained(model.name, model.versions, "does not answer"):
        table = predictions(model, rows, abstain_below=abstain_below, band=band, level=level)
    ids, groups = ([n for n in dictionary.by_role(model.columns, role) if n in rows] for role in ("id", "group"))
    before = rows[ids].reset_index(drop=True) if ids else pd.DataFrame({"row": rows.index.to_numpy() + 1})
    before = before.join(rows[groups].reset_index(drop=True))
    return before.rename(columns={name: f"{name} (id)" for name in before if name in table}).join(table)


def predictions(
    model: Run, rows: pd.DataFrame, *, abstain_below: float, band: Band | None, level: float | None
) -> pd.DataFrame:
    """The columns of `answer` from `prediction` to `run`."""
    table = pd.DataFrame(index=range(len(rows)))
    features = model.add_features(rows)
    if model.record["task"] == "regression":
        table["prediction"] = model.model.predict(features)
    else:
        probabilities = probabilities_of(model.model, features)
        if level is None:
            places = threshold.places(model.model, probabilities)
        else:
            places = threshold.from_level(model.model, probabilities, model.record["classes"][1], level)
        table["prediction"] = model.model.classes_[places]
        table["probability"] = probabilities[np.arange(len(rows)), places]
        if len(model.model.classes_) <= CLASSES_SHOWN:
            for index, label in enumerate(model.model.classes_):
                table[f"probability_{label}"] = probabilities[:, index]
    return bounded(table, model, abstain_below=abstain_below, band=band).assign(run=model.name)


def bounded(table: pd.DataFrame, model: Run, *, abstain_below: float, band: Band | None) -> pd.DataFrame:
    """The answers with `low` and `high`, where there is a band, and `confident`."""
    if model.record["task"] != "regression":
        return table.assign(confident=table["probability"] >= abstain_below)
    if band:
        low, high = band.of(table["prediction"].to_numpy())
        table = table.assign(low=low, high=high)
    return table.assign(confident=table["prediction"].between(*model.record["target_range"]))


def probabilities_of(model: BaseEstimator, features: pd.DataFrame) -> np.ndarray:
    """What a model says of rows, shape (n_rows, n_classes), of one row in the bits that it has in a table.

    numpy adds up eight numbers and more of a single row in another order: boosting then ends in another last digit.
    """
    if len(features) == 1:
        return model.predict_proba(pd.concat([features, features]))[:1]
    return model.predict_proba(features)
