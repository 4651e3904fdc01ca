from data_science_project.engine.project import package
from data_science_project.engine.report import charter

OF_A_PROJECT = package.FOLDER.parents[1] / "docs" / "charter.md"


def test_every_heading_and_question_that_a_card_asks_for_stands_in_the_charter_of_a_new_project():
    said = charter.read(OF_A_PROJECT)

    for places in charter.ASKED.values():
        for heading, questions in places:
            assert set(questions) <= set(said[heading]) and not any(said[heading].values())


def test_answers_are_read_whatever_the_columns_and_paragraphs_but_no_fence_nor_head_of_a_table(tmp_path):
    path = tmp_path / "charter.md"
    path.write_text(
        "# Charter\n\n## The question\n\n| Question | Answer |\n| :-- | --- |\n| Why? | To ship |\n\n"
        "For the shop,\nas agreed.\n\n```{facts}\nnothing\n```\n## Costs\n| Who pays? | hint | We |\n"
        "| When? | hint ||\n| alone |\n"
    )

    said = charter.read(path)

    assert said == {
        "The question": {"Why?": "To ship", "": "For the shop, as agreed."},
        "Costs": {"Who pays?": "We", "When?": ""},
    }
    assert charter.quoted(said, "Intended use")[:2] == [
        ("Why?", "To ship"),
        ("The question", "For the shop, as agreed."),
    ]
    assert ("How success is measured", "") in charter.quoted(said, "Metrics")
    assert charter.read(tmp_path / "gone.md") == {}
