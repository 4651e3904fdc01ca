"""An interactive look at the clean table: distributions, associations, samples.

    make explore

Reads `data/interim/clean.parquet`, writes `reports/exploration.html`, one self-contained page made by skrub's
TableReport (https://skrub-data.org).
"""

import logging

import pandas as pd
import skrub

from . import artefact, dictionary
from .settings import Project

log = logging.getLogger(__name__)

COLUMNS_WITH_PLOTS = 100  # each plot costs time and bytes
COLUMNS_ASSOCIATED = 100  # associations are computed for every pair of columns


def run(project: Project) -> None:
    """Write the exploration report; the target comes first."""
    frame = pd.read_parquet(artefact.checked(project.clean))
    target = dictionary.target(dictionary.load(project.dictionary))
    frame = frame[[target, *(name for name in frame.columns if name != target)]]
    report = skrub.TableReport(
        frame,
        title=f"Exploration: {len(frame)} rows, target {target}",
        plot_distributions=frame.shape[1] <= COLUMNS_WITH_PLOTS,
        compute_associations=frame.shape[1] <= COLUMNS_ASSOCIATED,
        verbose=0,
    )
    output = project.root / "reports" / "exploration.html"
    artefact.write_text(output, report.html())
    log.info("%d rows, %d columns -> %s", *frame.shape, project.relative(output))
