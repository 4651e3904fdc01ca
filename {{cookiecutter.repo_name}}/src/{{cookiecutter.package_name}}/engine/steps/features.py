"""The step `features`: divide the rows, say what is suspicious, add the user's features.

    make features

Reads `data/interim/clean.parquet`, writes `data/processed/{train,dev,test}.parquet` and `suspicions.json`.
"""

import logging
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..checks import suspicions
from ..checks.alone import AddFeatures, across_rows
from ..columns import dictionary
from ..modelling.division import TOLD, divide
from ..modelling.metrics import Z
from ..modelling.recipe import as_in_use, by_dtype
from ..modelling.split import infer_task
from ..project import artefact, package, records
from ..project.errors import DataError, counted, listed
from ..project.settings import PARTS, Project

log = logging.getLogger(f"{package.NAME}.features")

KINDS = 5  # more whole numbers than these are as often an amount
NOT_OURS = frozenset(("site-packages", "models", ".cache", "tests"))  # packages, copies of runs, and what tests run


def checked(rows: pd.DataFrame, wider: pd.DataFrame) -> pd.DataFrame:
    """Return `wider` if it is `rows`, shape (n_rows, n_columns), with nothing but new columns, else a `DataError`."""
    if not isinstance(wider, pd.DataFrame):
        found = f"features.py: add_features gives {type(wider).__name__}, not a table"
        raise DataError(f"{found}.\nEnd it with the rows and your columns: return rows.assign(ratio=...)")
    if len(wider) != len(rows):
        raise DataError(f"features.py: add_features made {len(wider)} rows of {len(rows)}: every row must stay.")
    cure = "Give what you compute a name of its own; a column is left out by its role in the data dictionary."
    slips = {
        "leaves out": [name for name in rows if name not in wider],
        "gives twice": [*wider.columns[wider.columns.duplicated()]],
        "gives a name that is no text,": [name for name in wider if not isinstance(name, str)],
    }
    if not any(slips.values()):
        placed, what = wider.set_axis(rows.index), "changed"
        if not wider.index.equals(rows.index):
            what, cure = "gives the rows in another order:", 'Keep it: .sort_index() at the end, merge with how="left".'
        slips[what] = [name for name in rows if not placed[name].equals(rows[name])]
    for what, names in slips.items():
        if names:
            raise DataError(f"features.py: add_features {what} {', '.join(map(repr, names[:5]))}.\n{cure}")
    return wider


def run(project: Project, add_features: AddFeatures) -> None:
    """Divide the clean rows, say what is suspicious, add the features to each split, and write the four files."""
    check_names(project)
    clean = pd.read_parquet(records.checked(project.clean))
    columns = dictionary.of(project)
    target = dictionary.target(columns)
    parts = divide(project, clean)
    where = project.relative(project.dictionary)
    kind, _, by = project.settings.split.by.partition(":")
    if kind == "group" and by in columns and columns[by].role == "feature":
        cure = f'To have it beside the predictions: role = "group" of [{by}] in {where}'
        log.warning("no model sees %r, by which [split] keeps rows together, though it is a feature. %s", by, cure)
    if kind == "time" and pd.api.types.is_string_dtype(clean[by].dtype):
        ends, cure = (clean[by].min(), clean[by].max()), f'If that is not time: type = "datetime" and format of [{by}]'
        log.warning("%r is text: [split] takes it in alphabetical order, %r to %r. %s in %s", by, *ends, cure, where)
    truth, kinds = clean[target], clean[target].nunique()
    if truth.dtype.kind in "if" and kinds > KINDS and infer_task(truth, project.settings.train.task) != "regression":
        log.info('%d whole numbers of %r are taken for classes: of amounts, [train] task = "regression"', kinds, target)
    divided = pd.concat(parts.values()).index
    if rare := truth[~clean.index.isin(divided)].value_counts().to_dict():
        named = listed([f"{name!r} ({counted(count, 'row')})" for name, count in rare.items()])
        log.warning("in no split, for a class needs a row in each: %s", named)
    like = dict[str, str]()
    made = partial(widened, columns=columns, add_features=as_in_use(add_features, columns, like))
    first = made(parts["train"].reset_index(drop=True))  # whose types other rows get where a column is empty
    like |= {name: by_dtype(first[name]) for name in first if name not in clean}
    wider = {"train": first} | {part: made(parts[part].reset_index(drop=True)) for part in PARTS[1:]}
    if said := across_rows(made, parts["test"], wider["test"]):
        log.warning("%s The service answers rows alone. Take it from the row itself, or let a model learn it.", said)
    check_kept(project)  # now, for a function may import what it needs as late as it is called
    found = suspicions.find(clean, wider, columns, project.settings.split.by)
    # Of a share measured on n rows the 95 % interval is at most 2 * Z * sqrt(1/4 / n) wide.
    say(found, chance=Z / np.sqrt(len(parts["test"])))
    for part in PARTS:
        wider[part].attrs = parts[part].attrs  # into the file
        with artefact.whole(project.split(part)) as path:
            wider[part].to_parquet(path, index=False)
    artefact.write_json(project.suspicions, {"rows": len(clean), "suspicions": list(map(vars, found))})
    added = [name for name in wider["train"].columns if name not in clean.columns]
    for name in wider["train"][added].select_dtypes("float"):
        if count := sum(int(np.isinf(part[name]).sum()) for part in wider.values()):
            log.warning("%r of add_features is infinite in %d rows: models see them as missing", name, count)
    told = {part: f" ({rows.attrs[TOLD]} told)" for part, rows in parts.items() if rows.attrs.get(TOLD)}
    sizes = ", ".join(f"{part} {len(rows)}{told.get(part, '')}" for part, rows in parts.items())
    log.info("%s rows (%s)%s", sizes, project.settings.split.by, f"; added {', '.join(added)}" if added else "")


