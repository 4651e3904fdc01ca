"""What breaks a rule of the data dictionary, where, and the words for it: used by `validate.py`."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..project.errors import counted, listed

ADD_IT = 'Add it, or give it role = "ignored" in references/data_dictionary.toml and train again'
SHOWN_ROWS = 5
SHOWN_COLUMNS = 2  # a line each
SHOWN_VIOLATIONS = 20  # the others share a line


@dataclass(frozen=True)
class Violation:
    """Cells of one column that break one rule: what is wrong, what mends it, their positions in the table from 0."""

    column: str
    problem: str
    cure: str
    rows: tuple[int, ...]


class Warned(str):
    """A line about a `violation` that does not refuse the table."""

    def __new__(cls, line: str, violation: Violation) -> "Warned":
        """The line, which knows its violation."""
        warned = super().__new__(cls, line)
        warned.violation = violation
        return warned

    violation: Violation


def violation(name: str, problem: str, cure: str, where: pd.Series) -> Violation:
    """A `Violation` at the rows where the mask, shape (n_rows,), is true."""
    return Violation(name, problem, cure, tuple(np.flatnonzero(where).tolist()))


def left_out(names: list[str], where: str) -> str:
    """The warning that columns are not in the data dictionary."""
    return f"{where}: columns that the data dictionary does not know are left out: {listed(names, 20)}"


def described(violation: Violation, numbers: pd.Index) -> str:
    """A violation in one line, with the rows as the file counts them."""
    shown = ", ".join(str(numbers[row]) for row in violation.rows[:SHOWN_ROWS])
    more = ", ..." if len(violation.rows) > SHOWN_ROWS else ""
    return f"{violation.column!r} has {violation.problem} ({counted(len(violation.rows), 'row')}: {shown}{more})"


def explain(
    absent: list[str], violations: list[Violation], warned: list[Violation], where: str, numbers: pd.Index
) -> str:
    """All that is wrong with a table, in at most three lines: the first whole, what is only `warned` of in the last."""
    only = f" Only warned of: {among(warned, numbers)}" if warned else ""
    missing = [missing_columns(absent, where)] if absent else []
    lines = [*missing, *(f"{where}: column {described(violation, numbers)}" for violation in violations)]
    if len(lines) <= SHOWN_COLUMNS:
        cures = "; ".join(dict.fromkeys(violation.cure for violation in violations))
        return "\n".join([*lines, f"{cures} in references/data_dictionary.toml.{only}"])
    also = among(violations[1 - len(missing) :], numbers)
    keys = dict.fromkeys(re.findall(r"'(\w+)'", " ".join(one.cure for one in violations)))
    cure = f"Mend the file, or what references/data_dictionary.toml says of them ({', '.join([*keys, 'rule'])})"
    return f"{lines[0]}\nAlso: {also}\n{cure}.{only}"


def among(violations: list[Violation], numbers: pd.Index) -> str:
    """Violations in one line, so many of them."""
    more = f"; and {len(violations) - SHOWN_VIOLATIONS} more" if len(violations) > SHOWN_VIOLATIONS else ""
    return "; ".join(described(one, numbers) for one in violations[:SHOWN_VIOLATIONS]) + f"{more}."


def missing_columns(absent: list[str], where: str) -> str:
    """How many columns are missing, and the first of them by name."""
    return f"{where}: {len(absent)} column(s) of the data dictionary are missing: {', '.join(map(repr, absent[:10]))}."


def explain_absent(absent: list[str], frame: pd.DataFrame, where: str) -> str:
    """Which columns are missing and which are there."""
    found = [str(name) for name in frame.columns]
    shown = listed([*map(repr, found)], 20) or "none that is known"
    plain = {"".join(name.lower().split()): name for name in found}
    meant = [(plain[key], name) for name in absent if (key := "".join(name.lower().split())) in plain]
    more = f" (and {len(meant) - 1} more)" if len(meant) > 1 else ""
    cure = f"Rename {meant[0][0]!r} to {meant[0][1]!r}{more}" if meant else "Add them"
    ignored = 'give them role = "ignored" in references/data_dictionary.toml and train again'
    return f"{missing_columns(absent, where)}\nFound: {shown}.\n{cure}, or {ignored}."
