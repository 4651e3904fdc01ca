from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from data_science_project.engine.project import schema, settings
from data_science_project.engine.project.errors import SettingsError


@dataclass(frozen=True)
class Inner:
    size: float = 1.0


@dataclass(frozen=True)
class Outer:
    name: str
    kind: Literal["a", "b"] = "a"
    pair: tuple[float, float] | None = None
    words: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    inner: Inner = Inner()
    number: int = field(default=1, metadata=schema.bounds(least=0, below=10))
    share: float = field(default=0.5, metadata=schema.bounds(above=0, most=1))


@pytest.mark.parametrize("line", ["<<<<<<< HEAD", ">>>>>>> colour"])
def test_mark_of_a_merge_conflict_is_named_with_its_line_and_is_none_within_a_text(tmp_path, line):
    file = tmp_path / "file.toml"
    file.write_text(f"[train]\n{line}\nseed = 1\n")
    within = tmp_path / "within.toml"
    within.write_text(f'note = """\n{line}\n"""\n')

    with pytest.raises(ValueError, match=f"line 2 is git's mark of a merge conflict, '{line}'"):
        schema.load(file)

    assert schema.load(within) == {"note": f"{line}\n"}


def read(**table):
    return schema.convert({"name": "x", **table}, Outer, "file: [outer]")


def test_values_come_out_as_the_types_say_and_bounds_let_their_edges_in():
    found = read(pair=[1, 2.5], words=["p", "q"], inner={"size": 3}, extra={"any": 1})

    assert found == Outer("x", pair=(1.0, 2.5), words=("p", "q"), inner=Inner(3.0), extra={"any": 1})
    assert isinstance(found.pair[0], float) and isinstance(found.inner.size, float)
    assert all(read(**table) for table in ({"number": 0}, {"number": 9}, {"share": 1}, {"share": 0.001}))


def test_key_without_a_default_is_required():
    with pytest.raises(SettingsError, match="'name' is missing"):
        schema.convert({}, Outer, "file: [outer]")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"nmae": 1}, ["unknown key 'nmae'", "name"]),
        ({"name": 1}, ["[outer] name", "text"]),
        ({"kind": "c"}, ["'c'", "'a', 'b'"]),
        ({"pair": [1]}, ["list of 2 values"]),
        ({"pair": ["low", "high"]}, ["'low'", "number"]),
        ({"words": "p"}, ["list"]),
        ({"inner": 3}, ["not a table"]),
        ({"inner": {"size": "big"}}, ["inner size", "number"]),
        ({"number": 10}, ["10", "least 0", "below 10"]),
        ({"number": -1}, ["-1"]),
        ({"number": True}, ["whole number"]),
        ({"share": 0}, ["above 0", "most 1"]),
        ({"share": 1.01}, ["1.01"]),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(table, words):
    with pytest.raises(SettingsError) as caught:
        read(**table)

    assert "file: [outer]" in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    "value", ['it\'s "odd"', "C:\\new\nline", "größer", "\x7f", "", 1, 0.5, True, ["a'b", 'c"d'], {"a b": ["?"]}]
)
def test_value_that_was_set_is_set_again_as_it_is_written(value):
    written = schema.toml(value)

    assert settings.parse_override(f"data.read={written}") == ("data.read", value)
