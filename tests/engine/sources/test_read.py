"""Reading: what people have is read as it is meant, with the decision said, or refused in at most three lines."""

from pathlib import Path

import pytest

from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.sources import read


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(table: read.Table) -> list[list]:
    frame = table.frame.astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as error:
        read.table(path, options)
    message = str(error.value)
    assert message.startswith(str(path))
    assert message.count("\n") < 3
    return message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,x\n2,y\n", "','"),
        ("a;b\n1;x\n2;y\n", "';'"),
        ("a\tb\n1\tx\n2\ty\n", "tab"),
        ("a|b\n1|x\n2|y\n", "'|'"),
        ("  a   b\n  1   x\n  2 \t y\n", "runs of blanks"),
        ('"a","b"\r\n"1","x"\r\n"2","y"\r\n', "','"),
        ("\n\na,b\n\n1,x\n2,y\n   \n", "','"),
        ("a,b\r1,x\r2,y\r", "','"),
    ],
)
def test_separators_are_found_and_said(tmp_path: Path, content: str, said: str) -> None:
    table = read.table(written(tmp_path, content))

    assert list(table.frame.columns) == ["a", "b"]
    assert rows(table) == [["1", "x"], ["2", "y"]]
    assert f"separator {said} " in table.decisions[0]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ""),
        ("utf-8-sig", "byte-order mark"),
        ("utf-16", "byte-order mark"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_are_found_and_said(tmp_path: Path, encoding: str, said: str) -> None:
    table = read.table(written(tmp_path, "name,age\nAndré,1\nZoë,2\n".encode(encoding)))

    assert rows(table) == [["André", "1"], ["Zoë", "2"]]
    assert any(said in decision for decision in table.decisions)


PEOPLE = "name,age\n" + "Smith,1\n" * 50
WESTERN = {
    "French": "Renée,Orléans\nÉTÉ,ÎLE\nœuvre,l’été…\n",
    "German": "Müller,Köln\nGroß,Gießen\n",
    "Spanish": "Peña,¿Qué?\nNºcliente,3ª\n",
    "Portuguese": "João,Conceição\n",
    "Nordic": "Þórður,Næstved\nMäkinen,Århus\n",
    "units": "20 °C,3 m³h\n5 µm,mean±sd\n———,€€€\n",
}
FOREIGN = {
    "cp1251": "Иван,Москва\nПётр,Казань\n",
    "koi8_r": "Иван,Москва\nПётр,Казань\n",
    "cp1253": "Γιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\n",
    "cp1250": "Stanisław,Kraków\nMałgorzata,Gdańsk\n",
    "iso8859_2": "Stanisław,Śląsk\nMałgorzata,Gdańsk\n",
    "gb18030": "王伟,北京\n李娜,上海\n张敏,广州\n",
    "big5": "王偉,台北\n李娜,高雄\n",
    "cp932": "東京,田中\nさくら,カナダ\n",
}


@pytest.mark.parametrize("language", WESTERN)
@pytest.mark.parametrize("others", ["name,age\n", PEOPLE], ids=["alone", "among English"])
def test_western_letters_that_are_not_utf8_are_read_and_one_is_shown(
    tmp_path: Path, language: str, others: str
) -> None:
    text = others + WESTERN[language]

    table = read.table(written(tmp_path, text.encode("cp1252")))

    assert rows(table) == rows(read.table(written(tmp_path, text)))
    (said,) = [decision for decision in table.decisions if decision.startswith("encoding cp1252")]
    first = next(word for word in text.replace(",", " ").split() if not word.isascii())
    assert f"a guess, as in {first!r}" in said


@pytest.mark.parametrize("encoding", FOREIGN)
@pytest.mark.parametrize("others", ["name,age\n", PEOPLE], ids=["alone", "among English"])
def test_letters_that_are_not_western_are_refused_and_the_likely_encodings_named(
    tmp_path: Path, encoding: str, others: str
) -> None:
    text = others + FOREIGN[encoding]

    path = written(tmp_path, text.encode(encoding))

    message = refusal(path)

    assert f"{encoding!r} ({FOREIGN[encoding].partition(',')[0]})" in message
    assert "Set encoding in [data.read]" in message
    assert rows(read.table(path, {"encoding": encoding})) == [line.split(",") for line in text.splitlines()[1:]]


def test_a_wrong_byte_in_utf8_is_refused_not_guessed(tmp_path: Path) -> None:
    message = refusal(written(tmp_path, "name\nAndré\nZoë\n".encode() + b"\xe9\n"))

    assert "line 4" in message


def test_only_empty_cells_are_missing(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, 'a,b,c\nNA,?,-999\n,unknown,""\n'))

    assert rows(table) == [["NA", "?", "-999"], [None, "unknown", None]]


