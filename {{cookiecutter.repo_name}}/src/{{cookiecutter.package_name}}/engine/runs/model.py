"""A run as other programs and notebooks use it: `from <package> import load`."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..columns import dictionary, spelling
from ..columns.dictionary import Column
from ..modelling import decision
from ..modelling.estimators import threads
from ..modelling.reasons import in_words
from ..project import package, settings
from ..project.errors import DataError, SettingsError
from ..sources import formats
from . import answers, listing, loading, registry

log = logging.getLogger(f"{package.NAME}.predict")


class Model:
    """A run, `models/<run>`, that answers data frames as `make predict` answers files.

    Its `name`, `record` (`run.json`) and `columns` (data dictionary) are attributes. `options` say when an answer is
    confident, the data dictionary `rules` which values are allowed today, `decided` which gains and costs set a
    threshold in place of the model's own.
    """

    def __init__(self, folder: Path, options: settings.Predict, rules: Path, decided: settings.Decision) -> None:
        self._made_of = folder, options, rules, decided
        self._folder, self._run, self._rules = folder, loading.load(folder), rules
        self._today: dict[str, Column] | None = None
        self.policy = decision.policy(folder, self._run.record, options, decided)
        self.name: str = self._run.name
        self.record: dict[str, Any] = self._run.record
        self.columns: dict[str, Column] = self._run.columns

    def __repr__(self) -> str:
        """Its name, target and task, and the score on the dev split."""
        asked, line = f"{self.record['target']!r}, {self.record['task']}", listing.row(self.record)
        return f"<Model {self.name}: {asked}, dev {line['metric']} {line['dev']:.4g}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """How it comes to another process: loaded there, for the code of a run is found by no name."""
        return type(self), self._made_of

    def predict(self, rows: pd.DataFrame, *, held_out: bool = True) -> pd.DataFrame:
        """Answer rows.

        Parameters
        ----------
        rows : DataFrame, shape (n_rows, n_columns)
            The columns of the data dictionary, in any order, cells as in the source or typed; the target may be absent.
        held_out : bool
            Whether rows that the run learned from are answered as while they were held out, or by the model itself.

        Returns
        -------
        DataFrame, shape (n_rows, n_ids + ...)
            The columns of `make predict`, see `answers.answer`; index and order are those of `rows`.

        Raises
        ------
        DataError
            The rows do not fit the data dictionary: row, column and rule.
        """
        known = self._known(rows)
        policy = self.policy if held_out else replace(self.policy, held=None)
        with threads(len(known)):
            found = answers.answered(self._folder, self._run, known, policy)
        if held_out:
            answers.say_what_is_known(self.name, found)
        return found.set_axis(rows.index)

    def reasons(self, rows: pd.DataFrame, most: int = 3) -> pd.Series:
        """Why rows, as `predict` takes them, get their answers: the columns that move each most, as text.

        Shape (n_rows,), with the index of `rows`. A `DataError` where the run kept no usual values, as one exported.
        """
        known = self._known(rows)
        with threads(len(known)):
            found = answers.reasons_of(self._folder, self._run, self._run.add_features(known), most)
        return pd.Series([*map(in_words, found)], index=rows.index, name="reasons", dtype=object)

    def _known(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows typed, and checked by the rules of today; what is no table of rows is refused."""
        if not isinstance(rows, pd.DataFrame):
            found = f"rows: {type(rows).__name__} is no pandas DataFrame"
            raise DataError(f"{found}.\nGive one: pd.DataFrame([row]), or table.to_pandas() of other packages.")
        if rows.columns.nlevels > 1:
            found = f"rows: names of columns in {rows.columns.nlevels} levels"
            raise DataError(f"{found}.\nGive them one: frame.columns = ['_'.join(names) for names in frame.columns]")
        if not len(rows):
            raise DataError("rows: no rows. At least one is needed.")
        if twice := [name for name in self.columns if list(rows.columns).count(name) > 1]:
            cure = "Leave one: rows.loc[:, ~rows.columns.duplicated()]"
            raise DataError(f"rows: column {twice[0]!r} is there twice.\n{cure}")
        columns = self._today = answers.rules_of_today(self.columns, self._rules, self._today)
        cells, zoned = as_of_a_file(rows.reset_index(drop=True), columns)
        columns, marks = spelling.in_other_marks(cells, columns, "rows")
        known, warnings = self._run.validate(cells, columns, where="rows", target=False)
        for warning in [*zoned, *marks, *warnings]:
            log.warning("%s", warning)
        return known


def as_of_a_file(rows: pd.DataFrame, columns: dict[str, Column]) -> tuple[pd.DataFrame, list[str]]:
    """The rows with lists, bytes and objects as what they become in a file, and what is to be said; zones too."""
    said, parts, separators = dict[str, list[str]](), list[tuple[str, pd.Series]](), dictionary.separators(columns)
    moved = list[str]()
    for name, cells in rows.items():
        kind = cells.dtype
        if isinstance(kind, pd.DatetimeTZDtype) and str(kind.tz) != "UTC" and name in columns:
            cure = f"where the run learned times of {kind.tz} without a zone: rows[{name!r}].dt.tz_localize(None)"
            moved.append(f"column {name!r}: times of the zone {kind.tz} turned into UTC; {cure}")
        may_hold = pd.api.types.is_object_dtype(kind) or isinstance(kind, (pd.ArrowDtype, pd.CategoricalDtype))
        values = list(map(as_plain, cells.astype(object).where(cells.notna(), None))) if may_hold else []
        found = formats.flat(str(name), values, said, separators)
        parts += [(part, cells if one is values else formats.column(one, part)) for part, one in found]
    rows, lines = formats.framed(parts, said, moved) if said else (rows, moved)
    return rows, [f"rows: {line}" for line in lines]


def as_plain(cell: Any) -> object:
    """An array, a tuple or a set as the list that a file would hold, bytes of any kind as bytes; else as it is."""
    if isinstance(cell, np.ndarray):
        return cell.tolist()
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return bytes(cell)
    return list(cell) if isinstance(cell, (tuple, set, frozenset)) else cell


def load(run: str = "") -> Model:
    """The model of a run of the project that this package belongs to; see `<package>.load`."""
    project = settings.load(package.FOLDER)
    newest = next(iter(registry.folders(project)), None)
    folder = registry.named(project, run) if run else registry.champion(project) or newest
    if folder is None:
        raise SettingsError(f"There is no run in {project.models} yet.\nTrain one: make train")
    return Model(folder, project.settings.predict, project.dictionary, project.settings.decision)
