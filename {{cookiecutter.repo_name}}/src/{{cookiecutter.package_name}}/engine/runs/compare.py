"""What differs between two runs: code, data, parameters, environment, model, metrics.

    make runs A=run B=run

Reads the two folders in `models/` and, for the paired gain, the answers that `evaluate` kept of the test split; writes
nothing and evaluates nothing. `make reproduce` compares with the same functions, `make promote` with the same answers.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..modelling import metrics
from ..modelling.metrics import Predictions
from ..modelling.split import groups_of
from ..project import artefact, records
from ..project.settings import Project
from . import registry

SHOWN_DIGITS = 12
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
class Answers:
    """A run's predictions for the n_rows of a test split.

    Attributes
    ----------
    rows : DataFrame, shape (n_rows, n_columns)
    raw : set of str
        Those of its columns that come from the source; the others are made by `features.py`.
    truth : ndarray, shape (n_rows,)
    predictions : Predictions
    record : dict
        `run.json`.
    """

    rows: pd.DataFrame
    raw: set[str]
    truth: np.ndarray
    predictions: Predictions
    record: dict[str, Any]

    @property
    def metric(self) -> metrics.Metric:
        """The metric that the run was chosen by."""
        return metrics.available(self.record["task"], len(self.record["classes"]))[self.record["metrics"]["chosen_by"]]


def run(project: Project, a: Path, b: Path) -> list[Comparison]:
    """Compare two runs, `models/<run>`: why they may differ, then how; a difference reads from a to b."""
    return [*explain(a, b), model(a, b), scores(a, b, ("dev", "test"), note=paired(project, a, b))]


def explain(a: Path, b: Path) -> list[Comparison]:
    """Why two runs may differ: code, data, parameters and environment."""
    return [differing(what, facts(a), facts(b)) for what, facts in REASONS.items()]


def differing(what: str, a: Flat, b: Flat, note: str = "") -> Comparison:
    """Two flat tables of facts, name by name; NaN equals NaN."""
    names = [*a, *(name for name in b if name not in a)]
    pairs = [Difference(name, a.get(name), b.get(name)) for name in names]
    return Comparison(what, tuple(pair for pair in pairs if repr(pair.a) != repr(pair.b)), note)


def code(folder: Path) -> Flat:
    """The digest of each file of the run's own copy, as it is now."""
    files = sorted((folder / registry.CODE).rglob("*.py"))
    return {path.relative_to(folder / registry.CODE).as_posix(): artefact.sha256(path)[:SHOWN_DIGITS] for path in files}


def data(folder: Path) -> Flat:
    """The digest of each input, raw files without the name of their dump, and the keys of the data dictionary."""
    inputs = {}
    for name, digest in registry.read(folder)["input_data"].items():
        path = Path(name)
        inputs[f"data/raw: {path.name}" if path.parts[:2] == ("data", "raw") else name] = digest[:SHOWN_DIGITS]
    columns = tomllib.loads((folder / registry.DICTIONARY).read_text(encoding="utf-8"))
    return {**inputs, **{f"dictionary: {name}": value for name, value in flat(columns).items()}}


def parameters(folder: Path) -> Flat:
    """What the run was made with, by dotted key; `--set` is in it."""
    return flat({name: keys for name, keys in registry.read(folder)["parameters"].items() if name != "overrides"})


def environment(folder: Path) -> Flat:
    """Packages, Python, platform and what else may move a bit."""
    found = registry.read(folder)["environment"]
    return {**flat({name: value for name, value in found.items() if name != "packages"}), **found["packages"]}


REASONS: dict[str, Callable[[Path], Flat]] = {
    "code": code,
    "data": data,
    "parameters": parameters,
    "environment": environment,
}


def flat(tree: Mapping[str, Any], before: str = "") -> Flat:
    """A tree of tables as one table of dotted keys."""
    found: Flat = {}
    for name, value in tree.items():
        inner = isinstance(value, Mapping)
        found |= flat(value, f"{before}{name}.") if inner else {f"{before}{name}": value}
    return found


def model(a: Path, b: Path) -> Comparison:
    """The model by its bytes and, in words, by its name, weights and temperature."""

    def facts(folder: Path) -> Flat:
        record = registry.read(folder)
        about = {name: value for name, value in record["model"].items() if name != "file"}
        return {"sha256": record["files"][registry.MODEL][:SHOWN_DIGITS], **flat(about)}

    return differing("model", facts(a), facts(b))


def scores(a: Path, b: Path, parts: tuple[str, ...], note: str = "") -> Comparison:
    """The scores on the rows held out (`dev`) and on the test split (`test`, where there was an evaluation)."""

    def facts(folder: Path) -> Flat:
        record = registry.read(folder)
        names = metrics.available(record["task"], len(record["classes"]))
        found = {part: record["metrics"].get(part, {}) for part in parts}
        return {f"{part} {name}": found[part][name] for part in parts for name in names if name in found[part]}

    return differing("metrics", facts(a), facts(b), note)


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


def kept(project: Project, folder: Path) -> Answers | None:
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
    predictions = Predictions(values)
    if chances:
        predictions = Predictions(values, np.column_stack(chances), tuple(record["classes"]))
    return Answers(table, set(dictionary.load(folder / registry.DICTIONARY)), truth, predictions, record)


def not_comparable(one: Answers, other: Answers) -> str:
    """Why two runs cannot be compared row by row; empty if they can."""
    question = [(about.record["task"], about.record["target"], about.record["classes"]) for about in (one, other)]
    if question[0] != question[1]:
        return "the two runs answer different questions"
    # What features.py makes is not looked at: the same rows may have other features.
    shared = sorted(one.raw & other.raw & set(one.rows) & set(other.rows))
    same = np.array_equal(one.truth, other.truth) and one.rows[shared].equals(other.rows[shared])
    return "" if same else "the two runs were not evaluated on the same test rows"


def gain(one: Answers, than: Predictions) -> tuple[float, float]:
    """The 95 % paired bootstrap interval of how much better a run is than other predictions for the same rows."""
    together = groups_of(one.rows, one.record["parameters"]["split"]["by"])
    return metrics.gain(one.metric, one.truth, one.predictions, than, groups=together)


def render(a: Path, b: Path, compared: list[Comparison]) -> str:
    """The two runs, then what differs, from a to b."""
    heads = []
    for letter, folder in (("a", a), ("b", b)):
        record = registry.read(folder)
        commit = (record["commit"] or "no commit")[:SHOWN_DIGITS] + ("+" if record["dirty"] else "")
        heads.append("  ".join([letter, folder.name, commit, record["decision"]]).rstrip())
    return "\n".join([*heads, lines(compared)])


def lines(compared: list[Comparison]) -> str:
    """One line a comparison, below it one a difference."""
    found = []
    for comparison in compared:
        found.append(f"{comparison.what:<12} {'identical' if comparison.identical else 'differs'}")
        found += [f"  {pair.name}: {shown(pair.a)} -> {shown(pair.b)}" for pair in comparison.differences]
        found += [f"  {comparison.note}"] if comparison.note else []
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
