import numpy as np
import pandas as pd

from data_science_project.engine.report import figures


def test_figures_are_files_and_stand_in_the_page(evaluated):
    root, page, record = evaluated

    names = {path.name for path in (root / "reports" / "figures").glob("*.png")}
    assert {f"{record['run']}-{what}.png" for what in ("confusion", "ranking", "calibration", "importance")} <= names
    assert page.count('<img src="data:image/png') == len(names)
    phone = [line for line in page.splitlines() if '<source media="(max-width: 34rem)"' in line]
    assert any("How well the probabilities put" in line for line in phone), "two panels, one below the other"


def test_panels_side_by_side_are_stacked_for_a_phone_and_single_ones_stay():
    figure, _ = figures.panels(3, 8, 6)
    single, _ = figures.panels(1, 5, 3)

    stacked = figures.stacked(figure)

    assert stacked.get_size_inches().tolist() == [4, 9] and figures.stacked(single) is None
    assert len({panel.get_subplotspec().rowspan.start for panel in stacked.axes}) == 3


def test_same_figure_has_the_same_bytes_whatever_its_labels_hold():
    table = pd.DataFrame({"column": ["price ($)", "$\\bad$", "大" * 50], "loss": [0.3, 0.2, 0.1], "spread": 0.01})

    with figures.style():
        one, same = (figures.png(figures.importance(table, "roc_auc")) for _ in range(2))

    assert one == same and one.startswith(b"\x89PNG")


def test_residual_is_what_was_predicted_less_what_is_true():
    _, right = figures.fit(np.array([1.0]), np.array([3.0]), "y").axes

    assert right.collections[0].get_offsets().tolist() == [[3, 2]]


def test_importance_shows_the_strongest_fifteen_the_first_on_top():
    table = pd.DataFrame({"column": [f"c{i}" for i in range(20)], "loss": np.arange(20)[::-1], "spread": 0.0})

    (axes,) = figures.importance(table, "roc_auc").axes

    assert [label.get_text() for label in axes.get_yticklabels()] == [f"c{i}" for i in range(14, -1, -1)]


def test_confusion_counts_stand_in_their_cells_and_long_names_are_cut():
    counts = pd.DataFrame([[1200, 3], [4, 5]], index=["no", "a very long name of a class"], columns=["no", "yes"])

    (axes,) = figures.confusion(counts).axes

    assert [text.get_text() for text in axes.texts] == ["1,200\n100%", "3\n0%", "4\n44%", "5\n56%"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no", "a very long nam…"]


def test_labels_that_would_be_cut_alike_are_cut_later():
    texts = ["Stimme eher nicht zu", "Stimme eher zu", "Agree"]

    assert figures.apart(texts, 12) == ["Stimme eher n…", "Stimme eher zu", "Agree"]
    assert figures.apart(["a" * 40, "a" * 41], 12) == ["a" * 27 + "…"] * 2


def test_dependence_shows_the_answer_as_a_line_and_what_came_true_hollow_beside_it():
    curve = pd.DataFrame({"value": [1.0, 2.0, 3.0], "no": [0.8, 0.6, 0.4], "yes": [0.2, 0.4, 0.6]})
    words = curve.assign(value=["a", "b", "c"])

    drawn = figures.dependence({"x": (curve, curve), "word": (words, words)}, "P(yes)")

    for axes, at in zip(drawn.axes, ([1.0, 2.0, 3.0], [0, 1, 2]), strict=True):
        line, hollow = axes.get_lines()
        assert line.get_ydata().tolist() == [0.2, 0.4, 0.6] and hollow.get_xdata().tolist() == at
        assert hollow.get_markerfacecolor() == "none" and axes.get_legend() is None
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["the model says", "came true"]
