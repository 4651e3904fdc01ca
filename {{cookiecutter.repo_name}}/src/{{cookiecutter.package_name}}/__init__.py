"""The project: its verbs and its model.

`python -m <package> --help` lists its verbs; from Python:

    from <package> import load
    load().predict(frame)

What is where, in reading order:

- features.py, models.py: yours, and so is every module or folder that you add
- pipeline.py: the graph of the steps
- data.py, train.py, evaluate.py, predict.py, explore.py: one verb each
- cli.py, __main__.py: the verbs as typed
- engine: the machinery, from the template
"""

from typing import TYPE_CHECKING

from .engine.project.settings import external

if TYPE_CHECKING:
    from .engine.runs.model import Model

__all__ = ["external", "load"]


def load(run: str = "") -> "Model":
    """Load a trained model; its answers have the columns and the bits of `make predict RUN=`.

    Parameters
    ----------
    run : str
        A run, by its name or the end of it; "" takes the champion, or the newest run while there is none.

    Returns
    -------
    Model
        With `predict(frame)`, `reasons(frame)`, `columns`, `name` and `record`. It works from any folder.

    Raises
    ------
    ProjectError
        There is no such run, or none at all, or a file of it was changed.
    """
    from .engine.runs.model import load as load_model

    return load_model(run)
