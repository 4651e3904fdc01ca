"""The model behind BentoML."""

import os
import subprocess
import sys

import bentoml
import pandas as pd
from served import Model


@bentoml.service(workers=1)
class Served:
    """Answers rows."""

    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api
    def predict(self, rows: list[dict]) -> list:
        """Answer rows."""
        return self.model.answer(pd.DataFrame(rows))


if __name__ == "__main__":
    words = ["serve", "bento_app:Served", "--port", os.environ["PORT"], "--working-dir", os.path.dirname(__file__)]
    sys.exit(subprocess.call([sys.executable, "-m", "bentoml", *words]))
