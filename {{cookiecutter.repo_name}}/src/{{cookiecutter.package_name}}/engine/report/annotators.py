"""How far people agree who labelled the same rows, and what the model's score is worth beside theirs.

Of the test rows, where columns have `role = "label:<who>"`. People skip rows; every figure is over the rows that its
two sides have both answered.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score

SHARED_ROWS = 2  # of two people; fewer have no agreement
TARGET, OTHER_PEOPLE = "the target", "the others"
PAIR, BESIDE = ("one", "other", "rows"), ("person", "against", "rows")


def agreement(opinions: Mapping[str, pd.Series], *, amount: bool) -> pd.DataFrame:
    """How far each two people agree in their `opinions`, shape (n_rows,), missing where they said nothing.

    The target counts as one more person; two who share fewer than two rows are left out. The columns are `one`,
    `other`, `rows`, and of opinions that are an `amount`
    `mean difference` (absolute, in the unit of the target) and `correlation` (Pearson), of classes `agree` (share, 0-1)
    and `kappa` (Cohen's: 1 is full agreement, 0 what chance makes), with `weighted kappa` (quadratic) of numbers.
    """
    measure, lines = of_numbers if amount else of_classes, []
    for one, other in itertools.combinations(opinions, 2):
        both = opinions[one].notna() & opinions[other].notna()
        if both.sum() >= SHARED_ROWS:
            found = measure(opinions[one][both], opinions[other][both])
            lines.append({"one": one, "other": other, "rows": int(both.sum()), **found})
    return pd.DataFrame(lines, columns=None if lines else PAIR)


def of_classes(one: pd.Series, other: pd.Series) -> dict[str, float]:
    """Share of agreement and kappa of two columns without empty cells, shape (n_rows,)."""
    numbers = all(pd.api.types.is_numeric_dtype(labels.dtype) for labels in (one, other))
    known = np.unique(np.concatenate([one.to_numpy(), other.to_numpy()]))
    places = [np.searchsorted(known, labels.to_numpy()) for labels in (one, other)]
    ordered = numbers and len(known) > 2
    # Without two classes kappa is 0/0: all agree, and chance would have made them agree.
    kappa = cohen_kappa_score(*places) if len(known) > 1 else np.nan
    found = {"agree": float(np.mean(places[0] == places[1])), "kappa": float(kappa)}
    return found | ({"weighted kappa": float(cohen_kappa_score(*places, weights="quadratic"))} if ordered else {})


def of_numbers(one: pd.Series, other: pd.Series) -> dict[str, float]:
    """Mean absolute difference and correlation of two columns without empty cells, shape (n_rows,)."""
    one, other = one.astype(float), other.astype(float)
    varied = one.nunique() > 1 and other.nunique() > 1
    related = float(np.corrcoef(one, other)[0, 1]) if varied else np.nan
    return {"mean difference": float((one - other).abs().mean()), "correlation": related}


def beside_model(
    opinions: Mapping[str, pd.Series], truth: pd.Series, predictions: pd.Series, *, amount: bool
) -> pd.DataFrame:
    """Each person and the model on the same rows, against the target and against what the other people say.

    All are of shape (n_rows,). The columns are `person`, `against` ("the target" or "the others"), `rows`, and two
    measures of `agreement`, each as `<measure>, person` and `<measure>, model`. "The others" are the majority, or the
    median, of the other people, two at least; rows without a majority are left out.
    """
    measure, lines = of_numbers if amount else of_classes, []
    for person, labels in opinions.items():
        others = middle([opinions[other] for other in opinions if other != person], amount=amount)
        for against, reference in {TARGET: truth, OTHER_PEOPLE: others}.items():
            both = labels.notna() & reference.notna()
            if both.sum() >= SHARED_ROWS:
                sides = {"person": labels, "model": predictions}
                found = {side: measure(values[both], reference[both]) for side, values in sides.items()}
                scores = {f"{name}, {side}": found[side][name] for name in list(found["person"])[:2] for side in found}
                lines.append({"person": person, "against": against, "rows": int(both.sum()), **scores})
    return pd.DataFrame(lines, columns=None if lines else BESIDE)


def middle(others: list[pd.Series], *, amount: bool) -> pd.Series:
    """The median or the majority of two people or more, shape (n_rows,); missing where there is none."""
    table = pd.concat(others, axis=1) if others else pd.DataFrame()
    enough = table.notna().sum(axis=1) >= SHARED_ROWS
    if amount:
        return table.astype(float).median(axis=1).where(enough)
    modes = table[enough].mode(axis=1)
    tied = modes[1].notna() if 1 in modes else False
    return (modes[0].mask(tied) if len(modes) else pd.Series(dtype=object)).reindex(table.index)
