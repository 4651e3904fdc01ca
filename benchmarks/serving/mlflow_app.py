"""The model behind `mlflow models serve`, as a pyfunc."""

import os
import subprocess
import sys
import tempfile

import mlflow.pyfunc
from served import Model


class Served(mlflow.pyfunc.PythonModel):
    """Loads the run where it is served."""

    def load_context(self, context: object) -> None:
        """Load the run."""
        self.model = Model()

    def predict(self, context: object, model_input: object, params: object = None) -> list:
        """Answer rows."""
        return self.model.answer(model_input)


if __name__ == "__main__":
    from mlflow_app import Served as Importable

    with tempfile.TemporaryDirectory() as folder:
        mlflow.pyfunc.save_model(f"{folder}/model", python_model=Importable())
        words = ["models", "serve", "-m", f"{folder}/model", "-p", os.environ["PORT"], "--env-manager", "local"]
        sys.exit(subprocess.call([sys.executable, "-m", "mlflow", *words]))
