"""Pack a run into one file that answers without the project.

    make export [RUN=run]

Reads `models/<run>/` and the data dictionary of today; writes `dist/<package>_model-<version>-py3-none-any.whl`: the
model, the modules that it answers with, the digests, and the run's versions of the packages it needs. No rows of the
data, nothing that fetches, reads or trains. Laid out like a project, so that the same code loads it:

    <package>_model/    __init__.py, params.toml, references/, engine/ of today, models/<run>/ with its own code/

Before it is written it answers rows of the train split in a process without the project, and has to give the same bits.
"""

import logging
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from ..modelling import confidence, decision
from ..project import artefact, package, schema, wheel
from ..project.errors import DataError
from ..project.settings import EXTERNAL, PARAMS, Project
from . import interchange, loading, packages, registry
from .model import Model

log = logging.getLogger(__name__)
ROWS_COMPARED = 1000  # that are compared
START = '''"""The model {run}, trained {day}: `from {name} import load; load().predict(frame)`."""

from .engine.runs.model import Model, load

__all__ = ["Model", "load"]
'''
DOOR_TEXT = '''"""The door into this run: what its model answers with, and nothing that trains."""

from .{dictionary} import load
from .features import add_features
from .{checks} import {validate} as validate{used}


def own(folder):
    """Its columns, features and rules."""
    columns = load(folder / "{file}")
    return columns, {features}, validate
'''
ASK = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
sys.modules[sys.argv[3]] = None
from {name} import load
import pandas as pd
load().predict(pd.read_pickle(sys.argv[2])).to_pickle(sys.argv[4])
"""


def about(project: Project, folder: Path, imported: Iterable[str] = ()) -> wheel.About:
    """What the file says of itself; `imported` are the names of what its modules import."""
    record, file = registry.read(folder), project.root / "pyproject.toml"
    known = tomllib.loads(file.read_text(encoding="utf-8"))["project"] if file.is_file() else {}
    name, version = wheel.name_and_version(project, record)
    how = f"    from {name} import load\n    load().predict(frame)"
    text = f"Answers with the columns and the bits of `make predict RUN={record['run']}`, but for rows that the run\n"
    text += f"learned from: the project answers them as while they were held out, this file knows none.\n\n{how}\n"
    summary = f"Predicts {record['target']}: run {record['run']} of {known.get('name', package.NAME)}."
    needed = packages.required(record, imported)
    return wheel.About(name, version, summary, needed, known.get("requires-python", ""), text)


def run(project: Project, folder: Path, output: Path) -> list[str]:
    """Pack the run in `folder` into the wheel `output`; what was found, for its record.

    A `DataError`, and no wheel, if a file of the run was changed, or the packed model does not give the same answers.
    """
    model = loading.load(folder)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, about(project, folder).name)
        imported = lay_out(project, model, folder, root)
        asked = replace(project.settings.predict, reasons=0)  # which are worked out with rows that stay here
        here = Model(folder, asked, project.dictionary, project.settings.decision)
        rows = rows_to_compare(project, here)
        said = [compare(project, here, rows, root)]
        wheel.write(output, root, about(project, folder, imported))
    said.append(interchange.write(folder, model, rows, here.policy))
    if project.settings.predict.reasons:
        said.append("reasons are not in the file: they need what the run keeps of its rows, which stays here")
    log.info("run %s, %.1f MB -> %s", model.name, output.stat().st_size / 1e6, project.relative(output))
    for line in said:
        log.info("%s", line)
    return said


def lay_out(project: Project, model: loading.Run, folder: Path, root: Path) -> set[str]:
    """Put all that the packed model needs into the folder `root`; the names of what else it imports."""
    kept, copy = root / registry.MODELS / folder.name, artefact.copy_all
    copied = copy(package.needed(package.FOLDER, ["engine.runs.model"], late=False), package.FOLDER, root)
    code, imported = own_code(model, folder)
    copied += copy(code, folder, kept)
    copy([folder / name for name in (registry.MODEL, registry.DICTIONARY, package.LOCK)], folder, kept)
    copy(package.code(folder / EXTERNAL), folder, kept)
    dictionary, checks, validate = made_of(model)  # the run's own door would bring all that `predict` reads files with
    used, features = "", "add_features"  # as it is, in runs from before `as_in_use`
    if recipe := wrapped_by(model):
        like = {name: kind for kind, names in model.record["features"].items() for name in names}
        used = f"\nfrom .{recipe} import as_in_use"
        features = f"as_in_use(add_features, columns, {like!r})"
    names = {"dictionary": dictionary, "checks": checks, "validate": validate, "used": used, "features": features}
    door = DOOR_TEXT.format(**names, file=registry.DICTIONARY)
    (kept / registry.CODE / f"{loading.DOOR}.py").write_text(door, encoding="utf-8")
    options = replace(project.settings.predict, reasons=0)
    if options.error_rate:
        confidence.write(kept, decision.policy(folder, model.record, options, project.settings.decision).limits)
    digests = {path.relative_to(kept).as_posix(): artefact.sha256(path) for path in package.code(kept)}
    registry.write(kept, {**model.record, "package": package.NAME, "files": digests})
    written = START.format(run=model.name, day=model.record["started"][:10], name=root.name)
    (root / "__init__.py").write_text(written, encoding="utf-8")
    sections = {"data": {"source": "exported", "target": model.record["target"]}}
    sections |= {"predict": asdict(options), "decision": asdict(project.settings.decision)}
    (root / PARAMS).write_text(schema.dumps(sections), encoding="utf-8")
    if project.dictionary.is_file():
        copy([project.dictionary], project.root, root)
    return imported | package.foreign(copied, root)


def own_code(model: loading.Run, folder: Path) -> tuple[list[Path], set[str]]:
    """The files of the run's own code that it answers with, and the top names of what else its model is made of.

    What the user added is all there: it may be imported in ways that nobody sees. `models.py` is not, unless the model
    is made of what it defines.
    """
    code = folder / registry.CODE
    with (folder / registry.MODEL).open("rb") as file:
        pickle = loading.OwnPickle(file, loading.load_code(code).__name__)
        pickle.load()
    names = {name.partition(".")[2] for name in pickle.modules if name.partition(".")[0] == package.NAME}
    yours = [path for path in package.yours(code) if path.name != "models.py"]
    starts = {".".join(path.relative_to(code).with_suffix("").parts) for path in yours if path.suffix == ".py"}
    modules = {of.removesuffix(".__init__") for of in starts} | names | {*made_of(model)[:2], wrapped_by(model)} - {""}
    imported = {name.partition(".")[0] for name in pickle.modules} - {package.NAME} - sys.stdlib_module_names
    return sorted({*yours, *package.needed(code, modules)}), imported


def made_of(model: loading.Run) -> tuple[str, str, str]:
    """The modules of the run's code that read its dictionary and check rows, and the function that does."""
    name, checks = model.validate.__name__, model.validate.__module__.partition(".")[2]
    return "engine.columns.dictionary" if checks.startswith("engine.") else "dictionary", checks, name


