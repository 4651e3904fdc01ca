"""Take the rows and our answers out of a rendered project that has trained: `python ours.py FOLDER [--set X=Y ...]`
in its root.

Writes into FOLDER what every contender gets, `fit.parquet` (train and dev, the columns that our model sees), its truth
`fit_truth.npy` and `test.parquet`; what none gets, `test_truth.npy` and `test_groups.npy` (the group of each row, by
`split.by`, or the row itself); `question.json`; and our answers, `ours.npy`. Classes are numbers from 0 on, in the
order of their labels.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from project import train
from project.engine.columns import dictionary
from project.engine.modelling import split
from project.engine.modelling.question import predict
from project.engine.project import settings
from project.engine.runs import loading, registry


def numbered(truth: np.ndarray, classes: tuple) -> np.ndarray:
    """Position of each label among the classes, or the numbers themselves; shape (n_rows,)."""
    if not classes:
        return truth.astype(float)
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places[label] for label in truth.tolist()])


def main(folder: Path, *options: str) -> None:
    """Write the files; `options` are those that `train` was given."""
    project = settings.load(overrides=[word for word in options if word != "--set"])
    question, _ = train.prepare(project)
    rows = pd.read_parquet(project.split("test"))
    truth = rows.pop(dictionary.target(dictionary.load(project.dictionary)))
    run = loading.load(registry.folders(project)[0])
    ours = predict(run.model, rows, question.classes)
    question.rows.to_parquet(folder / "fit.parquet", index=False)
    rows[question.rows.columns].to_parquet(folder / "test.parquet", index=False)
    np.save(folder / "fit_truth.npy", numbered(question.truth, question.classes))
    np.save(folder / "test_truth.npy", numbered(truth.to_numpy(), question.classes))
    groups = split.groups_of(rows, project.settings.split.by)
    np.save(folder / "test_groups.npy", np.arange(len(rows)) if groups is None else pd.factorize(groups)[0])
    np.save(folder / "ours.npy", ours.values if not ours.classes else ours.probabilities)
    (folder / "question.json").write_text(json.dumps({"classes": len(question.classes)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
