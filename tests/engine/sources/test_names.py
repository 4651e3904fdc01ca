from data_science_project.engine.sources import names


def test_known_name_that_two_mean_or_that_a_tuple_means_is_nobody_s():
    known = ["\u00c5", "b"]

    assert names.in_other_letters(["A\u030a", "b"], known) == {"A\u030a": "\u00c5"}
    assert names.in_other_letters(["A\u030a", "\u212b"], known) == {}
    assert names.in_other_letters([("A\u030a", "b"), 5], known) == {}


def test_nearest_name_is_found_whatever_its_case_and_blanks():
    assert names.nearest("Answer ", ["order", "answer"]) == "answer"
    assert names.nearest("price", ["order", "answer"]) == ""
    assert names.nearest("mag", ["id", "properties.magType", "properties.mag", "geometry"]) == "properties.mag"
