"""The fitted model of a project's newest run, for the rivals: rows in, answers out, through a data frame."""

import importlib
import os
from pathlib import Path

import pandas as pd


class Model:
    """The run's own model and features, without our checks and our log."""

    def __init__(self) -> None:
        loading = importlib.import_module(f"{os.environ['PACKAGE']}.engine.runs.loading")
        folder = max(path.parent for path in Path(os.environ["PROJECT"], "models").glob("*/run.json"))
        self.run = loading.load(folder)

    def answer(self, frame: pd.DataFrame) -> list:
        """Probabilities or numbers."""
        rows = self.run.add_features(frame)
        model = self.run.model
        return (model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)).tolist()
