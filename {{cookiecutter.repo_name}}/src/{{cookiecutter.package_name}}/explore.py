"""What is suspicious in the clean table, and an interactive look at it: distributions, associations, samples.

    make explore

Reads `data/interim/clean.parquet`, writes `reports/exploration.html`, one self-contained page: the target by column in
pictures, what is suspicious, and below it skrub's TableReport (https://skrub-data.org). The splits are made here once
more, not read: a table that cannot be divided is one that a person wants to look at.
"""

import logging
import re
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import skrub

from .engine.checks import suspicions
from .engine.checks.suspicion import is_number
from .engine.columns import dictionary
from .engine.columns.lists import items_of
from .engine.modelling.division import divide
from .engine.modelling.split import infer_task
from .engine.modelling.threshold import positive_last
from .engine.project import artefact, records
from .engine.project.errors import ProjectError, listed
from .engine.project.settings import Project, Train
from .engine.report import diagnostics, figures
from .engine.report.page import render
from .engine.report.slices import by_items

log = logging.getLogger(__name__)
ITEMS_SHOWN = 30
PICTURES, TENTHS, CLASSES_DRAWN = 8, 10, 6  # columns drawn; parts of each, beside "others"; lines
PART_ROWS = 20  # of a value: fewer say nothing
MANY_COLUMNS = 100  # above, neither plots, which cost time and bytes, nor associations of every pair
AXIS = pd.Timestamp("0500-01-01"), pd.Timestamp("9500-01-01")
YEAR_LIKE = re.compile(r"(?<=>)(\s*\d),(\d{3}\s*)(?=<)")  # alone in an element: 1,984 would be no year to a reader
HEADINGS = {
    "answer": "Gives the answer away",
    "id": "Id",
    "duplicates": "Repeated rows",
    "ambiguity": "Contradictions",
    "time": "Order in time",
    "groups": "Groups",
    "classes": "Rare classes",
    "drift": "Drift",
    "missing": "Missing?",
}


def run(project: Project) -> None:
    """Write the exploration report; the target comes first."""
    frame = pd.read_parquet(records.checked(project.clean))
    columns = dictionary.of(project)
    target = dictionary.target(columns)
    try:
        parts, undivided = divide(project, frame), ""
    except ProjectError as error:
        parts, undivided = {}, str(error)
    found = suspicions.find(frame, parts, columns, project.settings.split.by)
    page = pictured(by_column(frame, columns, project.settings.train), target)
    page |= {"found": found, "undivided": undivided, "lists": items(frame, columns)}
    page["ids"] = ", ".join(dictionary.by_role(columns, "id"))
    page["described"] = {name: column.description for name, column in columns.items() if column.description}
    frame = frame[[target, *(name for name in frame.columns if name != target)]].reset_index(drop=True)
    page["far"] = far_dates(frame)
    gaps = frame.select_dtypes("float").abs().max() < 2**53
    whole = [name for name in gaps.index[gaps] if columns[name].type == "integer"]  # 1011, not 1.01e+03
    frame = frame.astype(dict.fromkeys(page["far"], "str") | dict.fromkeys(whole, "Int64"))
    few = frame.shape[1] <= MANY_COLUMNS
    report = skrub.TableReport(frame, plot_distributions=few, compute_associations=few, verbose=0).html_snippet()
    report = YEAR_LIKE.sub(r"\1\2", report)
    output = project.root / "reports" / "exploration.html"
    read = records.recorded(project.clean).get("decisions", [])
    page["evaluated"] = [path.parent.name for path in sorted(output.parent.glob("*/evaluation.html"), reverse=True)][:5]
    text = render("explore.html", titles=HEADINGS, rows=len(frame), target=target, report=report, read=read, **page)
    artefact.write_text(output, text)
    log.info("%d rows, %d columns, %d suspicious -> %s", *frame.shape, len(found), project.relative(output))


