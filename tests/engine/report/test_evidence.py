import pandas as pd
import pytest

from data_science_project import evaluate
from data_science_project.engine.project import artefact, records
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import registry


def test_column_that_the_run_needs_and_the_split_lacks_is_named(project):
    folder = registry.folders(project)[0]
    path = project.split("test")
    pd.read_parquet(path).drop(columns="amount").to_parquet(path)
    sidecar = path.with_name(path.name + ".json")
    about = records.read_sealed(sidecar) | {"sha256": artefact.sha256(path)}
    artefact.write_json(sidecar, records.sealed(about))

    with pytest.raises(DataError, match="lacks amount, which run"):
        evaluate.run(project, folder=folder, output=project.root / "page.html")
