"""Whether rows come from where others came from: how far apart a column lies in two parts."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp

from ..project.errors import listed
from .suspicion import FEW_ROWS, Suspicion, is_number, sampled

DRIFT, DRIFT_CHANCE = 0.15, 1e-6  # distance of two distributions, and the chance of it without drift


def drift(parts: dict[str, pd.DataFrame], target: str, names: list[str]) -> Iterator[Suspicion]:
    """Columns, the target among them, that are distributed otherwise in test than in train."""
    moved = {}
    for name in [target, *names] if parts else []:
        train, test = (sampled(parts[part][[name]].dropna())[name] for part in ("train", "test"))
        if len(train) and len(test):
            distance, chance = apart(train, test)
            if distance > DRIFT and chance < DRIFT_CHANCE:
                moved[name] = round(distance, 4)
    if moved:
        ranked = sorted(moved, key=lambda name: moved[name], reverse=True)
        shown = listed([f"{name!r} ({moved[name]:.2f})" for name in ranked])
        found = f"distributed otherwise in test than in train (distance, 0 to 1): {shown}"
        cure = "A score on such a test is of other times or groups: is it those that the model is for?"
        yield Suspicion("drift", tuple(ranked), found, cure, moved)


def apart(train: pd.Series, test: pd.Series) -> tuple[float, float]:
    """Distance of two columns, 0-1, and the chance of it without drift; of numbers that of Kolmogorov and Smirnov."""
    if is_number(train):
        found = ks_2samp(train, test, method="asymp")
        return float(found.statistic), float(found.pvalue)
    counts = pd.DataFrame({"train": train.value_counts(), "test": test.value_counts()}).fillna(0)
    return apart_in_counts(counts.to_numpy())


def apart_in_counts(counts: np.ndarray) -> tuple[float, float]:
    """Half the sum of the differences in shares, and the chance of it, of two columns of counts, shape (n_kinds, 2).

    What is in few rows counts as one kind.
    """
    few = counts.sum(axis=1) < FEW_ROWS
    table = np.vstack([counts[~few], counts[few].sum(axis=0)])
    table = table[table.sum(axis=1) > 0]
    if len(table) < 2:
        return 0.0, 1.0
    one, other = (table / table.sum(axis=0)).T
    return float(np.abs(one - other).sum() / 2), float(chi2_contingency(table).pvalue)