def say(found: list[suspicions.Suspicion], *, chance: float) -> None:
    """Log what can change more of a score than chance does, which makes that much of one measured on the test rows."""
    for suspicion in found:
        if suspicion.share >= chance:
            log.warning("suspicious: %s", suspicion)
    if small := sum(suspicion.share < chance for suspicion in found):
        called = counted(small, "small suspicion")
        log.info("%s not spelled out, for chance moves a score on the test rows more: see make explore", called)


def check_kept(project: Project) -> None:
    """Refuse modules that were imported from the project, but not from the package: a run keeps the package alone."""
    root, kept = project.root.resolve(), project.package.resolve()
    for name, module in sorted(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "/").resolve()
        if not path.is_relative_to(root) or path.is_relative_to(kept):
            continue
        if NOT_OURS.isdisjoint((place := path.relative_to(root)).parts):
            cure = f"Move it into {project.relative(project.package)}/ and import it from {package.NAME}."
            raise DataError(f"{package.NAME} imports {name} from {place}, where no run would keep it.\n{cure}")


def check_names(project: Project) -> None:
    """Refuse what looks a part of the package up by its written name: in an old run it would find today's."""
    for path in package.yours(project.package):
        for line, name in package.looked_up(path) if path.suffix == ".py" else ():
            found = f"{project.relative(path)}, line {line}: {name!r} is looked up by its written name"
            cure = "Import it (from . import ...), or fill in __package__: import_module('.tools', __package__)."
            raise DataError(f"{found}, by which an old run would find today's.\n{cure}")


def widened(rows: pd.DataFrame, columns: dictionary.Dictionary, add_features: AddFeatures) -> pd.DataFrame:
    """A split, its index counted from 0, with its features, which are made as in use; then with all that it had."""
    hidden = [name for name in dictionary.withheld(columns) if name in rows]
    known = rows.drop(columns=hidden)
    try:
        wider = checked(known, add_features(rows))
    except Exception as error:  # of a mistake in another line the words do not name one of them
        if not (asked := [name for name in hidden if repr(name) in str(error)]):
            raise
        found, role = f"add_features uses {', '.join(map(repr, asked))}", columns[asked[0]].role
        why, cure = "it is not there, for it is not known when a prediction is needed", "Leave it out."
        if role == "ignored":
            why = "rows to score may lack it"
            cure = 'Let them have it, unseen by models: role = "feature", transformation = "none" in the dictionary.'
        raise DataError(f'features.py: {found}, role = "{role}": {why}.\n{cure}') from error
    new = wider.drop(columns=known.columns).set_axis(rows.index)
    return checked(rows, rows.drop(columns=new.columns, errors="ignore").join(new))