def far_dates(frame: pd.DataFrame) -> dict[str, str]:
    """One of the dates that no axis holds with its margins, of each column that has some: matplotlib ends at 9999."""
    dates = frame.select_dtypes("datetime")
    far = dates.where((dates < AXIS[0]) | (dates > AXIS[1]))
    return {str(name): f"{days.dropna().iloc[0]:%Y-%m-%d}" for name, days in far.items() if days.notna().any()}


def by_column(frame: pd.DataFrame, columns: dictionary.Dictionary, asked: Train) -> dict[str, pd.DataFrame]:
    """The target in parts of the rows by each of the columns that part it most, the strongest first.

    A table has `value` and one column a class (shares), or the mean of the target. Of numbers the parts are tenths of
    the rows, named by their median, else the most frequent values; of a list, each frequent item is a column.
    """
    target = dictionary.target(columns)
    known = frame[frame[target].notna()]
    truth = known[target]
    if infer_task(truth, asked.task) == "classification":
        answers = pd.get_dummies(truth, dtype=float)
        frequent = truth.value_counts().index[:CLASSES_DRAWN]
        classes = tuple(label for label in columns[target].values or answers if label in frequent)
        if answers.shape[1] == 2:
            classes = positive_last(tuple(answers), asked.positive)
        answers = answers.reindex(columns=[*classes])
    else:
        answers = truth.astype("float64").to_frame()
    tables, strength = {}, {}
    features = known.filter(dictionary.by_role(columns, "feature"))
    for name, cells in by_items(features, dictionary.separators(columns)).items():
        parts = parts_of(cells)
        if parts.nunique() > 1:
            grouped = answers.groupby(parts.to_numpy())
            strength[name] = np.nansum((grouped.transform("mean") - answers.mean()) ** 2)
            table = grouped.mean().rename(columns=str).rename_axis("value").reset_index()
            tables[name] = diagnostics.in_order(table, columns[name].values) if name in columns else table
    strongest = sorted(tables, key=lambda name: -strength[name])[:PICTURES]
    return {name: tables[name] for name in strongest}


def parts_of(column: pd.Series) -> pd.Series:
    """The part of each row by a column: the median of its tenth, its own value, or that of all others; None of few."""
    if is_number(column) and column.nunique() > TENTHS:
        column = column.astype("float64")
        return column.groupby(pd.qcut(column, TENTHS, duplicates="drop"), observed=True).transform("median")
    column = column.astype(object)
    counts = column.value_counts()
    kept = counts.index[counts >= PART_ROWS][:TENTHS]
    rest = counts.drop(kept)
    return column.where(column.isin(kept) | column.isna(), f"{len(rest)} others" if rest.sum() >= PART_ROWS else None)


def pictured(tables: dict[str, pd.DataFrame], target: str) -> dict[str, Any]:
    """`pictures` of the target by column, as addresses, and what they say; none without columns."""
    if not tables:
        return {"pictures": {}, "says": ""}
    classes = list(next(iter(tables.values())).columns[1:])
    of = f"share of '{classes[1]}'" if len(classes) == 2 else "share" if len(classes) > 2 else f"mean {target}"
    with figures.style():
        figure = figures.dependence({name: (table, None) for name, table in tables.items()}, of)
        pictures = {"target": figures.address(figures.png(figure))}
        if narrow := figures.stacked(figure):
            pictures["target_stacked"] = figures.address(figures.png(narrow))
    return {"pictures": pictures, "says": f"{of} by column, the strongest first"}


def items(frame: pd.DataFrame, columns: dictionary.Dictionary) -> dict[str, str]:
    """The most frequent items of each column of lists, each with the number of rows that hold it."""
    found = {}
    for name, separator in dictionary.separators(columns).items():
        if name in frame:
            counts = Counter(item for cell in frame[name].dropna() for item in items_of(cell, separator))
            found[name] = listed([f"{item} {count:,}" for item, count in counts.most_common()], ITEMS_SHOWN)
    return found
