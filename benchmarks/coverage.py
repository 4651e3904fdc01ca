"""How often the 95 % intervals of the report's coefficients hold the truth, on tables whose truth is known.

    PYTHONPATH=<project>/src python benchmarks/coverage.py [TABLES] [ROWS]

Needs the environment of a rendered project with the default package name. Each table has two numbers that count, two of
noise, and a category; beside them, by its kind, a column that nearly tells the answer, a column of names of which most
stand once, or groups of five rows with an effect of their own. Where the truth of a coefficient is not known (what a
leak leaves of the others, odds over groups) the mean of all tables stands for it.
"""

import sys
import warnings

import numpy as np
import pandas as pd

from data_science_project.engine.modelling.estimators import Clipped, SteadyLogisticRegression, SteadyRidgeCV
from data_science_project.engine.modelling.question import Question
from data_science_project.engine.modelling.recipe import Recipe
from data_science_project.engine.report import coefficients

EFFECTS = {"a": 1.0, "b": 0.3, "noise 1": 0.0, "noise 2": 0.0, "red": 0.5, "blue": -0.5, "green": 0.0}
KINDS = ("classes", "numbers", "classes with leak and names", "numbers in groups", "classes in groups")


def table(kind: str, n: int, seed: int) -> tuple[Question, Recipe]:
    """A question with known effects, and the recipe of its columns."""
    random, group = np.random.default_rng(seed), np.arange(n) // 5
    rows = pd.DataFrame({name: random.normal(size=n) for name in ("a", "b", "noise 1", "noise 2")})
    rows["colour"] = random.choice(["red", "blue", "green"], n, p=[0.5, 0.4, 0.1])
    grouped, of_group = "groups" in kind, 0.0
    if grouped:
        rows["a"], rows["noise 1"], of_group = (random.normal(size=n)[group] for _ in range(3))
    score = rows["a"] + 0.3 * rows["b"] + rows["colour"].map(EFFECTS) + of_group
    truth, labels = (score + random.normal(size=n)).to_numpy(), ()
    columns = {"number": ["a", "b", "noise 1", "noise 2"], "one-hot": ["colour"]}
    if kind.startswith("classes"):
        yes = random.random(n) < 1 / (1 + np.exp(2 - score))
        truth, labels = np.where(yes, "yes", "no").astype(object), ("no", "yes")
    if "leak" in kind:  # a fee that 90 % of one class have, and 1 % of the other
        rows["leak"] = (random.random(n) < np.where(yes, 0.9, 0.01)) * random.exponential(50, n)
        rows["name"] = [f"name {number}" for number in random.integers(0, 10 * n, n)]
        columns = {**columns, "number": [*columns["number"], "leak"], "target encoding": ["name"]}
    task = "classification" if labels else "regression"
    groups = pd.Series(group, name="group") if grouped else None
    return Question(rows, truth, task, labels, [], groups), Recipe(columns, task, 0)


def measured(kind: str, n: int, seed: int) -> pd.DataFrame:
    """The effect and its standard error, of one unit or of one category."""
    question, recipe = table(kind, n, seed)
    ridge = Clipped(SteadyRidgeCV(alphas=np.logspace(-2, 4, 13)))
    model = recipe.linear(SteadyLogisticRegression(max_iter=2000) if question.classes else ridge)
    changes, moved = coefficients.changes_and_inputs(model.fit(question.rows, question.truth), question, ())
    effects, errors = coefficients.effects_and_errors(model, question, moved)
    columns = [change.column for change in changes]
    scales = [question.rows[name].std(ddof=0) if name not in ("colour", "name") else 1.0 for name in columns]
    names = [change.words.removeprefix("is ") if change.is_level else change.column for change in changes]
    return pd.DataFrame({"effect": effects[:, 0] / scales, "error": errors[:, 0] / scales}, names)


def main(tables: int = 100, rows: int = 2000) -> None:
    """Print a line a kind of table: how many of a hundred intervals hold the truth."""
    warnings.simplefilter("ignore")  # of single fits that did not converge
    lines = {}
    for kind in KINDS:
        found = pd.concat(
            [measured(kind, rows, seed) for seed in range(tables)], keys=range(tables), names=["", "term"]
        )
        mean = found["effect"].groupby("term").transform("mean")
        known = kind in ("classes", "numbers", "numbers in groups")
        truth = found.index.get_level_values("term").map(EFFECTS) if known else mean
        held = (found["effect"] - truth).abs() <= coefficients.reach(1) * found["error"]
        lines[kind] = (100 * held.groupby("term").mean()).round(0)
    print(pd.DataFrame(lines).T.to_string())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
