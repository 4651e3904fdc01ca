import re

import numpy as np


def test_page_asks_nothing_from_elsewhere(evaluated):
    _, page, _ = evaluated

    assert not re.search(r"""(src|href)=["'](?!data:image/png;base64|#|model_card|\.\./exp)""", page)
    assert "@import" not in page and "url(" not in page and "<script" not in page


def test_cells_and_names_from_the_data_are_escaped_and_what_features_suspected_is_said(page_about, numbers):
    table = numbers.rename(columns={"x": "<b>x</b>"})
    table["word"] = table["word"].replace("a", "<script>alert(1)</script>")
    table["y"] = np.where(np.random.default_rng(1).random(len(table)) > 0.5, "<i>yes</i>", "$été$")

    page, _ = page_about(table.assign(status=np.where(table["y"] == "$été$", 7, 3)))

    assert "<script" not in page and "<b>" not in page and "<i>" not in page
    assert "&lt;i&gt;yes&lt;/i&gt;" in page
    assert "Found in the data: column &#39;status&#39; is &#39;y&#39; in another coding" in page
