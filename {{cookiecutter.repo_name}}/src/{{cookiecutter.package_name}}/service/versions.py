"""The runs that answer: each loaded with its own code, swapped while the service goes on when the champion changes."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..engine.columns.dictionary import Dictionary
from ..engine.modelling import decision
from ..engine.project.errors import ProjectError, SettingsError
from ..engine.project.settings import PARAMS, Project
from ..engine.runs import loading, registry
from . import settings
from .compiled import Compiled
from .drawn import difference
from .guard import Problem, busy
from .reference import COLUMN_SETS, Answered, Reference, rules_of
from .schema import Row
from .trees import NotCompiled

log = logging.getLogger(__name__)
POLL = 0.5  # seconds between two looks at the champion
FIRST_PACE = 0.0002  # seconds of a compiled answer, until it is known better
FORGOTTEN = 0.999  # of the pace at each request that it keeps from the compiled road
IN_LOOP = 0.02  # seconds that a request may hold up all others
PATIENCE = 0.8  # seconds that a request may wait for the worker: what is answered at all is answered within a second


class Version(Reference):
    """A run that answers rows, on the compiled road where that can be."""

    kinds = COLUMN_SETS

    def __init__(self, project: Project, folder: Path, rules: Dictionary | None = None) -> None:
        super().__init__(project, folder, rules)
        self.compiled, self._why = compiled_or_why(self.run, self.policy)
        self._pace = FIRST_PACE
        if self.why:
            log.warning("run %s is not compiled, an answer takes some 40 ms: %s", self.name, self.why)

    @property
    def why(self) -> str:
        """Why the reference answers each row; "" where plain ones take the compiled road."""
        return self._why or self.checker.why

    def fast(self, rows: list[Row]) -> list[Answered] | None:
        """Answer rows without a data frame; None where that cannot be, or would hold up others for too long."""
        if self.compiled is None or len(rows) * self._pace > IN_LOOP:
            self._pace *= FORGOTTEN  # a slow answer may have been bad luck: try again some time
            return None
        start, found = time.thread_time(), []
        for row in rows:
            if (plain := self.checker.plain(row)) is None:
                return None
            odd = self.judge is not None and self.judge.row(plain[0]) > self.judge.limit
            found.append(Answered(self.compiled.answer(plain[0]), "compiled", odd, plain[1]))
        if self._repeats(rows):
            return None
        self._pace += 0.1 * ((time.thread_time() - start) / len(rows) - self._pace)
        return found

    def many(self, rows: list[Row]) -> list[Answered]:
        """Answer rows as the reference does, which need not look at those that are as it would leave them."""
        table = None if self._repeats(rows) else self.checker.table(rows)
        if table is None:
            return self.reference(rows)
        found = [Answered({}, "reference", False, []) for _ in rows]
        self._answer(table, range(len(rows)), found)
        return found

    def _repeats(self, rows: list[Row]) -> bool:
        """Whether an id stands twice, which is worth a warning."""
        found = ([row[name] for row in rows if row.get(name) is not None] for name in self.ids)
        return len(rows) > 1 and any(len({*ids}) < len(ids) for ids in found)


def compiled_or_why(run: loading.Run, policy: decision.Policy) -> tuple[Compiled | None, str]:
    """The compiled road of a run, if it gives the bits of the reference on drawn rows, or why there is none."""
    try:
        compiled = Compiled(run, policy)
    except NotCompiled as error:
        return None, str(error)
    except Exception as error:  # another version of scikit-learn may call anything by another name
        return None, f"{type(error).__name__}: {error}"
    why = difference(run, policy, compiled)
    return (None, why) if why else (compiled, "")


class Worker:
    """A thread, and how long those wait who ask it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._queue, self._pace = 0, 0.0  # requests that wait for it, seconds that one takes

    async def ask(self, say: Callable[[Any], Any], given: Any) -> Any:
        """What is said in the thread; a `Problem` where too many wait for it."""
        if self._queue * self._pace > PATIENCE:
            raise busy("too many requests wait for the model")
        self._queue += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._timed, say, given)
        finally:
            self._queue -= 1

    def _timed(self, say: Callable[[Any], Any], given: Any) -> Any:
        """Say it, and remember how long it takes."""
        start = time.perf_counter()
        try:
            return say(given)
        finally:
            self._pace += 0.1 * (time.perf_counter() - start - self._pace)


