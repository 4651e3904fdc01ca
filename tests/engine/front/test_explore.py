import json

from data_science_project import explore, pipeline


def page_of(project):
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


def test_items_of_lists_are_counted(make_project, made_table):
    tools = ["saw; axe", "axe", "saw; axe; drill", "drill; saw", "drill", "saw"] * 20
    project = make_project(made_table.assign(tools=tools))
    pipeline.make(project, "data")

    page = page_of(project)

    assert "tools holds several items in a cell, in so many rows each: saw 80, axe 60, drill 60" in page


def test_markup_in_a_name_is_not_obeyed_and_a_table_that_cannot_be_divided_is_shown(make_project, made_table):
    told = made_table["answer"].map({"yes": 3, "no": 7})
    made_table.loc[:3, "answer"] = ["perhaps", "perhaps", "maybe", "maybe"]
    project = make_project(made_table.assign(**{"<b>told</b>": told}))
    pipeline.make(project, "data")

    page = page_of(project)

    assert "&lt;b&gt;told&lt;/b&gt;" in page and "<b>told" not in page
    assert "cannot be divided" in page and "perhaps&#39; (2)" in page
