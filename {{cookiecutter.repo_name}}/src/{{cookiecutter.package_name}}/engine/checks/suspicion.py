"""One thing in the data that a person should look at, as the log, the file and the exploration report show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..project.errors import listed

LEAVE_OUT = 'Is it known when a prediction is needed? If not: role = "ignored" in references/data_dictionary.toml.'


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A finding with its cure; nothing is changed by it.

    Attributes
    ----------
    kind : str
        A word to sort by: answer, labels, id, duplicates, ambiguity, time, groups, classes, drift, missing.
    columns : tuple of str
        The columns it is about; empty where it is about rows.
    sentence : str
        What was found, with its figures; no full stop.
    cure : str
        What can be done about it.
    figures : mapping of str to number or text
        The numbers of the sentence, for programs.
    """

    kind: str
    columns: tuple[str, ...] = ()
    sentence: str
    cure: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.sentence}. {self.cure}"


def named(names: list[str]) -> str:
    """The first few names in quotes, and how many more there are.

    Examples
    --------
    >>> named(["a", "b"])
    "'a', 'b'"
    """
    return listed(list(map(repr, names)))
