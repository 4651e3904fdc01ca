import pytest


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
def test_separators_are_found_and_said(table, rows, content, said):
    found = table(content)

    assert list(found.frame.columns) == ["a", "b"] and rows(found) == [["1", "x"], ["2", "y"]]
    assert f"separator {said} " in found.decisions[0]


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
def test_encodings_are_found_and_said(table, rows, encoding, said):
    found = table("name,age\nAndré,1\nZoë,2\n".encode(encoding))

    assert rows(found) == [["André", "1"], ["Zoë", "2"]]
    assert any(said in decision for decision in found.decisions)


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
OTHERS = pytest.mark.parametrize("others", ["name,age\n", PEOPLE], ids=["alone", "among English"])


@OTHERS
@pytest.mark.parametrize("language", WESTERN)
def test_western_letters_that_are_not_utf8_are_read_and_one_is_shown(table, rows, language, others):
    text = others + WESTERN[language]

    found = table(text.encode("cp1252"))

    assert rows(found) == rows(table(text))
    (said,) = [decision for decision in found.decisions if decision.startswith("encoding cp1252")]
    first = next(word for word in text.replace(",", " ").split() if not word.isascii())
    assert f"a guess, as in {first!r}" in said


@OTHERS
@pytest.mark.parametrize("encoding", FOREIGN)
def test_other_letters_than_western_are_refused_with_likely_encodings(refusal, table, rows, encoding, others):
    text = others + FOREIGN[encoding]

    message = refusal(text.encode(encoding))

    assert f"{encoding!r} ({FOREIGN[encoding].partition(',')[0]})" in message
    assert "Set encoding in [data.read]" in message
    read = rows(table(text.encode(encoding), encoding=encoding))
    assert read == [line.split(",") for line in text.splitlines()[1:]]


AS_MEANT = {
    "only empty cells are missing": ('a,b\nNA,-999\n,""\n?,x\n', [["NA", "-999"], [None, None], ["?", "x"]]),
    "cells stay text": ("a,b\n007, 1.50\n9007199254740993,inf\n", [["007", " 1.50"], ["9007199254740993", "inf"]]),
    "decimal commas between semicolons": ("a;b;c\n1,5;2,5;x\n3;4;y\n", [["1,5", "2,5", "x"], ["3", "4", "y"]]),
    "quoted line breaks and separators": ('a,b\n1,"x\ny, ""z"""\n2,q\n', [["1", 'x\ny, "z"'], ["2", "q"]]),
    "a blank before a quote mark": ('a, b\n1, "x, y"\n2, "z"\n', [["1", "x, y"], ["2", "z"]]),
    "one column where no separator fits": (
        "text\nhi, you\nfine\nso, la, la\n",
        [["hi, you"], ["fine"], ["so, la, la"]],
    ),
}


@pytest.mark.parametrize("case", AS_MEANT)
def test_cells_are_read_as_they_stand(table, rows, case):
    content, expected = AS_MEANT[case]

    found = table(content)

    assert rows(found) == expected
    assert set(map(str, found.frame.dtypes)) == {"str"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,c\n1,2,3\n1,5,2,5,3\n1,2,3\n", "line 3 has 5 fields, the first line 3"),
        ("a,b,c\n1;2;3\n4;5;6\n", "differ"),
        ("a,b\n1,2\n3\n", "differ"),
        ("a,b\nx,1,2\ny,3,4\n", "differ"),
        ("title\na,b\n1,2\n", "differ"),
        ("name\nAndré\nZoë\n".encode() + b"\xe9\n", "line 4"),
    ],
    ids=["decimal commas", "other separator", "short line", "long lines", "title", "wrong byte in UTF-8"],
)
def test_ragged_lines_and_wrong_bytes_are_refused_with_their_line(refusal, content, said):
    assert said in refusal(content)


def test_unbalanced_quote_marks_in_tabbed_text_swallow_no_rows(table, rows):
    lines = ['ham\t"hello', "spam\tcall now", 'ham\t"Speak" only', 'ham\tbye"', "spam\twin"]

    found = table("\n".join(lines), "sms.tsv")

    assert rows(found) == [line.split("\t") for line in lines]
    assert list(found.frame.columns) == ["column_1", "column_2"] and found.first_row == 1
    assert any("quote marks are part of the text" in decision for decision in found.decisions)
