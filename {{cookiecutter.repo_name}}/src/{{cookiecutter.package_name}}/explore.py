"""What is suspicious in the clean table, and an interactive look at it: distributions, associations, samples.

    make explore

Reads `data/interim/clean.parquet`, writes `reports/exploration.html`, one self-contained page; below the suspicions it
is skrub's TableReport (https://skrub-data.org). The splits are made here once more, not read: a table that cannot be
divided is one that a person wants to look at.
"""

import logging
from collections import Counter
from typing import Any

import pandas as pd
import skrub

from .engine.checks import suspicions
from .engine.columns import dictionary
from .engine.columns.lists import items_of
from .engine.modelling.division import divide
from .engine.project import artefact, records
from .engine.project.errors import ProjectError, listed
from .engine.project.settings import Project
from .engine.report.page import render

log = logging.getLogger(__name__)
ITEMS_SHOWN = 30
MANY_COLUMNS = 100  # above, neither plots, which cost time and bytes, nor associations of every pair
TITLES = {
    "answer": "Gives the answer away",
    "labels": "A second opinion?",
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
    page = suspected(project, frame, columns)
    frame = frame[[target, *(name for name in frame.columns if name != target)]].reset_index(drop=True)
    few = frame.shape[1] <= MANY_COLUMNS
    report = skrub.TableReport(frame, plot_distributions=few, compute_associations=few, verbose=0).html_snippet()
    output = project.root / "reports" / "exploration.html"
    read = records.recorded(project.clean).get("decisions", [])
    text = render("explore.html", titles=TITLES, rows=len(frame), target=target, report=report, read=read, **page)
    artefact.write_text(output, text)
    counts = (*frame.shape, len(page["found"]))
    log.info("%d rows, %d columns, %d suspicious -> %s", *counts, project.relative(output))


def suspected(project: Project, frame: pd.DataFrame, columns: dictionary.Dictionary) -> dict[str, Any]:
    """`found`: the suspicions; `undivided`: why there are no splits; `ids`; `described`: what columns mean; `lists`."""
    how = project.settings.split
    try:
        parts, undivided = divide(project, frame), ""
    except ProjectError as error:
        parts, undivided = {}, str(error)
    found = suspicions.find(frame, parts, columns, how.by)
    described = {name: column.description for name, column in columns.items() if column.description}
    ids = ", ".join(dictionary.by_role(columns, "id"))
    return {"found": found, "undivided": undivided, "ids": ids, "described": described, "lists": items(frame, columns)}


def items(frame: pd.DataFrame, columns: dictionary.Dictionary) -> dict[str, str]:
    """The most frequent items of each column of lists, each with the number of rows that hold it."""
    found = {}
    for name, separator in dictionary.separators(columns).items():
        if name in frame:
            counts = Counter(item for cell in frame[name].dropna() for item in items_of(cell, separator))
            found[name] = listed([f"{item} {count:,}" for item, count in counts.most_common()], ITEMS_SHOWN)
    return found
