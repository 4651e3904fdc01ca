import numpy as np
import pandas as pd


def test_suspicion_holds_its_columns_its_figures_and_its_cure(table, suspect):
    (found,) = suspect(table.assign(status=np.where(table["answer"] == "yes", 2, 1)))

    assert (found.kind, found.columns) == ("answer", ("status",))
    assert found.figures["score"] == 1
    assert "is 'answer' in another coding" in found.sentence
    gaps = table.assign(status=pd.Series(np.where(table["answer"] == "yes", 2, 1)).where(table.index % 10 < 4))
    assert not any("in another coding" in one.sentence for one in suspect(gaps)), "filled in 40 % of the rows"
    assert 'role = "ignored" in references/data_dictionary.toml' in str(found)
