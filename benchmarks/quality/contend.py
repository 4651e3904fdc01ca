"""Let one rival fit and answer, in a process of its own: `python contend.py RIVAL ROWS BUDGET ANSWERS.npy`.

Reads `fit.parquet`, `fit_truth.npy`, `test.parquet` and `question.json` from the folder ROWS, as `ours.py` writes them.
Answers are probabilities, shape (n_rows, n_classes), or numbers, shape (n_rows,). BUDGET is in wall seconds; the plain
rivals need none. Every rival is told by which metric it will be judged, and is otherwise as it comes.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def plainly(rows: pd.DataFrame) -> pd.DataFrame:
    """Dates as numbers, shape (n_rows, n_columns): what a plain pipeline can take."""
    dates = rows.select_dtypes("datetime").columns
    return rows.assign(**{name: rows[name].astype("int64") / 1e15 for name in dates})


def plain(name: str, fit: pd.DataFrame, truth: np.ndarray, test: pd.DataFrame, classes: int) -> np.ndarray:
    """scikit-learn's own boosting or linear model, with its defaults, behind ordinary preprocessing."""
    from plain import pipelines

    model = pipelines(classes)[name].fit(plainly(fit), truth)
    return (
        spread(model.predict_proba(plainly(test)), model.classes_, classes) if classes else model.predict(plainly(test))
    )


def flaml(fit: pd.DataFrame, truth: np.ndarray, test: pd.DataFrame, classes: int, budget: float) -> np.ndarray:
    """FLAML with its defaults within the budget."""
    from flaml import AutoML

    metric = "r2" if not classes else "roc_auc" if classes == 2 else "log_loss"
    model = AutoML()
    task = "classification" if classes else "regression"
    model.fit(fit, truth, task=task, metric=metric, time_budget=budget, seed=0, verbose=0, log_file_name="")
    return spread(model.predict_proba(test), model.classes_, classes) if classes else model.predict(test)


def autogluon(fit: pd.DataFrame, truth: np.ndarray, test: pd.DataFrame, classes: int, budget: float) -> np.ndarray:
    """AutoGluon `medium_quality` within the budget."""
    from autogluon.tabular import TabularPredictor

    metric = "r2" if not classes else "roc_auc" if classes == 2 else "log_loss"
    kind = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    label = "the target"
    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor(label, problem_type=kind, eval_metric=metric, path=folder, verbosity=0)
        model.fit(fit.assign(**{label: truth}), time_limit=budget, presets="medium_quality")
        if not classes:
            return model.predict(test).to_numpy()
        found = model.predict_proba(test)
        return spread(found.to_numpy(), found.columns.to_numpy(), classes)


def spread(probabilities: np.ndarray, known: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities of all classes, shape (n_rows, n_classes): 0 for one that no fitted row had."""
    wide = np.zeros((len(probabilities), classes))
    wide[:, np.asarray(known, dtype=int)] = probabilities
    return wide


def main(rival: str, rows: Path, budget: float, output: Path) -> None:
    """Read, fit, answer, write."""
    fit, test = (pd.read_parquet(rows / f"{part}.parquet") for part in ("fit", "test"))
    truth, classes = np.load(rows / "fit_truth.npy"), json.loads((rows / "question.json").read_text())["classes"]
    if rival in ("hgb", "linear"):
        answers = plain({"hgb": "boosting"}.get(rival, rival), fit, truth, test, classes)
    else:
        answers = {"flaml": flaml, "autogluon": autogluon}[rival](fit, truth, test, classes, budget)
    np.save(output, np.asarray(answers, dtype=float))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
