"""What differs between two runs: code, data, parameters, environment, model, metrics.

    make runs A=run B=run

Reads the two folders in `models/` and, for the paired gain, the answers that `evaluate` kept of the test split; writes
nothing and evaluates nothing. `make reproduce` compares with the same functions, `make promote` with the same answers.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..columns.digests import digests
from ..modelling import metrics
from ..modelling.metrics import Predictions
from ..modelling.split import groups_of
from ..project import artefact, package, records
from ..project.settings import Project
from . import registry
from .registry import SHOWN_DIGITS

LINES_SHOWN, WIDTH_SHOWN = 40, 160  # of a comparison on a terminal; --json has all
DUMP = re.compile("^data/raw/.*/")  # a dump is named after the day when it was fetched
REASONS = ("code", "data", "parameters", "environment")
RESULTS = ("model", "metrics")
Flat = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One name whose value is not the same: `a` in the one run and `b` in the other, None where there is none."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True)
class Comparison:
    """One thing that was compared: `what` it is, the `differences` found, and a `note` of what else there is to say."""

    what: str
    differences: tuple[Difference, ...] = ()
    note: str = ""

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass(frozen=True)
class Evaluated:
    """A run's predictions for the n_rows of a test split."""

    rows: pd.DataFrame  # shape (n_rows, n_columns)
    raw: set[str]  # those of its columns that come from the source; the others are made by `features.py`
    truth: np.ndarray  # shape (n_rows,)
    predictions: Predictions
    record: dict[str, Any]  # run.json

    @property
    def metric(self) -> metrics.Metric:
        """The metric that the run was chosen by."""
        return metrics.available(self.record["classes"])[self.record["metrics"]["chosen_by"]]


def run(project: Project, a: Path, b: Path) -> list[Comparison]:
    """Compare two runs, `models/<run>`: why they may differ, then how; a difference reads from a to b."""
    *found, scores = compared(a, b, (*REASONS, *RESULTS))
    return [*found, replace(scores, note=paired(project, a, b))]


def compared(a: Path, b: Path, aspects: Sequence[str], parts: Sequence[str] = ("dev", "test")) -> list[Comparison]:
    """Two runs aspect by aspect, see `facts`."""
    one, other = facts(a, parts), facts(b, parts)
    return [differing(aspect, one[aspect], other[aspect]) for aspect in aspects]


def differing(what: str, a: Flat, b: Flat) -> Comparison:
    """Two flat tables of facts, name by name; NaN equals NaN."""
    names = [*a, *(name for name in b if name not in a)]
    pairs = [Difference(name, a.get(name), b.get(name)) for name in names]
    return Comparison(what, tuple(pair for pair in pairs if repr(pair.a) != repr(pair.b)))


def facts(folder: Path, parts: Sequence[str]) -> dict[str, Flat]:
    """What there is to say of a run, by the aspects of `REASONS` and `RESULTS`.

    The code as it is now in the run's own copy; of the data raw files without the name of their dump; of the scores
    those of `parts`: `dev`, the rows held out, and `test`, where there was an evaluation.
    """
    record, copy = registry.read(folder), folder / registry.CODE
    inputs = {DUMP.sub("data/raw: ", name): digest[:SHOWN_DIGITS] for name, digest in record["input_data"].items()}
    columns = tomllib.loads((folder / registry.DICTIONARY).read_text(encoding="utf-8"))
    known = metrics.available(record["classes"])
    scores = {part: record["metrics"].get(part, {}) for part in parts}
    return {
        "code": {p.relative_to(copy).as_posix(): artefact.sha256(p)[:SHOWN_DIGITS] for p in sorted(copy.rglob("*.py"))},
        "data": {**inputs, **{f"dictionary: {name}": value for name, value in flat(columns).items()}},
        "parameters": flat(record["parameters"], but="overrides"),
        "environment": {**flat(record["environment"], but="packages"), **record["environment"]["packages"]},
        "model": {"sha256": record["files"][registry.MODEL][:SHOWN_DIGITS], **flat(record["model"], but="file")},
        "metrics": {f"{part} {name}": scores[part][name] for part in parts for name in known if name in scores[part]},
    }


def flat(tree: Mapping[str, Any], before: str = "", but: str = "") -> Flat:
    """A tree of tables as one table of dotted keys, without the key `but`."""
    found: Flat = {}
    for name, value in tree.items():
        if name != but:
            found |= flat(value, f"{before}{name}.") if isinstance(value, Mapping) else {f"{before}{name}": value}
    return found


def paired(project: Project, a: Path, b: Path) -> str:
    """The gain of b over a on the same test rows, in words; why there is none, if there is none."""
    first, second = kept(project, a), kept(project, b)
    if first is None or second is None:
        return f"no paired gain: make evaluate RUN={b.name if first else a.name}"
    if different := not_comparable(second, first):
        return f"no paired gain: {different}"
    low, high = gain(second, first.predictions)
    name = second.metric.name
    return f"paired gain of b in {name}: {low:.4g} ... {high:.4g} (95 %) on the same {len(first.truth)} test rows"


