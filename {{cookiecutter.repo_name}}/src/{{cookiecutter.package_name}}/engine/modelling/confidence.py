"""How sure is sure enough: a wanted error rate turned into a least probability, or into a band around a number.

Used by `train`, which keeps the rows held out as `held_out.parquet` (`truth`, `prediction` and, for classes,
`probability` and `probability_<class>`), by `evaluate`, and by `predict` where `error_rate` of `[predict]` is above 0.

Classes: Angelopoulos et al., "Learn then Test", 2021, with fixed-sequence testing: the limit is lowered step by step
as long as a binomial test says that the answered rows keep the rate. Numbers: split conformal prediction, in bins of
the prediction (Mondrian; Vovk et al., "Algorithmic Learning in a Random World", 2005).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

from ..project.errors import DataError
from ..project.settings import Predict
from .metrics import Predictions

HELD_OUT = "held_out.parquet"
LIMITS = "limits.json"  # in an exported run, which keeps no rows
CLASSES_SHOWN = 20  # with more classes, a column for each would hide the answer
RATES = (0.2, 0.1, 0.05, 0.02, 0.01)  # error rates that the report tries whatever is set
RISK = 0.1  # the rate is kept with a certainty of 90 %
FIRST_SHARE, STEP = 0.25, 0.05  # a start with fewer rows has too few to show anything, and the sequence ends there
BANDS, BAND_ROWS = 5, 100  # a band per fifth of the predictions, where each has this many rows


@dataclass(frozen=True)
class Band:
    """How far the truth is from a predicted number, at most, but for the wanted share of the rows."""

    edges: np.ndarray  # predictions at which the width changes, shape (n_bins - 1,)
    reach: np.ndarray  # largest distance, in the unit of the target, infinite where rows are too few; shape (n_bins,)
    floor: float = -np.inf  # 0, where no held-out truth was below: then no band of a prediction above goes there

    def of(self, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest likely truth of each prediction, shape (n_rows,)."""
        reach = self.reach[np.searchsorted(self.edges, predictions)]
        low = predictions - reach
        cut = np.isfinite(low) & (predictions >= self.floor)
        return np.where(cut, np.maximum(low, self.floor), low), predictions + reach


@dataclass(frozen=True)
class Limits:
    """What makes an answer confident: `least`, the probability it needs, and for numbers a `band` if one is wanted."""

    least: float = 0.0
    band: Band | None = None


def limits(folder: Path, options: Predict, held: pd.DataFrame | None) -> Limits:
    """What `[predict]` asks of the answers of the run in `folder`: the stricter of `abstain_below` and `error_rate`.

    `held` are its held-out rows as they are decided today; a `DataError` if the run, older than `error_rate`, kept
    none. An exported run has the limits of the day of its export, whatever the two say.
    """
    if (folder / LIMITS).is_file():
        found = json.loads((folder / LIMITS).read_text(encoding="utf-8"))
        kept = Band(np.array(found["edges"]), np.array(found["reach"]), found["floor"]) if "reach" in found else None
        return Limits(found["least"], kept)
    if not options.error_rate:
        return Limits(options.abstain_below)
    if held is None:
        found = f"{folder.name} kept no rows that error_rate could be measured on: it was made before there was one"
        raise DataError(f"{found}.\nTrain again, or set [predict] error_rate = 0.0 in params.toml.")
    if "probability" not in held:
        return Limits(options.abstain_below, band(held, options.error_rate))
    return Limits(max(options.abstain_below, least_probability(held, options.error_rate)))


def write(folder: Path, limits: Limits) -> None:
    """Write `limits.json` of a run that is exported: every float comes back with its bits."""
    about = {"least": limits.least, **(vars(limits.band) if limits.band else {})}
    (folder / LIMITS).write_text(json.dumps(about, default=np.ndarray.tolist), encoding="utf-8")


def held_out(folder: Path) -> pd.DataFrame | None:
    """`held_out.parquet` of a run; None where there is none."""
    path = folder / HELD_OUT
    return pd.read_parquet(path) if path.is_file() else None


def keep(folder: Path, truth: np.ndarray, held: Predictions) -> None:
    """Write `held_out.parquet` of a run that is being made.

    `held` are predictions for rows with this truth, shape (n_held_out,), by models that had not seen them, calibrated
    and decided as the model decides.
    """
    table = pd.DataFrame({"truth": truth, "prediction": held.values}).infer_objects()
    if held.classes:
        table["probability"] = held.given_to(held.values)
        if len(held.classes) <= CLASSES_SHOWN:
            columns = {f"probability_{label}": held.probabilities[:, place] for place, label in enumerate(held.classes)}
            table = table.assign(**columns)
    table.to_parquet(folder / HELD_OUT, index=False)


def least_probability(held: pd.DataFrame, rate: float) -> float:
    """The lowest probability from which on at most `rate` of the answers are wrong, with a certainty of 90 %.

    `held` has the columns `truth`, `prediction` and `probability`; `rate` is in (0, 1). Infinite if no share of the
    rows, from the surest quarter on, shows the rate.
    """
    sure, wrong = held["probability"].to_numpy(), (held["truth"] != held["prediction"]).to_numpy()
    found = np.inf
    for share in np.arange(FIRST_SHARE, 1 + STEP / 2, STEP):
        every = share > 1 - STEP / 2  # then no row is left open, not even one less sure than all of these
        limit = 0.0 if every else np.quantile(sure, 1 - share, method="higher")
        answered = sure >= limit
        if (1 - rate) ** answered.sum() > RISK:
            continue  # even without a single error these would be too few to tell
        if binom.cdf(wrong[answered].sum(), answered.sum(), rate) > RISK:
            break
        found = float(limit)
    return found


def least_rate(held: pd.DataFrame) -> float:
    """The lowest error rate, in hundredths, that rows held out by a model of classes can show; 1 if none."""
    rates = np.arange(1, 100) / 100
    return next((float(rate) for rate in rates if np.isfinite(least_probability(held, rate))), 1.0)


def band(held: pd.DataFrame, rate: float) -> Band:
    """The distances that all but `rate`, in (0, 1), of the held-out errors stay within, by size of the prediction."""
    predicted = held["prediction"].to_numpy()
    errors = np.abs(held["truth"].to_numpy() - predicted)
    n_bins = int(np.clip(len(predicted) // BAND_ROWS, 1, BANDS))
    edges = np.unique(np.quantile(predicted, np.arange(1, n_bins) / n_bins))
    bins = np.searchsorted(edges, predicted)
    floor = 0.0 if held["truth"].min() >= 0 else -np.inf
    return Band(edges, np.array([reach(errors[bins == place], rate) for place in range(len(edges) + 1)]), floor)


def reach(errors: np.ndarray, rate: float) -> float:
    """The conformal quantile of n absolute errors: the `ceil((n + 1) * (1 - rate))`-th smallest; infinite beyond n."""
    place = int(np.ceil((len(errors) + 1) * (1 - rate)))
    return float(np.sort(errors)[place - 1]) if place <= len(errors) else np.inf
