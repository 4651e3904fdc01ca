import gzip
import io
import json
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as parquet_format

from data_science_project import pipeline
from data_science_project.engine.project.errors import ProjectError

ROWS = 40


def table(**more):
    """An amount, a colour, an answer, and more columns."""
    random = np.random.default_rng(0)
    amount = random.normal(50, 10, ROWS).round(2)
    answer = np.where(amount > 50, "yes", "no")
    return pd.DataFrame({"amount": amount, "colour": ["red", "blue"] * (ROWS // 2), **more, "answer": answer})


def text(separator=",", **more):
    """The table as CSV."""
    return table(**more).to_csv(index=False, sep=separator)


def parquet(**more):
    """The table as Parquet."""
    content = io.BytesIO()
    table(**more).to_parquet(content)
    return content.getvalue()


def zipped(**files):
    """A zip of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


@pytest.fixture
def read_in(make_project, tmp_path):
    """Run `data` on a file of the given content; the clean table and all that is on record about it."""

    def run(content, name="dirty.csv", **data):
        project = make_project(data={"source": name, "target": "answer", **data})
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        clean = pipeline.make(project, "data")[0]
        record = json.loads(clean.with_name("clean.parquet.json").read_text(encoding="utf-8"))
        dictionary = project.dictionary.read_text(encoding="utf-8")
        decided = dictionary.partition("Decided when it was inferred:")[2].partition("\n\n")[0]
        return pd.read_parquet(clean), "\n".join([*record["decisions"], decided])

    return run


DAYS = pd.date_range("2026-01-01", periods=ROWS)
NUMBERS = np.linspace(9_000, 9_000_000, ROWS).astype(int)
MIXED = [day.strftime(("%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y")[place % 3]) for place, day in enumerate(DAYS)]
ONE_OTHER = ["01.01.2026", *DAYS[1:].strftime("%Y-%m-%d")]
ONE_ZONED = ["2026-01-01T00:00:00Z", *DAYS[1:].strftime("%Y-%m-%d %H:%M:%S")]
CLOCK = [f"{place % 24:02}:{place:02}" for place in range(ROWS)]
BIG = [2**60 + place % 7 for place in range(ROWS)]
YES = ["yes", "N", "TRUE", "0"] * 10
BOTH = ["31/01/2026", "01/31/2026"] * 20


def grouped(mark):
    """Numbers with a thousands mark."""
    return [f"{n:,}".replace(",", mark) for n in NUMBERS]


def two_columns_of_one_name():
    """Parquet that pandas would not write."""
    content = io.BytesIO()
    whole = pa.Table.from_pandas(table(x=NUMBERS).assign(a=1, b=2))
    parquet_format.write_table(
        whole.rename_columns(["a" if name == "b" else name for name in whole.column_names]), content
    )
    return content.getvalue()


WORKS = {
    "three formats of dates": (text(x=MIXED), list(DAYS), "ISO8601 (14 cells), %d.%m.%Y (13 cells), %b %d, %Y (13"),
    "a few dates of another format": (text(x=ONE_OTHER), list(DAYS), "%d.%m.%Y (1 cell)"),
    "zones": (text(x=DAYS.strftime("%Y-%m-%dT00:00:00+02:00")), list(DAYS - pd.Timedelta("2h")), "turned into UTC"),
    "zones of some": (text(x=ONE_ZONED), list(DAYS), "39 without one taken as UTC"),
    "clock times": (text(x=CLOCK), list(pd.to_datetime("1900-01-01 " + pd.Series(CLOCK))), "as %H:%M on 1900-01-01"),
    "thousands blanks": (text(x=grouped(" ")), list(NUMBERS), "' ' read as the thousands"),
    "thousands no-break blanks": (text(x=grouped("\u00a0")), list(NUMBERS), "' ' read as the thousands"),
    "thousands narrow blanks": (text(x=grouped("\u202f")), list(NUMBERS), "' ' read as the thousands"),
    "dates as SAS writes them": (text(x=DAYS.strftime("%d%b%Y").str.upper()), list(DAYS), "dates read as %d%b%Y"),
    "times as SAS writes them": (text(x=DAYS.strftime("%d%b%Y:%H:%M:%S").str.upper()), list(DAYS), "%d%b%Y:%H:%M:%S"),
    "thousands apostrophes": (text(x=grouped("'")), list(NUMBERS), "read as the thousands"),
    "thousands dots": (text(";", x=grouped(".")), list(NUMBERS), "'.' read as the thousands"),
    "dots in doubt": (
        text(";", x=["1.234", "5.678"] * 20),
        [1.234, 5.678] * 20,
        "'.' read as the decimal",
    ),
    "units": (text(x=[f"{n} kg" for n in NUMBERS]), list(NUMBERS), "'kg' left out of the numbers"),
    "codes of a currency": (text(x=[f"EUR {n}" for n in NUMBERS]), list(NUMBERS), "'EUR' left out of the numbers"),
    "four spellings of yes and no": (text(x=YES), [True, False] * 20, "'0', 'N', 'TRUE', 'yes' read as true and false"),
    "a fraction among whole numbers": (text(x=["2.5", *["3"] * 39]), [2.5, *[3.0] * 39], ""),
    "integers beyond 2^53": (text(x=BIG), list(map(str, BIG)), "whole numbers beyond 2^53 kept as category"),
    "native integers beyond 2^53": (parquet(x=BIG), list(map(str, BIG)), "whole numbers beyond 2^53 kept as category"),
    "durations": (parquet(x=pd.to_timedelta(NUMBERS, unit="s")), list(NUMBERS), "a duration, in seconds"),
    "numbers of two units": (text(x=["$1", "5%"] * 20), ["$1", "5%"] * 20, "no one way reads all of them"),
    "dates in both orders": (text(x=BOTH), BOTH, "no one way reads all of them"),
    "comments above the table": ("# by me, today\n# twice\n" + text(x=NUMBERS), list(NUMBERS), "2 that begin with #"),
    "the separator in the first line": ("sep=;\n" + text(";", x=NUMBERS), list(NUMBERS), "the line sep= says so"),
    "a byte-order mark and tabs": ("\ufeff" + text("\t", x=NUMBERS), list(NUMBERS), "byte-order mark"),
    "line ends of three kinds": (text(x=NUMBERS).replace("\n", "\r\n", 9).replace("\r\n", "\r", 3), list(NUMBERS), ""),
    "a line too long": (
        text(x=NUMBERS) + "1,2,3,4,5\n",
        list(NUMBERS),
        "lines set aside in set_aside.csv: 1 (the first",
    ),
    "two names alike": (text(y=1, x=NUMBERS).replace(",y,", ",amount,"), list(NUMBERS), "stand twice: amount"),
    "Parquet with two names alike": (two_columns_of_one_name(), list(NUMBERS), "stand twice: a"),
    "years before 1677": (text(x=[f"{1500 + place}-01-01" for place in range(ROWS)]), None, "dates: x"),
}


REFUSED = {
    "an empty target": (table().assign(answer=None).to_csv(index=False), "'answer' is empty in all 40"),
    "a date to predict": (table().assign(answer=DAYS).to_csv(index=False), "is a date"),
    "the target in other letters": (text().replace("answer", "Answer"), "Did you mean 'Answer'"),
    "the target in one long name": (text().replace(",", "_"), "set separator"),
    "no rows": (text().partition("\n")[0] + "\n", "a header, but no rows"),
    "no header": (text().partition("\n")[2], "set header = true"),
    "a line break in a name": (text().replace("amount", '"amount\nEUR"').replace("answer", "x"), "Found: amount EUR"),
    "lines too long": (text() + "1,2,3,4,5\n1,2,3,4,5\n" + text().partition("\n")[2], "2 of 82 lines do not fit"),
    "bytes of Japanese": ("x,answer\n赤色,yes\n".encode("shift_jis"), "not cp1252 either"),
    "gzip in gzip": (gzip.compress(gzip.compress(text().encode())), "packed twice"),
    "a database": (b"SQLite format 3\0" + bytes(100), "sqlite:///file.db?table=name"),
    "an OpenDocument sheet": (zipped(mimetype="x", content__xml="<x/>"), "OpenDocument"),
    "a pickle": (b"\x80\x05\x95" + bytes(9), "a pickle"),
}


@pytest.mark.parametrize("name", WORKS)
def test_works_and_the_decision_is_on_record(read_in, name):
    content, expected, said = WORKS[name]

    clean, recorded = read_in(content)

    assert len(clean) == ROWS and said in recorded
    assert expected is None or clean["x"].tolist() == expected


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_three_lines_and_leaves_nothing(make_project, tmp_path, name):
    content, said = REFUSED[name]
    project = make_project(data={"source": "dirty.csv", "target": "answer"})
    (tmp_path / "dirty.csv").write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(ProjectError) as caught:
        pipeline.make(project, "data")

    message = str(caught.value)
    assert said in message and len(message.splitlines()) <= 3
    assert not project.clean.exists() and (name == "a date to predict" or not project.dictionary.exists())
    assert "data/raw" not in message  # the source is to be mended, not its copy


def test_member_of_an_archive_and_a_column_of_lists_reach_the_clean_table(read_in):
    records = table(x=NUMBERS).assign(tags=[["a", "b"]] * ROWS, parts=[[{"n": 1}]] * ROWS, by=[{"id": 1}] * ROWS)
    packed = zipped(t__json=records.to_json(orient="records"), other__csv="a,b\n1,2\n")

    clean, recorded = read_in(packed, "dirty.data", source="dirty.data?member=t.json", drop=["parts"])

    assert list(clean.columns) == ["amount", "colour", "x", "answer", "tags", "by.id"]
    assert "members read: t.json" in recorded and "'parts' (40)" in recorded
    assert clean["tags"].unique().tolist() == ["a; b"]


def test_odd_cells_in_a_column_that_is_left_out_stop_nothing(make_project, tmp_path):
    project = make_project(data={"source": "dirty.csv", "target": "answer", "drop": ["x"]})
    (tmp_path / "dirty.csv").write_text(text(x=NUMBERS))
    pipeline.make(project, "data")
    (tmp_path / "dirty.csv").write_text(text(x=["odd", *NUMBERS[1:]]))

    clean = pipeline.make(project, "data", accept=True)[0]

    assert list(pd.read_parquet(clean).columns) == ["amount", "colour", "answer"]


def test_archive_that_unpacks_beyond_the_limit_is_refused(make_project, tmp_path):
    project = make_project(data={"source": "dirty.csv", "target": "answer", "max_gigabytes": 1e-7})
    (tmp_path / "dirty.csv").write_bytes(gzip.compress(text().encode()))

    with pytest.raises(ProjectError, match="max_gigabytes"):
        pipeline.make(project, "data")
