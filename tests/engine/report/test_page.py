import re

import numpy as np
import pytest

from data_science_project.engine.report.page import TEMPLATES


def test_page_asks_nothing_from_elsewhere(evaluated):
    _, page, _ = evaluated

    assert not re.search(r"""(src|href)=["'](?!data:image/png;base64|#|model_card|\.\./exp)""", page)
    assert "@import" not in page and "url(" not in page and "<script" not in page


def test_page_links_to_the_pages_that_are_there_and_says_how_to_make_the_others(evaluated):
    _, page, _ = evaluated

    assert '<a href="../exploration.html">the data</a>' in page
    assert "model card: make card" in page and 'href="model_card' not in page


def test_cells_and_names_from_the_data_are_escaped_and_what_features_suspected_is_said(page_about, numbers):
    table = numbers.rename(columns={"x": "<b>x</b>"})
    table["word"] = table["word"].replace("a", "<script>alert(1)</script>")
    table["y"] = np.where(np.random.default_rng(1).random(len(table)) > 0.5, "<i>yes</i>", "$été$")

    page, _ = page_about(table.assign(status=np.where(table["y"] == "$été$", 7, 3)))

    assert "<script" not in page and "<b>" not in page and "<i>" not in page
    assert "&lt;i&gt;yes&lt;/i&gt;" in page
    assert "Found in the data: column &#39;status&#39; is &#39;y&#39; in another coding" in page


def test_pages_have_one_main_part_headings_without_a_gap_and_words_for_pictures_and_choices(evaluated, exploration):
    for page in (evaluated[1], exploration):
        levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page)]
        assert page.count("<main") == 1 and page.count("<h1") == 1 and levels[0] == 1
        assert max(np.diff(levels)) <= 1, "a level of headings is skipped"
        assert "<img " in page and all('alt="' in picture for picture in re.findall("<img [^>]*>", page))
        assert all("aria-label" in choice for choice in re.findall("<select [^>]*>", page))


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_what_is_behind_them(dark, contrast):
    """4.5 to 1, WCAG 2.2, 1.4.3."""
    style = (TEMPLATES / "page.html").read_text(encoding="utf-8").split(":root {")[2 if dark else 1].partition("}")[0]
    found = dict(re.findall(r"--(\w+): (#\w+)", style))

    for words in ("ink", "soft", "blue"):
        for behind in ("paper", "cool", "warm"):
            assert contrast(found[words], found[behind]) >= 4.5, (words, behind)
