"""The sections of the report about the question and the rows: the values that the template puts into words."""

import json
from typing import Any

import numpy as np
import pandas as pd
from pyarrow.parquet import read_metadata

from ..columns import dictionary
from ..modelling.recipe import constant_columns
from ..project import records
from ..project.errors import listed
from ..project.records import CARD
from ..runs.registry import columns_seen
from .evidence import Evidence, table
from .verdict import number, of_all, percent

FILES_NAMED = 3  # of those that the rows came from


def question(evidence: Evidence) -> dict[str, Any]:
    """What was asked."""
    classes, truth = [str(label) for label in evidence.result.classes], evidence.question.truth
    return {
        "description": evidence.run.columns[evidence.record["target"]].description,
        "classes": listed(classes, 20),
        "n_classes": len(classes),
        "positive": classes[1] if len(classes) == 2 else "",
        "low": "" if classes else number(float(truth.min())),
        "high": "" if classes else number(float(truth.max())),
        "meaning": evidence.result.metric.meaning,
        "higher": evidence.result.metric.higher_is_better,
    }


def first_of(files: list[str]) -> list[str]:
    """The files that a page names, and how many more there are."""
    more = len(files) - FILES_NAMED
    return [*files[:FILES_NAMED], f"and {more} more"] if more > 0 else files


def data(evidence: Evidence) -> dict[str, Any]:
    """Where the rows came from, how they were divided, and what they look like."""
    project, columns, kinds = evidence.project, evidence.run.columns, evidence.record["features"]
    made = records.recorded(project.clean)
    made_from = made.get("inputs", {})
    card = next((project.root / path for path in made_from), project.root).parent / CARD
    sizes = {part: read_metadata(project.split(part)).num_rows for part in ("train", "dev")}
    seen, test = evidence.question.rows, evidence.test
    shares = pd.DataFrame({"train and dev": seen.isna().mean(), "test": test.isna().mean()})
    features = {*dictionary.features(columns), *(set(seen) - set(columns))}  # those that `add_features` made too
    unused = [name for name in seen if name in features - set(columns_seen(evidence.record))]
    shares = shares.loc[columns_seen(evidence.record)][lambda table: table.max(axis=1) > 0]
    shares = shares.sort_values("train and dev", ascending=False).head(10).rename_axis("column").reset_index()
    return {
        "card": json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {},
        "files": first_of(list(made_from)),
        "decisions": made.get("decisions", []),
        "sizes": sizes,
        "n_seen": len(seen),
        "n_test": len(test),
        "recipe": {kind: (len(names), listed(names, 12)) for kind, names in kinds.items()},
        "ids": listed(dictionary.by_role(columns, "id"), 12),
        "constant": listed(constant_columns(seen[unused]), 12),
        "ignored": listed(dictionary.by_role(columns, "ignored"), 12),
        "target": distribution(evidence),
        "never": never_learned(evidence) if evidence.result.classes else {},
        "missing": table(shares, **{"train and dev": percent, "test": percent}),
    }


def never_learned(evidence: Evidence) -> dict[str, int]:
    """The classes of the clean table that no split holds, and their rows."""
    known = [*map(str, evidence.result.classes), *evidence.record["metrics"]["test"]["set_aside"]]
    clean, target = records.checked(evidence.project.clean), evidence.record["target"]
    labels = pd.read_parquet(clean, columns=[target])[target].dropna().astype(str)
    return labels[~labels.isin(known)].value_counts().to_dict()


def distribution(evidence: Evidence) -> dict[str, Any]:
    """The shares of the 20 most frequent classes, or the quartiles of the target, as learned from and in the test."""
    parts = {"train and dev": evidence.question.truth, "test": evidence.result.truth}
    if evidence.result.classes:
        counts = {name: pd.Series(part).astype(str).value_counts() for name, part in parts.items()}
        frame = pd.DataFrame(counts).fillna(0).sort_values("train and dev", ascending=False).head(20)
        levels = map(str, evidence.run.columns[evidence.record["target"]].values or evidence.result.classes)
        frame = frame.reindex(dict.fromkeys([*filter(frame.index.__contains__, levels), *frame.index]))
        for name, part in parts.items():
            frame[name] = [of_all(int(count), len(part)) for count in frame[name]]
        return table(frame.rename_axis("class").reset_index())
    points = {"smallest": 0, "a quarter is below": 0.25, "median": 0.5, "three quarters are below": 0.75, "largest": 1}
    columns = {name: np.quantile(part, list(points.values())) for name, part in parts.items()}
    frame = pd.DataFrame({evidence.record["target"]: list(points), **columns})
    return table(frame, **dict.fromkeys(parts, number))