def wrapped_by(model: loading.Run) -> str:
    """The module of the run's code that has `as_in_use`; "" in a run from before it."""
    around = getattr(model.add_features, "__globals__", {})
    return around["__name__"].partition(".")[2] if "as_in_use" in around else ""


def rows_to_compare(project: Project, model: Model) -> pd.DataFrame | None:
    """Up to 1,000 rows of the train split as they came; None where they are not here."""
    path = project.split("train")
    if not path.is_file():
        return None
    rows = pd.read_parquet(path).head(ROWS_COMPARED)
    wanted = [name for name in rows if name in model.columns and name != model.record["target"]]
    return None if registry.lacking(model.columns, rows) else rows[wanted].reset_index(drop=True)


def compare(project: Project, model: Model, rows: pd.DataFrame | None, root: Path) -> str:
    """Ask the packed model, in a process without the project, what the run is asked here; what came of it in words."""
    if rows is None:
        return f"not compared: {project.relative(project.split('train'))} is not here, or lacks columns of the run"
    with tempfile.TemporaryDirectory() as place:
        asked, answered = Path(place, "rows.pkl"), Path(place, "answers.pkl")
        rows.to_pickle(asked)
        arguments = [ASK.format(name=root.name), str(root.parent), str(asked), package.NAME, str(answered)]
        call = [sys.executable, "-I", "-B", "-c", *arguments]
        done = subprocess.run(call, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            why = done.stderr.strip().rpartition("\n")[2]
            raise DataError(
                f"The exported model does not answer by itself: {why}.\n"
                "What is imported by a written name, as importlib does, is not taken along: use an import statement.\n"
                "Of files, those are that [data] also names and external(...) finds."
            )
        here = model.predict(rows, held_out=False).drop(columns="seen", errors="ignore")
        same = here.equals(pd.read_pickle(answered))
    if not same:
        raise DataError(f"The exported model of {model.name} gives other answers: nothing is written.\nReport this.")
    return f"the same bits as here for {len(rows)} rows, from a process without the project"
