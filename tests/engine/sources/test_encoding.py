"""Text of any encoding is read as it is meant, with the guess said, or refused with the likely encodings named."""

import pytest


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ""),
        ("utf-8-sig", "byte-order mark"),
        ("utf-16", "byte-order mark"),
        ("utf-32", "byte-order mark"),
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
def test_letters_that_are_not_western_are_refused_with_the_likely_encodings(refusal, table, rows, encoding, others):
    text = others + FOREIGN[encoding]

    message = refusal(text.encode(encoding))

    assert f"{encoding!r} ({FOREIGN[encoding].partition(',')[0]})" in message
    assert "Set encoding in [data.read]" in message
    read = rows(table(text.encode(encoding), encoding=encoding))
    assert read == [line.split(",") for line in text.splitlines()[1:]]


def test_lines_of_another_encoding_are_read_and_named(table, rows):
    found = table("name,age\nAndré,1\nZoë,2\n".encode() + "Renée,3\n".encode("cp1252"))

    assert rows(found) == [["André", "1"], ["Zoë", "2"], ["Renée", "3"]]
    (said,) = [decision for decision in found.decisions if "two encodings" in decision]
    assert "1 line not UTF-8" in said and "(line 4)" in said and "'Renée'" in said


@pytest.mark.parametrize(
    ("text", "cells", "said"),
    [
        ("\ufeffa,b\n1,x\n2,y\n\ufeffa,b\n3,z\n4,w\n", ["1", "2", "3", "4"], True),
        ("a,b\nx\ufeffy,1\nz,2\n", ["x\ufeffy", "z"], False),
    ],
)
def test_byte_order_mark_that_begins_a_line_is_left_out_and_said_and_one_in_a_cell_stays(table, text, cells, said):
    found = table(text)

    assert list(found.frame["a"]) == cells
    assert ("byte-order marks within the text left out: 1" in found.decisions) == said


def test_odd_nul_bytes_are_left_out_and_counted(table, rows):
    lines = "".join(f"{number},word\n" for number in range(60))

    found = table(f'id,size\n{lines}60,"a \0"b\0" c"\n')

    assert rows(found)[60] == ["60", 'a "b" c']
    assert "NUL bytes left out: 2, the first in line 62" in found.decisions