class Versions:
    """The runs that answer, by name, and those that answer in the shadow.

    The champion, and those of `[serve] runs` or, without any, the one before it; `shadow` says the others. The first of
    `served` answers where no run is asked for; `refused` says why a run that is wanted does not answer.
    """

    def __init__(self, project: Project) -> None:
        self.project, self.options = project, settings.of(project, settings.Serve)
        self.served: dict[str, Version] = {}
        self.shadows: dict[str, Version] = {}
        self.refused: dict[str, str] = {}
        self._watched = (project.models / registry.CHAMPION, project.dictionary, project.root / PARAMS)
        self._seen: list[Any] = []
        self._rules: Dictionary | None = None  # of the data dictionary, when it could be read last
        self._worker, self.explainer = Worker("reference"), Worker("reasons")  # for those no answer waits

    def get(self, name: str = "") -> Version:
        """A run by its name or the end of it, "" for the first; a `Problem` names those that answer."""
        served = self.served
        if not served:
            raise busy("no run is loaded yet")
        found = [one for known, one in served.items() if known.endswith(name)]
        if len(found) == 1 or not name:
            return found[0]
        raise Problem(404, "unknown", f"No run {name[:80]!r} answers here. Known, as run=: {', '.join(served)}.")

    def all(self) -> list[Version]:
        """The versions that are loaded."""
        return [*{**self.served, **self.shadows}.values()]

    async def answer(self, version: Version, rows: list[Row]) -> list[Answered]:
        """What a version says of rows; a `Problem` where too many wait for the thread of the reference."""
        return version.fast(rows) or await self._worker.ask(version.many, rows)

    def load(self) -> None:
        """Load what is wanted and is not here yet; a run that cannot be loaded is left out, and said."""
        seen, self._seen = self._seen, [signature(path) for path in self._watched]
        if seen[2:] not in ([], self._seen[2:]):
            log.warning("%s has changed: restart the service to follow it", PARAMS)
        here, refused = {version.name: version for version in self.all()}, dict[str, str]()
        if seen[1:2] != self._seen[1:2]:
            try:
                self._rules = rules_of(self.project)
                for version in here.values():
                    version.follow(self._rules)
            except ProjectError as error:
                log.error("%s\nUntil it is mended the rules of before go on.", error)
        served, shadows = wanted(self.project), [registry.named(self.project, name) for name in self.options.shadow]
        for folder in [*served, *shadows]:
            if folder.name in here:
                continue
            try:
                here[folder.name] = Version(self.project, folder, self._rules)
                if folder in served and not self.served:  # it answers while the others are loaded
                    self.served = {folder.name: here[folder.name]}
            except Exception as error:  # whatever is wrong with one run, the others go on
                refused[folder.name] = str(error)
                ours = isinstance(error, ProjectError)
                log.error("run %s does not answer: %s", folder.name, error, exc_info=not ours)
        self.refused = refused
        self.shadows = {folder.name: here[folder.name] for folder in shadows if folder.name in here}
        before = next(iter(self.served), "")
        self.served = {folder.name: here[folder.name] for folder in served if folder.name in here} or self.served
        if before and before != (now := next(iter(self.served))):
            log.info("run %s answers from now on, before it %s", now, before)

    async def watch(self) -> None:
        """Follow the champion and the data dictionary, for ever."""
        while True:
            await asyncio.sleep(POLL)
            if [signature(path) for path in self._watched] != self._seen:
                try:
                    await asyncio.to_thread(self.load)
                except Exception as error:  # whatever it is, the next change is followed
                    log.error("the change is not followed: %s", error, exc_info=not isinstance(error, ProjectError))


def wanted(project: Project) -> list[Path]:
    """The folders of the runs that shall answer, the first one by default: the champion, where there is one."""
    names = [registry.named(project, name).name for name in settings.of(project, settings.Serve).runs]
    if changes := registry.history(project):
        names = [changes[-1]["run"], *(names or [changes[-1]["before"]])]
    names = names or [folder.name for folder in registry.folders(project)[:1]]
    if not names:
        raise SettingsError(f"There is no run in {project.models} yet.\nTrain one: make train")
    return [project.models / name for name in dict.fromkeys(names) if name]


def signature(path: Path) -> tuple[int, int]:
    """What changes with a file: its time and size."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
