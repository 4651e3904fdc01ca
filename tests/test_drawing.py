import importlib.util
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from data_science_project.engine.runs import lineage
from data_science_project.engine.runs import registry



DRAWING = Path(__file__).parents[2] / "docs" / "drawing.py"


@pytest.fixture(scope="module")
def drawing():
    """`docs/drawing.py`, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("drawing", DRAWING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_drawing_has_a_box_a_file_and_an_arrow_an_input(drawing, project):
    links = lineage.trace(project, registry.folders(project)[0] / registry.MODEL)

    nodes, arrows = drawing.graph(links)
    tree = ElementTree.fromstring(drawing.svg(links))

    tags = [element.tag.rpartition("}")[2] for element in tree.iter()]
    assert {file for file, _ in nodes} == {link.file for link in links}
    assert tags.count("rect") == len(nodes) and tags.count("path") == len(arrows) + 1


def test_every_file_is_drawn_right_of_its_inputs(drawing, project):
    nodes, arrows = drawing.graph(lineage.trace(project, registry.folders(project)[0] / registry.MODEL))

    places = drawing.layout(nodes, arrows)

    assert len(set(places.values())) == len(nodes)
    assert all(places[start][0] < places[end][0] for start, end in arrows)


def test_names_are_text_and_no_markup(drawing):
    link = lineage.Link(0, "data/<script>&.csv", "", "gone", 'by "me"')

    (title,) = (e for e in ElementTree.fromstring(drawing.svg([link])).iter() if e.tag.endswith("title"))

    assert title.text == 'data/<script>&.csv: by "me"'
