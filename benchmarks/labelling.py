"""Whether the rows that `make label` chooses teach a model more than rows at random.

    PROJECT/.venv/bin/python benchmarks/labelling.py PROJECT

`PROJECT` is a rendered project, whose code chooses. Four tables, ten seeds: 30 % of the rows are the test, 20 of the
others are labelled at random, then ten rounds of 20 are labelled as chosen, or at random. A logistic regression learns
from all that is labelled; its accuracy on the test, after each round, is the learning curve, the mean of which is the
area under it. Prints a Markdown table.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import tables
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NAMES = ("breast_cancer", "digits", "machines", "people")
SEEDS, ROUNDS, LABELS, TEST = 10, 10, 20, 0.3
POOL = 2000  # rows of a table, at most


def model() -> Pipeline:
    """What learns from the labels."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(
        make_column_transformer(
            (numbers, make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        ),
        LogisticRegression(max_iter=1000),
    )


def learning(project: Path, name: str, seed: int, at_random: bool) -> float:
    """The area under a learning curve."""
    label, drawn = tables.module(project, "service.label"), tables.module(project, "service.drawn")
    random, whole = np.random.default_rng(seed), tables.table(name)
    columns, rows = tables.columns_of(project, whole), whole.iloc[random.permutation(len(whole))[:POOL]]
    truth, rows = rows[tables.TARGET].to_numpy(), rows.drop(columns=tables.TARGET)
    pool, test = np.split(np.arange(len(rows)), [round(len(rows) * (1 - TEST))])
    places = label.spread(drawn.as_cells(rows), columns)
    labelled, scores = [*pool[:LABELS]], []
    for _ in range(ROUNDS):
        known = model().fit(rows.iloc[labelled], truth[labelled])
        left = np.setdiff1d(pool, labelled)
        if at_random:
            chosen = random.permutation(len(left))[:LABELS]
        else:
            second, first = np.sort(known.predict_proba(rows.iloc[left]), axis=1)[:, -2:].T
            chosen = [*label.choose(1 - (first - second), np.zeros(len(left), dtype=bool), places[left], LABELS)]
        labelled += [*left[chosen]]
        scores.append(model().fit(rows.iloc[labelled], truth[labelled]).score(rows.iloc[test], truth[test]))
    return float(np.mean(scores))


def main() -> None:
    """Print the table."""
    project = Path(sys.argv[1]).resolve()
    print("| table | as chosen | at random | difference | standard error | seeds in which it is above |")
    print("|---|---|---|---|---|---|")
    for name in NAMES:
        pairs = pd.DataFrame([[learning(project, name, seed, how) for how in (False, True)] for seed in range(SEEDS)])
        gain, ours, other = pairs[0] - pairs[1], *pairs.mean()
        error = gain.std() / np.sqrt(len(gain))
        print(
            f"| {name} | {ours:.4f} | {other:.4f} | {gain.mean():+.4f} | {error:.4f} | {(gain > 0).sum()} |", flush=True
        )


if __name__ == "__main__":
    main()
