"""How well unclean tables are read: ours beside DuckDB and pandas, by the ten scores of the Pollock benchmark.

    .venv/bin/python benchmarks/reading.py FOLDER [--each]

`FOLDER` holds files and, under the same names in `FOLDER/clean`, what a reader should make of each as plain CSV with a
header. Every reader gets the file with no option set. The scores (Vitagliano et al., "Pollock: A Data Loading
Benchmark", VLDB 2023), 0 to 1 each and added up: read at all; then precision, recall and their harmonic mean for the
names of the columns, the rows and the cells, each as a bag. A number counts as equal however it is written (1.0, 1).
`silent` counts the files of which a reader makes other cells than the clean version and says nothing of it (only ours
says anything). Needs pandas, pyarrow and duckdb besides what a project installs.
"""

import argparse
import csv
import importlib
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
Rows = list[list[str]]
MEASURES = ("read", *(f"{what} {how}" for what in ("names", "rows", "cells") for how in ("p", "r", "f1")))


def plain(cell: object) -> str:
    """One cell as it is compared: without blanks around it, numbers in one spelling."""
    text = "" if cell is None else str(cell).strip()
    try:
        return repr(float(text)) if text.lower() not in ("nan", "inf", "infinity") else ""
    except ValueError:
        return text


def overlap(expected: list, found: list) -> tuple[float, float, float]:
    """Precision, recall and their harmonic mean of two bags."""
    if not expected:
        return 1.0, 1.0, 1.0
    both = sum((Counter(expected) & Counter(found)).values())
    if not both:
        return 0.0, 0.0, 0.0
    precision, recall = both / len(found), both / len(expected)
    return precision, recall, 2 * precision * recall / (precision + recall)


def scores(expected: Rows, found: Rows) -> tuple[float, ...]:
    """The ten scores of a table; the first row of both holds the names."""
    wanted, got = ([tuple(map(plain, row)) for row in rows] for rows in (expected, found))
    cells = [[cell for row in rows[1:] for cell in row] for rows in (wanted, got)]
    names = [list(rows[0]) if rows else [] for rows in (wanted, got)]
    return 1.0, *overlap(*names), *overlap(wanted[1:], got[1:]), *overlap(*cells)


def ours(folder: Path) -> Callable[[Path], tuple[Rows, bool]]:
    """The reader of the template."""
    (package,) = (TEMPLATE / "{{cookiecutter.repo_name}}" / "src").iterdir()
    (folder / "project").symlink_to(package)
    sys.path.insert(0, str(folder))
    read = importlib.import_module("project.engine.sources.read")

    def rows(path: Path) -> tuple[Rows, bool]:
        table = read.tables([path])
        frame = table.frame.astype(object).where(table.frame.notna(), None)
        return [list(frame.columns), *frame.to_numpy().tolist()], bool(table.decisions)

    return rows


def with_pandas(path: Path) -> tuple[Rows, bool]:
    """`read_csv` as it comes."""
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return [list(frame.columns), *frame.to_numpy().tolist()], False


def with_duckdb(path: Path) -> tuple[Rows, bool]:
    """`read_csv`, lenient: what does not fit is left out, short lines are filled."""
    import duckdb

    found = duckdb.read_csv(
        str(path), all_varchar=True, strict_mode=False, ignore_errors=True, null_padding=True, sample_size=-1
    )
    return [found.columns, *map(list, found.fetchall())], False


def main() -> None:
    """Read every file with every reader and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", action="store_true", help="also print a line for each file")
    options = parser.parse_args()
    csv.field_size_limit(2**31 - 1)
    with tempfile.TemporaryDirectory() as folder:
        readers = {"ours": ours(Path(folder)), "DuckDB": with_duckdb, "pandas": with_pandas}
        results: dict[str, list[tuple[float, ...]]] = {name: [] for name in readers}
        silent = Counter[str]()
        for path in sorted(
            path for path in options.folder.iterdir() if (options.folder / "clean" / path.name).is_file()
        ):
            with (options.folder / "clean" / path.name).open(newline="", encoding="utf-8") as file:
                expected = list(csv.reader(file))
            line = []
            for name, reader in readers.items():
                reason = ""
                try:
                    found, said = reader(path)
                    score = scores(expected, found)
                    silent[name] += score[-1] < 1 and not said
                except Exception as error:  # whatever a reader raises is a file not read
                    score, reason = (0.0,) * len(MEASURES), str(error).split("\n")[0]
                results[name].append(score)
                line.append(f"{sum(score):5.2f}" + (f" ({reason[-90:]})" if reason and name == "ours" else ""))
            if options.each:
                print(path.name[:50].ljust(50), *line)
    print("| reader | score of 10 |", " | ".join(MEASURES), "| silent |")
    print("|---" * (len(MEASURES) + 3) + "|")
    for name, found in results.items():
        means = [f"{statistics.mean(column):.3f}" for column in zip(*found, strict=True)]
        total = statistics.mean(map(sum, found))
        print(f"| {name}, {len(found)} files | {total:.2f} |", " | ".join(means), f"| {silent[name]} |")


if __name__ == "__main__":
    main()
