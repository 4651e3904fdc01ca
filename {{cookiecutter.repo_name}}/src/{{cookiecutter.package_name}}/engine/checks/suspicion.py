"""One thing in the data that a person should look at, as the log, the file and the exploration report show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..project.errors import listed

ROWS_SAMPLED = 4000  # rows of a table that are looked at where all of them would take long
IS_IT_KNOWN = 'Is it known when a prediction is needed? If not: role = "ignored" in references/data_dictionary.toml.'
FEW_ROWS = 10  # of a class or a kind: its share in so few is luck


@dataclass(frozen=True)
class Suspicion:
    """A finding with its cure; nothing is changed by it."""

    kind: str  # answer, id, duplicates, ambiguity, time, groups, classes, drift or missing
    columns: tuple[str, ...]  # that it is about; empty where it is about rows
    sentence: str  # what was found, with its figures and without a full stop
    cure: str  # what can be done about it
    figures: Mapping[str, Any] = field(default_factory=dict)  # the numbers of the sentence, for programs
    share: float = 1.0  # of the rows, or of what a score is made of, 0-1: it can change no more of a score

    def __str__(self) -> str:
        return f"{self.sentence}. {self.cure}"


def sampled(rows: pd.DataFrame, most: int = ROWS_SAMPLED) -> pd.DataFrame:
    """At most so many rows, by chance, but the same ones each time."""
    return rows.sample(min(most, len(rows)), random_state=0)


def is_number(values: pd.Series) -> bool:
    """Numbers that are not true or false."""
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def quoted(names: Iterable[str]) -> str:
    """The first few names in quotes, and how many more there are."""
    return listed(list(map(repr, names)))
