"""The table of runs: `make runs`."""

import os
from collections.abc import Sequence
from typing import Any

from ..project.settings import Project
from . import signatures
from .registry import folders, history, sound, split_of

LEGEND = {
    "best": "*: the best dev score of the runs with this metric and split; scores of another split are of other rows",
    "champion": "champion: the run that predict uses",
    "refused": "refused: nobody in [team] signers has signed it: it does not answer, push and pull leave it out",
    "on_other_rows": "~: scored on the test rows of another split, the present one when it was evaluated last",
    "may_have_been_seen": "?: the run may have been trained on some of these test rows",
}


def rows(project: Project) -> list[dict[str, Any]]:
    """What the table of runs shows, newest first; `best` marks the best of several by one metric on one split."""
    reigning = [change["run"] for change in history(project)[-1:]]
    signers = signatures.trusted(project.root)
    table = []
    closed = (folder for folder in project.models.glob("[!.]*/") if not os.access(folder, os.X_OK))
    for record in filter(None, map(sound, [*folders(project), *closed])):
        refused = not signatures.accepted(project.root, record, signers)
        table.append({**row(record), "champion": record["run"] in reigning, "refused": refused})
    for question in {(line["metric"], line["split"]) for line in table}:  # scores on other rows say nothing here
        same = [line for line in table if (line["metric"], line["split"]) == question]
        sign = 1 if same[0]["higher_is_better"] else -1
        max(same, key=lambda line: sign * line["dev"])["best"] = len(same) > 1
    return table


def row(record: dict[str, Any]) -> dict[str, Any]:
    """One run as a row of the table; `dev` is its score on rows not fitted on, `test` is None before `evaluate`."""
    metric = record["metrics"]["chosen_by"]
    test = record["metrics"].get("test", {})
    return {
        "run": record["run"],
        "model": record["model"]["name"],
        "metric": metric,
        "higher_is_better": record["metrics"]["higher_is_better"],
        "dev": record["metrics"]["dev"][metric],
        "test": test.get(metric),
        "interval": test.get("interval"),
        "on_other_rows": test.get("split", split_of(record)) != split_of(record),
        "may_have_been_seen": test.get("may_have_been_seen", False),
        "dummy": record["metrics"]["leaderboard"].get("dummy", {}).get(metric),
        "data": record["input_data"]["data/processed/train.parquet"][:8],
        "split": split_of(record),
        "commit": (record["commit"] or "none")[:8],
        "dirty": record["dirty"],
        "seconds": record["seconds"],
        "decision": record["decision"],
        "best": False,
    }


def render(table: list[dict[str, Any]]) -> str:
    """The table of runs as text, and what the marks in it mean."""
    if not table:
        return "No run yet: make train"
    head = ("", "run", "model", "metric", "dev", "test", "95 % interval", "dummy", "split", "commit", "decision")
    legend = [text for name, text in LEGEND.items() if any(line[name] for line in table)]
    return "\n".join([aligned([head, *(cells(line) for line in table)]), *legend])


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Rows of cells as text with a column below the other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(row).rstrip() for row in rows)


def cells(line: dict[str, Any]) -> tuple[str, ...]:
    """One row of the table as texts."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.4g}"

    interval = " ... ".join(map(number, line["interval"])) if line["interval"] else "-"
    commit = line["commit"] + ("+" if line["dirty"] else "")
    doubts = ("~" if line["on_other_rows"] else "") + ("?" if line["may_have_been_seen"] else "")
    numbers = (number(line["dev"]), number(line["test"]) + doubts, interval, number(line["dummy"]))
    marks = {"*": line["best"], "champion": line["champion"], "refused": line["refused"]}
    mark = " ".join(word for word, marked in marks.items() if marked)
    return (mark, line["run"], line["model"], line["metric"], *numbers, line["split"], commit, line["decision"])
