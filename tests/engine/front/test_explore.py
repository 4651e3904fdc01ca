import json
from dataclasses import replace

import numpy as np
import pandas as pd

from data_science_project import explore, pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import settings


def page_of(project):
    pipeline.make(project, "data")
    explore.run(project)
    return (project.root / "reports" / "exploration.html").read_text(encoding="utf-8")


def test_exploration_is_one_page_of_suspicions_and_every_column_and_needs_no_network(project):
    text = project.dictionary.read_text(encoding="utf-8")
    project.dictionary.write_text(text.replace('description = ""', 'description = "in kg, weighed at noon"', 1))
    written = json.loads(project.suspicions.read_text(encoding="utf-8"))["suspicions"]

    page = page_of(project)

    above = page[: page.index("The columns</h2>")].replace("&#39;", "'").replace("&#34;", '"')
    assert written and all(found["sentence"] in above and found["cure"] in above for found in written)
    assert "120 rows, target answer" in page and "in kg, weighed at noon" in page
    assert all(name in page for name in ("amount", "colour", "shop", "day", "note", "answer"))
    assert not [tag for tag in ('src="http', "src='http", 'rel="stylesheet" href="http') if tag in page]


def test_exploration_opens_with_the_target_by_column_and_links_to_the_evaluations(evaluated, exploration):
    places = [exploration.index(text) for text in ("answer by column", "data:image/png", "What looks suspicious")]

    assert places == sorted(places) and f'href="{evaluated[2]["run"]}/evaluation.html"' in exploration


def test_years_whole_numbers_with_gaps_far_dates_and_lists_are_shown_as_what_they_are(make_project, made_table):
    table = made_table.assign(built=range(1880, 2000), weight=range(21_000, 21_120))
    table["tools"] = ["saw; axe", "axe", "saw; axe; drill", "drill; saw", "drill", "saw"] * 20
    table["arrival"] = pd.Series([None, 1011, 1254, 2359, 1503, 947] * 20, dtype="Int64")
    table["until"] = ["2024-05-01", "9999-12-31"] * 60

    page = page_of(make_project(table))

    assert "1880" in page and "1,880" not in page and "21,000" in page
    assert "tools holds several items in a cell, in so many rows each: saw 80, axe 60, drill 60" in page
    assert "1,254" in page and "1.25e+03" not in page
    assert "until has dates that no axis holds, like 9999-12-31: shown as words, without a histogram" in page


def test_target_by_column_is_shares_or_means_in_parts_of_many_rows_the_strongest_first(made_table, project):
    columns = dictionary.of(project)
    table = made_table.assign(colour=np.where(np.arange(120) % 2, "red", "blue"))
    table["answer"] = np.where(table["colour"] == "red", "yes", "no")
    table.loc[:2, "colour"] = "rare"

    columns |= {"colour": replace(columns["colour"], values=("red", "rare", "blue"))}

    found = explore.by_column(table, columns, settings.Train())
    turned = explore.by_column(table, columns, settings.Train(positive="no"))

    assert list(found)[0] == "colour" and "note" not in found
    assert found["colour"].to_dict("list") == {"value": ["red", "blue"], "no": [0.0, 1.0], "yes": [1.0, 0.0]}
    assert list(turned["colour"]) == ["value", "yes", "no"]  # the positive class is the last, as everywhere
    assert len(found["amount"]) == 10 and found["amount"]["value"].is_monotonic_increasing


def test_frequent_values_are_drawn_and_the_others_as_one_and_items_of_lists_and_classes_in_their_order(
    make_project, made_table
):
    words, random = [f"word {row % 13}" for row in range(600)], np.random.default_rng(0)
    tools = ["saw; axe", "axe", "saw; axe; drill", "drill; saw", "drill", "saw"] * 100
    table = made_table.sample(600, replace=True, random_state=0).assign(colour=words, tools=tools, order=range(600))
    about = {"source": "table.csv", "target": "grade"}
    project = make_project(table.assign(grade=random.integers(1, 4, 600)), data=about)
    pipeline.make(project, "data")
    columns, clean = dictionary.of(project), pd.read_parquet(project.clean)

    found = explore.by_column(clean, columns, settings.Train(task="classification"))

    assert found["colour"]["value"].tolist()[-1] == "3 others" and len(found["colour"]) == 11
    assert {"tools: saw", "tools: axe", "tools: drill"} & {*found} and "tools" not in found
    assert all(list(drawn) == ["value", "1", "2", "3"] for drawn in found.values())


def test_markup_in_a_name_is_not_obeyed_and_a_table_that_cannot_be_divided_is_shown(make_project, made_table):
    told = made_table["answer"].map({"yes": 3, "no": 7})
    made_table.loc[:3, "answer"] = ["perhaps", "perhaps", "maybe", "maybe"]
    project = make_project(made_table.assign(**{"<b>told</b>": told}))

    page = page_of(project)

    assert "&lt;b&gt;told&lt;/b&gt;" in page and "<b>told" not in page
    assert "cannot be divided" in page and "perhaps&#39; (2)" in page
