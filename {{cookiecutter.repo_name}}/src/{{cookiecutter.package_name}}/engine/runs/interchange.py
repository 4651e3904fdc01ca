"""A run's model for other languages: `models/<run>/model.onnx`, where every member converts.

Part of `make export`, with the extra `onnx`. Its inputs are the columns after `add_features`; `prediction` is its
answer, `probabilities` are those of the classes in the order of `run.json`'s model. It is written only if it gives the
same answers as the original.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..modelling.convert import convert
from ..modelling.decision import Policy
from ..modelling.graph import NotConvertible
from ..project import artefact, records
from ..project.errors import listed
from .answers import predictions
from .loading import Run
from .registry import FOR_ONNX, ONNX

CLOSE = 1e-9  # of a probability, or of a number beside 1 + its size: both compute in double precision
ADD_ONNX = 'Add "onnx" to extras in [tool.install] of pyproject.toml, then: make install'


def write(folder: Path, model: Run, rows: pd.DataFrame | None, policy: Policy) -> str:
    """Write `model.onnx` of the run in `folder` with the threshold of today; what came of it, in words.

    It is compared on rows as they came, shape (n_rows, n_columns).
    """
    if not all(map(find_spec, FOR_ONNX)):
        return f"no {ONNX}: {' and '.join(FOR_ONNX)} are not installed. {ADD_ONNX}"
    path = folder / ONNX
    for old in (path, records.sidecar(path)):
        artefact.remove(old)
    if rows is None:
        return f"no {ONNX}: there are no rows here to compare it on"
    threshold = getattr(model.model, "threshold", None) if policy.level is None else policy.level
    labels = np.asarray(getattr(model.model, "classes_", ())).tolist()
    if threshold is not None and model.record["classes"][1] != labels[1]:
        return f"no {ONNX}: its positive class is the first of two, which does not convert"
    try:
        made = convert(model.model, labels, threshold)
    except NotConvertible as error:
        return f"no {ONNX}: {error}"
    known, _ = model.validate(rows, model.columns, where="rows", target=False)
    features = model.add_features(known)
    same, found = parity(made, model, features, predictions(model, known, policy)["prediction"].to_numpy())
    if not same:
        return f"no {ONNX}: it would answer otherwise than the original: {found}"
    for key, value in (("run", model.name), ("classes", json.dumps([str(label) for label in labels]))):
        made.metadata_props.add(key=key, value=value)
    with artefact.whole(path) as temporary:
        temporary.write_bytes(made.SerializeToString())
    records.record(path, {"step": "export", "inputs": {}, "commit": None, "dirty": False})
    asked = [one.name for one in made.graph.input if one.name not in model.columns]
    own = f"; add_features has to make {listed(asked)} before" if asked else ""
    return f"{ONNX} agrees with the original on {len(features):,} rows: {found}{own}"


def parity(made: Any, model: Run, features: pd.DataFrame, said: np.ndarray) -> tuple[bool, str]:
    """Whether ONNX says of rows after `add_features` what the original `said`, (n_rows,); how far apart they are."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    texts = {one.name for one in session.get_inputs() if one.type == "tensor(string)"}
    asked = {one.name: cells(features[one.name], one.name in texts) for one in session.get_inputs()}
    answers = dict(zip([one.name for one in session.get_outputs()], session.run(None, asked), strict=True))
    if "probabilities" not in answers:
        apart = float((np.abs(answers["prediction"][:, 0] - said) / (1 + np.abs(said))).max())
        return apart <= CLOSE, f"relative to their size they are at most {apart:.1g} apart"
    apart = float(np.abs(answers["probabilities"] - model.model.predict_proba(features)).max())
    others = int((answers["prediction"].astype(str) != said.astype(str)).sum())
    return apart <= CLOSE and not others, f"probabilities at most {apart:.1g} apart, {others} other classes"


def cells(values: pd.Series, texts: bool) -> np.ndarray:
    """A column as ONNX is given it, shape (n_rows, 1): texts, empty where missing, or doubles, NaN where missing."""
    if texts:
        return values.astype(object).where(values.notna(), "").to_numpy(dtype=object).reshape(-1, 1)
    return values.to_numpy(dtype="float64", na_value=np.nan).reshape(-1, 1)