def kept(project: Project, folder: Path) -> Evaluated | None:
    """The answers that `evaluate` kept; None before it, or if they were changed since or are of another model."""
    path, record = project.root / "reports" / folder.name / registry.ANSWERS, registry.read(folder)
    about = records.recorded(path)
    of_this_model = record["files"][registry.MODEL] in about.get("inputs", {}).values()
    if not of_this_model or not path.is_file() or artefact.sha256(path) != about.get("sha256"):
        return None
    table = pd.read_parquet(path)
    truth = table.pop(record["target"]).to_numpy(dtype=object if record["classes"] else float)
    values = table.pop("prediction").to_numpy(dtype=truth.dtype)
    chances = [table.pop(f"probability_{label}") for label in record["classes"]]
    given = (np.column_stack(chances), tuple(record["classes"])) if chances else ()
    raw = set(dictionary.load(folder / registry.DICTIONARY))
    return Evaluated(table, raw, truth, Predictions(values, *given), record)


def not_comparable(one: Evaluated, other: Evaluated) -> str:
    """Why two runs cannot be compared row by row; empty if they can."""
    question = [(about.record["task"], about.record["target"], about.record["classes"]) for about in (one, other)]
    if question[0] != question[1]:
        (*asked, classes), (*of_other, known) = question
        if asked == of_other and classes == known[::-1]:
            cure = f'to ask as it does: positive = "{known[1]}" in [train]'
            return f"its positive class is {classes[1]!r}, that of the other run {known[1]!r} ({cure})"
        return "the two runs answer different questions"
    # What features.py makes is not looked at: the same rows may have other features.
    shared = sorted(one.raw & other.raw & set(one.rows) & set(other.rows))
    rows = [digests(about.rows, shared) for about in (one, other)]  # types differ where an id is missing elsewhere
    same = np.array_equal(one.truth, other.truth) and np.array_equal(rows[0], rows[1])
    return "" if same else "the two runs were not evaluated on the same test rows"


def gain(one: Evaluated, than: Predictions) -> tuple[float, float]:
    """The 95 % paired bootstrap interval of how much better a run is than other predictions for the same rows."""
    together = groups_of(one.rows, one.record["parameters"]["split"]["by"])
    return one.metric.gain(one.truth, one.predictions, than, groups=together)


def render(a: Path, b: Path, compared: list[Comparison]) -> str:
    """The two runs, then what differs, from a to b: the metrics first, the rest so far as it fits on a screen."""
    heads = []
    for letter, folder in (("a", a), ("b", b)):
        record = registry.read(folder)
        commit = (record["commit"] or "no commit")[:SHOWN_DIGITS] + ("+" if record["dirty"] else "")
        heads.append("  ".join([letter, folder.name, commit, record["decision"]]).rstrip())
    *others, scores = (lines([comparison]).split("\n") for comparison in compared)
    if registry.split_of(registry.read(a)) != registry.split_of(registry.read(b)):
        scores[0] = f"{compared[-1].what:<12} not comparable: other split"
    others[0][1:] = code_lines(a, b, compared[0])
    parts = fitting([scores, *others], LINES_SHOWN - len(heads))
    found = [*heads, *(line for part in parts for line in part)]
    return "\n".join(line if len(line) <= WIDTH_SHOWN else f"{line[: WIDTH_SHOWN - 1]}…" for line in found)


def fitting(parts: list[list[str]], room: int) -> list[list[str]]:
    """Parts of a text cut to so many lines in all: the short ones stay whole, the long ones share what is left."""
    found: dict[int, list[str]] = {}
    for place in sorted(range(len(parts)), key=lambda place: len(parts[place])):
        share, part = room // (len(parts) - len(found)), parts[place]
        found[place] = part if len(part) <= share else [*part[: share - 1], f"  … {len(part) - share + 1} more: --json"]
        room -= len(found[place])
    return [found[place] for place in range(len(parts))]


def code_lines(a: Path, b: Path, comparison: Comparison) -> list[str]:
    """The user's files as a diff, and how many of the template's differ."""
    copies = [folder / registry.CODE for folder in (a, b)]
    theirs = {path.relative_to(copy).as_posix() for copy in copies for path in package.yours(copy)}
    found, names = [], [pair.name for pair in comparison.differences]
    for name in (name for name in names if name in theirs):
        files = [copy / name for copy in copies]
        one, other = (file.read_text("utf-8").splitlines() if file.is_file() else [] for file in files)
        found += [f"  {name}", *(f"    {line}" for line in [*difflib.unified_diff(one, other, lineterm="", n=0)][2:])]
    if rest := len([name for name in names if name not in theirs]):
        found.append(f"  and {rest} file{'' if rest == 1 else 's'} of the template")
    return found


def lines(compared: list[Comparison]) -> str:
    """One line a comparison, below it what there is to say and one line a difference."""
    found = []
    for comparison in compared:
        found.append(f"{comparison.what:<12} {'identical' if comparison.identical else 'differs'}")
        found += [f"  {comparison.note}"] if comparison.note else []
        found += [f"  {pair.name}: {shown(pair.a)} -> {shown(pair.b)}" for pair in comparison.differences]
    return "\n".join(found)


def shown(value: Any) -> str:
    """A value as people read it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def as_json(a: Path, b: Path, compared: list[Comparison]) -> dict[str, Any]:
    """The same for programs."""
    found = [{**asdict(comparison), "identical": comparison.identical} for comparison in compared]
    return {"a": a.name, "b": b.name, "compared": found}
