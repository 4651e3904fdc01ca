import pytest

from data_science_project.engine.sources import first_line


@pytest.mark.parametrize(
    "content", ["age,city,paid\n1,Bonn,yes\n", "\ufeffage;city;paid\n1;Bonn;yes\n", "age\tcity\tpaid\n1\tBonn\tyes\n"]
)
def test_target_that_the_first_line_does_not_name_is_found_with_what_is_there(written, content):
    path = written(content)

    assert first_line.names_without(path, "paid") == []
    assert first_line.names_without(path, "payed") == ["age", "city", "paid"]


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "column_3"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "species"),
        ("p,x,s\ne,x,y\n", "1"),
        ("p,x,s\ne,x,y\n", "column_1"),
        ("Sales of 2026\n\nage,city,paid\n1,Bonn,yes\n", "paid"),
        ("age,city\nof both,,paid\n1,Bonn,yes\n", "paid"),
        ('"age","the ""paid"" one"\n1,2\n', 'the "paid" one'),
        ('[{"age": 1, "paid": "yes"}]', "payed"),
        ("% Date: Tue, 15 Nov\n%\n@relation labor\n@attribute paid {yes,no}\n@data\nyes\n", "paid"),
        (b"PAR1\x00\x01", "paid"),
        ("age,paid\n".encode("utf-16"), "payed"),
        ("Tarif;Gek\u00fcndigt\nA;ja\n".encode("cp1252"), "Gek\u00fcndigt"),
        ("", "paid"),
    ],
)
def test_target_is_not_doubted_where_the_names_may_stand_elsewhere_or_are_no_text(written, content, target):
    assert first_line.names_without(written(content), target) == []


def test_known_name_that_two_mean_or_that_a_tuple_means_is_nobody_s():
    known = ["\u00c5", "b"]

    assert first_line.in_other_letters(["A\u030a", "b"], known) == {"A\u030a": "\u00c5"}
    assert first_line.in_other_letters(["A\u030a", "\u212b"], known) == {}
    assert first_line.in_other_letters([("A\u030a", "b"), 5], known) == {}


def test_nearest_name_is_found_whatever_its_case_and_blanks():
    assert first_line.nearest("Answer ", ["order", "answer"]) == "answer"
    assert first_line.nearest("price", ["order", "answer"]) == ""
    assert first_line.nearest("mag", ["id", "properties.magType", "properties.mag", "geometry"]) == "properties.mag"