def test_cells_stay_text_as_they_stand(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, "id,amount\n007, 1.50\n9007199254740993,inf\n"))

    assert rows(table) == [["007", " 1.50"], ["9007199254740993", "inf"]]
    assert set(map(str, table.frame.dtypes)) == {"str"}


def test_decimal_commas_between_semicolons_are_kept(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, "a;b;c\n1,5;2,5;x\n3,5;4,5;y\n"))

    assert rows(table) == [["1,5", "2,5", "x"], ["3,5", "4,5", "y"]]


def test_unquoted_decimal_commas_are_refused_with_line_and_counts(tmp_path: Path) -> None:
    message = refusal(written(tmp_path, "a,b,c\n1,2,3\n1,5,2,5,3\n1,2,3\n"))

    assert "line 3 has 5 fields, the first line 3" in message


@pytest.mark.parametrize(
    "content", ["a,b,c\n1;2;3\n4;5;6\n", "a,b\n1,2\n3\n", "a,b\nx,1,2\ny,3,4\n", "title\na,b\n1,2\n"]
)
def test_ragged_lines_are_refused(tmp_path: Path, content: str) -> None:
    assert "differ" in refusal(written(tmp_path, content))


def test_quoted_line_breaks_and_separators_belong_to_the_cell(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, 'a,b\n1,"x\ny, ""z"""\n2,q\n'))

    assert rows(table) == [["1", 'x\ny, "z"'], ["2", "q"]]


def test_a_blank_before_a_quote_mark_is_left_out(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, 'a, b\n1, "x, y"\n2, "z"\n'))

    assert rows(table) == [["1", "x, y"], ["2", "z"]]


def test_unbalanced_quote_marks_in_tabbed_text_swallow_no_rows(tmp_path: Path) -> None:
    lines = ['ham\t"hello', "spam\tcall now", 'ham\t"Speak" only', 'ham\tbye"', "spam\twin"]

    table = read.table(written(tmp_path, "\n".join(lines), "sms.tsv"))

    assert rows(table) == [line.split("\t") for line in lines]
    assert list(table.frame.columns) == ["column_1", "column_2"]
    assert any("quote marks are part of the text" in decision for decision in table.decisions)
    assert table.first_row == 1


@pytest.mark.parametrize(
    "content",
    [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n",
        "p,x\ne,x\np,y\ne,x\ne,y\np,y\n",
        "1,2\n3,4\n",
        "?,0\n1,1\n2,0\n",
    ],
)
def test_a_first_row_of_values_is_no_header(tmp_path: Path, content: str) -> None:
    table = read.table(written(tmp_path, content))

    assert len(table.frame) == len(content.splitlines())
    assert any("no header row" in decision for decision in table.decisions)


@pytest.mark.parametrize(
    "content", ["country,2019,2020\nDE,1,2\nFR,3,4\n", "name,city\nAnn,Oslo\nBob,Rome\n", "0,1\n5.1,3.5\n4.9,3\n"]
)
def test_a_first_row_of_names_is_a_header(tmp_path: Path, content: str) -> None:
    table = read.table(written(tmp_path, content))

    assert list(table.frame.columns) == content.splitlines()[0].split(",")
    assert table.first_row == 2


