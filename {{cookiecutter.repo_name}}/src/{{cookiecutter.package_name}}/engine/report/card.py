"""A model card: what a run is, what it is for and how good it is, on one page for those who did not make it.

    make card [RUN=run]

Reads `models/<run>/`, what `evaluate` kept of it, and `docs/charter.md`; writes `reports/<run>/model_card.html` and
`model_card.md`. Every figure comes from the run; what people have to say comes from the charter, and is "not stated"
where they did not. Sections: Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

import logging
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow.parquet import read_metadata

from ..columns import dictionary
from ..modelling import decision, metrics
from ..project import artefact, records
from ..project.errors import DataError, listed
from ..project.settings import Project
from ..runs import compare, registry
from ..runs.compare import Evaluated
from . import charter, diagnostics, gains
from .about_data import first_of
from .evidence import table
from .page import render
from .verdict import MANY_LOOKS, bounds, number, percent, scored

log = logging.getLogger(__name__)
DIGEST, CLASSES_LISTED = 16, 20  # digits of a digest, classes of a table
FAR_SHARES = (0.5, 0.9, 0.99)  # of the rows, by the size of the error


@dataclass(frozen=True)
class Section:
    """A section of the card: facts of the run, tables, sentences, and what people said, "" where they did not."""

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # caption and table
    sentences: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)


def run(project: Project, folder: Path) -> list[Path]:
    """Write the card of the run in `folder`, as a page and as Markdown; a `DataError` before its evaluation."""
    found = compare.kept(project, folder)
    if found is None or "test" not in found.record["metrics"]:
        raise DataError(f"{folder.name} has no evaluation to quote.\nMake one: make evaluate RUN={folder.name}")
    test, scored = found.record["metrics"]["test"], registry.scored(project)  # others may have been since
    test["runs_on_this_split"] = [*scored.values()].count(scored[folder.name])
    said, settings = charter.read(project.root / charter.PATH), project.settings
    policy = decision.policy(folder, found.record, settings.predict, settings.decision)
    page = records.recorded(project.root / "reports" / folder.name / "evaluation.html")
    parts = (
        Section("Model details", details(project, found)),
        Section("Intended use"),
        Section("Factors", factors(found)),
        Section("Metrics", measured_by(found, policy)),
        Section("Evaluation data", evaluation_data(found)),
        Section("Training data", training_data(project, found)),
        Section("Quantitative analyses", tables=quantities(found, policy), sentences=page.get("decisions", [])),
        Section("Ethical considerations"),
        Section("Caveats and recommendations", sentences=[*page.get("warnings", []), *caveats(found.record)]),
    )
    sections = [replace(part, said=charter.quoted(said, part.title)) for part in parts]
    about = {"record": found.record, "target": found.record["target"], "sections": sections, "charter": charter.PATH}
    paths = [project.root / "reports" / folder.name / name for name in ("model_card.html", "model_card.md")]
    for path in paths:
        artefact.write_text(path, render(f"card{path.suffix}", answer=answer(found), **about))
    answered = [bool(text) for section in sections for _, text in section.said]
    log.info("%d of %d questions to people are answered in %s", sum(answered), len(answered), charter.PATH)
    return paths


def answer(found: Evaluated) -> str:
    """The first sentence: what it predicts, and how well on rows that it never saw."""
    test, name = found.record["metrics"]["test"], found.metric.name
    around = f" (95 % interval {bounds(name, test['interval'])})" if test["interval"] else ""
    return (
        f"Predicts {found.record['target']}; on {len(found.truth):,} rows it never saw it reaches {name} "
        f"{scored(name, test[name])}{around}, the constant answer {scored(name, test['constant'])}."
    )


def details(project: Project, found: Evaluated) -> list[tuple[str, str]]:
    """Who made what, when, and which it is."""
    record, file = found.record, project.root / "pyproject.toml"
    about = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {}) if file.is_file() else {}
    people = [" ".join(who.get(key, "") for key in ("name", "email")).strip() for who in about.get("authors", ())]
    members = ", ".join(f"{name} {share:g}" for name, share in record["model"]["weights"].items())
    champion = registry.champion(project)
    commit = f"{record['commit']}{', with changes that were not committed' if record['dirty'] else ''}"
    made_with = record["environment"]
    named = f"One of {len(record['classes'])} classes: {listed(record['classes'], CLASSES_LISTED)}"
    return [
        ("Model", record["model"]["name"] + (f": {members}" if members else "")),
        ("It answers with", named if record["classes"] else "A number"),
        ("Run", f"{record['run']}, trained {record['started'][:10]}"),
        ("In use", "It is the champion" if champion and champion.name == record["run"] else "It is not the champion"),
        ("Made because", record["decision"] or "not stated"),
        ("Made by", listed(people) or "not stated"),
        ("Licence", str(about.get("license", "not stated"))),
        ("Code", commit if record["commit"] else "not under git"),
        ("File", f"models/{record['run']}/{registry.MODEL}, sha256 {record['files'][registry.MODEL][:DIGEST]}…"),
        ("Made with", f"Python {made_with['python']}, scikit-learn {made_with['packages']['scikit-learn']}"),
    ]


def factors(found: Evaluated) -> list[tuple[str, str]]:
    """What the model looks at."""
    kinds, by = found.record["features"].items(), found.record["parameters"]["split"]["by"]
    used = [(f"Columns used as {kind}", f"{len(names)}: {listed(names, 12)}") for kind, names in kinds]
    return [*used, *([("Rows kept together", by)] if by.startswith("group:") else [])]


def measured_by(found: Evaluated, policy: decision.Policy) -> list[tuple[str, str]]:
    """The metric that decided, and how an answer comes about."""
    metric, model = found.metric, found.record["model"]
    better = "higher" if metric.higher_is_better else "lower"
    chosen = [("Chosen by", f"{metric.name}: {metric.meaning}; {better} is better")]
    if model.get("positive") is not None:
        from_on = f"'{model['positive']}' from {model['threshold']:.3g} on: {model['threshold_is']}"
        today = "" if policy.level is None else f"; by today's [decision] from {policy.level:.3g} on"
        chosen.append(("Positive class", from_on + today))
    return [*chosen, ("Intervals", "95 %, bootstrap over the test rows, or over whole groups where rows are grouped")]


def evaluation_data(found: Evaluated) -> list[tuple[str, str]]:
    """The rows that were scored."""
    test, split = found.record["metrics"]["test"], found.record["parameters"]["split"]
    return [
        ("Test rows", f"{test['rows']:,}, kept apart before anything was fitted (split {split['by']})"),
        ("Digest", f"sha256 {test['data'][:DIGEST]}…"),
        ("Runs scored on them", str(test["runs_on_this_split"])),
    ]


def training_data(project: Project, found: Evaluated) -> list[tuple[str, str]]:
    """Where the rows came from that the model learned from."""
    record, counts = found.record, []
    for part in ("train", "dev"):
        path = project.split(part)
        same = path.is_file() and artefact.sha256(path) == record["input_data"].get(project.relative(path))
        counts.append(f"{part} {read_metadata(path).num_rows:,}" if same else f"{part} not here as it was")
    inputs = record["input_data"].items()
    raw = [f"{name}, sha256 {digest[:DIGEST]}…" for name, digest in inputs if name.startswith("data/raw/")]
    columns = dictionary.load(project.models / record["run"] / registry.DICTIONARY)
    return [
        ("Source", record["parameters"]["data"]["source"]),
        *(("Kept as", line) for line in first_of(raw)),
        ("Rows", ", ".join(counts)),
        ("Chosen on", f"{record['metrics']['held_out']}, held out while it was fitted"),
        ("The target means", columns[record["target"]].description or "not stated"),
    ]


def quantities(found: Evaluated, policy: decision.Policy) -> list[tuple[str, dict[str, Any]]]:
    """All scores; by class how many were found and right, or how near the numbers come."""
    record, scores = found.record, found.record["metrics"]
    names = metrics.available(record["classes"])
    rows = [(name, *(scored(name, scores[part].get(name)) for part in ("test", "dev"))) for name in names]
    own = today = ""
    if policy.level is not None:
        own = "; answers at the model's own threshold"
        today = f"; answers as [decision] has them: '{record['classes'][1]}' from {policy.level:.3g} on"
    caption = f"Scores on the test rows, and on the rows the model was chosen on{own}"
    tables = [(caption, table(pd.DataFrame(rows, columns=["metric", "test", "when chosen"])))]
    if record["classes"]:
        decided = policy.decide(found.predictions)
        shares = diagnostics.by_class(diagnostics.confusion(found.truth, decided)).head(CLASSES_LISTED)
        shown = table(shares, rows=number, found=percent, right=percent, taken_for=str)
        what = "By class: found is the share of it that is named (recall), right that of the answers that are"
        return [*tables, (what + today, shown)]
    off, errors = gains.off_by(found.truth, found.predictions.values), np.abs(found.predictions.values - found.truth)
    which = "" if len(off) == len(errors) else f" ({len(off):,} of {len(errors):,}, those above 0)"
    near = [(f"within {share:.0%} of the truth{which}", percent((off <= share).mean())) for share in gains.SHARES]
    far = [(f"{share:.0%} are off by less than", number(float(np.quantile(errors, share)))) for share in FAR_SHARES]
    frame = pd.DataFrame([*(near if len(off) else ()), *far], columns=["test rows", "value"])
    return [*tables, ("How far the numbers are off", table(frame))]


def caveats(record: dict[str, Any]) -> Iterator[str]:
    """What the record says against leaning on the figures, beside the warnings of the evaluation."""
    if (looks := record["metrics"]["test"]["runs_on_this_split"]) >= MANY_LOOKS:
        yield f"{looks} runs were scored on these test rows: the best of them looks better than it is."
    if record["dirty"]:
        yield "It was made from changes that were not committed; they are kept in its folder."
    yield "What a model leans on need not be a cause; where it errs more than elsewhere, the evaluation says."
