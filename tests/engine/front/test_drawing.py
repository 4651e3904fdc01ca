import importlib.util

from data_science_project.engine.project import package
from data_science_project.engine.runs import lineage, registry

LIVE = package.FOLDER.parents[1] / "docs" / "live.py"


def test_every_file_of_a_lineage_stands_right_of_its_inputs(project):
    spec = importlib.util.spec_from_file_location("live", LIVE)
    live = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(live)
    links = lineage.trace(project, registry.folders(project)[0] / registry.MODEL)

    rows = [[cell.astext() for cell in row] for row in live.way(links).findall(live.nodes.row)]

    files = [{cell.split(" ")[0] for cell in column if cell} for column in zip(*rows[1:], strict=True)]
    assert [text.split(" ")[0] for text in rows[0]] == ["fetched", "data,", "features,", "train"]
    assert files[1] == {"data/interim/clean.parquet"}
    assert files[2] == {project.relative(project.split(part)) for part in ("train", "dev")}
    assert set().union(*files) == {link.file for link in links}