@pytest.mark.parametrize(
    ("content", "first_row"), [("a,b\n1,2\na,b\n3,4\n", 2), ("a,b\na,b\n1,2\n3,4\n", 3), ("a,b\nkg,cm\n1,2\n3,4\n", 3)]
)
def test_a_stray_second_header_is_dropped_and_said(tmp_path: Path, content: str, first_row: int) -> None:
    table = read.table(written(tmp_path, content))

    assert rows(table) == [["1", "2"], ["3", "4"]]
    assert any("header" in decision for decision in table.decisions)
    assert table.first_row == first_row


def test_a_first_row_of_missing_markers_is_kept(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, "a,b,c\nx,unknown,?\ny,1,2\nz,3,4\n"))

    assert len(table.frame) == 3


def test_empty_columns_at_the_end_are_dropped_and_said(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, "a,b,,\n1,2,,\n3,4,,\n"))

    assert list(table.frame.columns) == ["a", "b"]
    assert any("2 empty columns" in decision for decision in table.decisions)


def test_one_column_without_a_name_gets_one(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, ",a\n0,x\n1,y\n"))

    assert list(table.frame.columns) == ["column_1", "a"]


def test_names_keep_all_but_the_blanks_around_them(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, 'a b, c/d ,"e""f",[g],h.i,ñ,A B\n1,2,3,4,5,6,7\n'))

    assert list(table.frame.columns) == ["a b", "c/d", 'e"f', "[g]", "h.i", "ñ", "A B"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "empty"),
        ("\n  \n", "empty"),
        ("a,b\n", "no rows"),
        ("a,b,a\n1,2,3\n", "'a'"),
        ("a,,\n1,2,3\n", "2, 3"),
        ("<!DOCTYPE html><p>sign in</p>", "web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"a,b\n1,\0\n", "line 2 holds a NUL byte"),
        (bytes(range(1, 32)) * 9, "binary"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: str | bytes, named: str) -> None:
    assert named in refusal(written(tmp_path, content))


def test_one_column_is_allowed_where_no_separator_fits(tmp_path: Path) -> None:
    table = read.table(written(tmp_path, "text\nhello, you\nfine\nso, la, la\n"))

    assert rows(table) == [["hello, you"], ["fine"], ["so, la, la"]]


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    lines = [",".join(f"c{place}" for place in range(10_000)), ",".join(["1"] * 10_000)]

    assert read.table(written(tmp_path, "\n".join(lines))).frame.shape == (1, 10_000)


def test_files_of_a_glob_are_joined_by_name(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a,b\n1,2\n", "one.csv"), written(tmp_path, "b;a\n4;3\n", "two.csv")]

    table = read.tables(paths)

    assert rows(table) == [["1", "2"], ["3", "4"]]
    assert "2 files, rows: one.csv 1, two.csv 1" in table.decisions


def test_files_of_a_glob_with_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a,b\n1,2\n", "one.csv"), written(tmp_path, "a,c\n1,2\n", "two.csv")]

    with pytest.raises(DataError, match="two.csv: its columns differ .* b, c"):
        read.tables(paths)


def test_options_overrule_what_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, "1,'x,y'\n2,'z'\n")

    table = read.table(path, {"quote": "'", "header": False, "separator": ","})

    assert rows(table) == [["1", "x,y"], ["2", "z"]]


def test_option_of_another_type_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing = '\?' has the wrong type(.|\n)*Example: \[\"\?\""):
        read.table(written(tmp_path, "a,b\n1,2\n"), {"missing": "?"})


@pytest.mark.parametrize("options", [{"sep": ";"}, {"header": "no"}, {"separator": ";;"}, {"encoding": "klingon"}])
def test_wrong_options_are_refused_by_name(tmp_path: Path, options: dict) -> None:
    with pytest.raises(SettingsError, match=rf"\[data.read\].*{next(iter(options))}"):
        read.table(written(tmp_path, "a,b\n1,2\n"), options)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.csv")
