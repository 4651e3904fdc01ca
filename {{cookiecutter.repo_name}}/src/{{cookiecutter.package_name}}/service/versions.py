"""The runs that answer: each loaded with its own code, swapped while the service goes on when the champion changes."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from ..engine.columns.dictionary import Dictionary, by_role
from ..engine.modelling import confidence
from ..engine.project.errors import ProjectError, SettingsError
from ..engine.project.settings import Project
from ..engine.runs import answers, loading, registry
from . import settings
from .reference import validated
from .schema import Cell, Checker, Row

log = logging.getLogger(__name__)
POLL = 0.5  # seconds between two looks at the champion
PATIENCE = 0.8  # seconds that a request may wait for the worker: what is answered at all is answered within a second


class UnknownRun(Exception):
    """No run of that name answers here."""


class Busy(Exception):
    """More requests wait than are answered in time."""


class Answered(msgspec.Struct):
    """What a run says of one row: the columns of `answers.predictions` but `run`, and what is to be said beside it."""

    output: dict[str, Any]
    road: str  # "compiled" or "reference"
    unusual: bool
    warnings: list[str]
    key: dict[str, Cell]


class Version:
    """A run that answers rows.

    Parameters
    ----------
    project : Project
    folder : Path
        `models/<run>`; a `ProjectError` if it is not as it was made.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        self.run = loading.load(folder)
        self.name = self.run.name
        self.limits = confidence.limits(folder, project.settings.predict)
        self.read_rules(project.dictionary)

    def read_rules(self, path: Path) -> None:
        """Take ranges, categories and rules as the data dictionary has them now."""
        self.columns: Dictionary = answers.rules_of_today(self.run.columns, path)
        self.checker = Checker(self.columns)

    def reference(self, rows: list[Row]) -> list[Answered]:
        """Answer rows as `make predict` does: on a data frame.

        Raises
        ------
        DataError
            Cells break a rule: `violations` has a dict for each, its `row` (from 1), `column`, `problem` and `cure`.
        """
        known, warnings, unusual = validated(self.run, self.columns, rows)
        with loading.explained(self.name, self.run.versions, "does not answer"):
            table = answers.predictions(self.run, known, abstain_below=self.limits.least, band=self.limits.band)
        outputs = table.drop(columns="run").to_dict("records")
        return [
            Answered(output, "reference", place in unusual, warnings[place], self.key(rows[place]))
            for place, output in enumerate(outputs)
        ]

    def key(self, row: Row) -> dict[str, Cell]:
        """The ids of a row, as they came."""
        return {name: row[name] for name in by_role(self.columns, "id") if name in row}


class Versions:
    """The runs that answer, by name, and those that answer in the shadow.

    Parameters
    ----------
    project : Project
        `[serve] runs` and `shadow` say which; without `runs`, the champion and the one before it.

    Attributes
    ----------
    served, shadows : dict of str to Version
        The first of `served` answers where no run is asked for.
    refused : dict of str to str
        Why a run that is wanted does not answer.
    """

    def __init__(self, project: Project) -> None:
        self.project, self.options = project, settings.of(project)
        self.served: dict[str, Version] = {}
        self.shadows: dict[str, Version] = {}
        self.refused: dict[str, str] = {}
        self._watched = (project.models / registry.CHAMPION, project.dictionary)
        self._seen: list[Any] = []
        self._worker = ThreadPoolExecutor(1, "reference")
        self._queue, self._pace = 0, 0.0  # requests that wait for the worker, seconds that one takes

    def get(self, name: str = "") -> Version:
        """A run by its name or the end of it, "" for the first; an `UnknownRun` names those that answer."""
        served = self.served
        found = [one for known, one in served.items() if known.endswith(name)]
        if name in served or not name:
            return served[name or next(iter(served))]
        if len(found) == 1:
            return found[0]
        raise UnknownRun(f"No run {name[:80]!r} answers here. Known: {', '.join(served)}.")

    async def answer(self, version: Version, rows: list[Row]) -> list[Answered]:
        """What a version says of rows, from a thread of its own; `Busy` where too many wait for it."""
        if self._queue * self._pace > PATIENCE:
            raise Busy
        self._queue += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._timed, version, rows)
        finally:
            self._queue -= 1

    def _timed(self, version: Version, rows: list[Row]) -> list[Answered]:
        """Answer, and remember how long it takes."""
        start = time.perf_counter()
        try:
            return version.reference(rows)
        finally:
            self._pace += 0.1 * (time.perf_counter() - start - self._pace)

    def load(self) -> None:
        """Load what is wanted and is not here yet; a run that cannot be loaded is left out, and said."""
        seen = [signature(path) for path in self._watched]
        if self._seen[1:] != seen[1:]:
            for version in {**self.served, **self.shadows}.values():
                version.read_rules(self.project.dictionary)
        self._seen, here, refused = seen, {**self.served, **self.shadows}, dict[str, str]()
        served, shadows = wanted(self.project), [*map(self._folder, self.options.shadow)]
        for folder in [*served, *shadows]:
            if folder.name in here:
                continue
            try:
                here[folder.name] = Version(self.project, folder)
            except Exception as error:  # whatever is wrong with one run, the others go on
                refused[folder.name] = str(error)
                log.error(
                    "run %s does not answer: %s", folder.name, error, exc_info=not isinstance(error, ProjectError)
                )
        self.refused = refused
        self.shadows = {folder.name: here[folder.name] for folder in shadows if folder.name in here}
        self.served = {folder.name: here[folder.name] for folder in served if folder.name in here} or self.served

    def _folder(self, name: str) -> Path:
        return registry.named(self.project, name)

    async def watch(self) -> None:
        """Follow the champion and the data dictionary, for ever."""
        while True:
            await asyncio.sleep(POLL)
            if [signature(path) for path in self._watched] != self._seen:
                try:
                    await asyncio.to_thread(self.load)
                except ProjectError as error:
                    log.error("the change is not followed: %s", error)


def wanted(project: Project) -> list[Path]:
    """The folders of the runs that shall answer, the first one by default."""
    if names := settings.of(project).runs:
        return [registry.named(project, name) for name in names]
    changes, newest = registry.history(project), registry.folders(project)[:1]
    champions = [changes[-1]["run"], changes[-1]["before"]] if changes else [folder.name for folder in newest]
    if not champions:
        raise SettingsError(f"There is no run in {project.models} yet.\nTrain one: make train")
    return [project.models / name for name in dict.fromkeys(champions) if name]


def signature(path: Path) -> tuple[int, int]:
    """What changes with a file: its time and size."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
