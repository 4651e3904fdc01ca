"""Makes lines fit that do not: what the rows of a table look like, and how an odd one can become like them.

A line is mended where that leaves no doubt: its cells then are of the kinds (number, date, word) that stand in their
columns.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..project.errors import DataError, counted
from .dialect import FITS, NAMES, NUMBER, Dialect, field_counts

DATE = re.compile(r"\s*\d+[:/.-]\d.*")
YEAR = re.compile(r"(19|20)\d\d")
COMMON = 0.02  # a kind of cell with a smaller share of a column is a slip there
TITLES = 50  # rows at most that are looked at above a table
LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class Shape:
    """What rows look like: how many cells, the place of the names, the kinds of cells, and which column has no name."""

    width: int
    start: int
    kinds: tuple[frozenset[str], ...]
    unnamed: int | None
    names: frozenset[str]
    several: bool = False  # whether cells that go over lines are usual

    def heads_another(self, cells: Sequence[str]) -> bool:
        """Tell whether a row holds the names of another table: most of them, but more or fewer."""
        return len(cells) != self.width and 2 * len(self.names & {*cells}) > max(len(self.names), 3)

    def fits(self, row: Sequence[str]) -> bool:
        """Tell whether the cells of a row are of the kinds that stand in their columns."""
        return all(kind(cell) in known for cell, known in zip(row, self.kinds, strict=True))

    def is_open(self, cells: Sequence[str], block: Sequence[str], dialect: Dialect) -> bool:
        """Tell whether a quote mark was left open in a row over several lines: other cells, or its lines are rows.

        `1,2,"a`, `3,4,b` and `5,6,c"` are such a row of three cells: each of its lines would be a row. Where no mark is
        out of place, as here, numbers or dates in a column without words, of three or more, have to show it, in more
        than two lines, of a file in which such rows are slips.
        """
        doubted, clear = not field_counts(block, dialect), self.width > 2 < len(block) and not self.several
        telling = [at for at, known in enumerate(self.kinds) if doubted or (clear and "word" not in known)]
        lines = [line.split(dialect.separator) for line in LINE_END.split(dialect.separator.join(cells))]
        full = [row for row in lines if len(row) == self.width > 1 and self.fits(row)]
        shown = sum(any(row[at].strip() for at in telling) for row in full)
        return len(cells) != self.width or shown >= FITS * len(lines)


def slips(n_rows: int) -> int:
    """Return how many of so many rows may be what a slip makes of them: more are meant so."""
    return max(int(COMMON * n_rows), 2)


def kind(cell: str) -> str:
    """Return what a cell looks like: "", "number", "date" or "word"."""
    if not cell.strip():
        return ""
    if NUMBER.fullmatch(cell):
        return "number"
    return "date" if DATE.fullmatch(cell) else "word"


def shape_of(rows: list[list[str]], target: str) -> Shape:
    """Tell what rows look like. A `DataError` where they have more cells than names, as `_check_names` has it."""
    filled = [(place, row) for place, row in enumerate(rows) if any(row)]
    counts = Counter(len(row) for _, row in filled if len(row) > 1) or Counter({1: 1})
    usual = counts.most_common(1)[0][0]
    start = _names_at(filled, usual, target)
    names, above = rows[start] if rows else [], rows[start - 1] if start else []
    body = [row for place, row in filled if place > start]
    width = _width_of(names, body, usual)
    columns = [list(column) for column in zip(*(row for row in body if len(row) == width), strict=True)]
    kinds = tuple(map(_kinds, columns or [[]] * width))
    shape = Shape(width, start, kinds, _unnamed_column(columns), frozenset(filter(None, names)))
    if len(above) == 1 < width and any(len(row) == width for _, row in _ways(above[0], Dialect("\0", '"'))):
        return replace(shape, start=start - 1)  # the names, separated by another mark
    _check_names(names if len(names) < width else above, names, shape)
    return shape


def _width_of(names: list[str], body: list[list[str]], usual: int) -> int:
    """Tell how many cells a row should have: the `usual` number, or as many as there are names."""
    if len(names) == usual - 1:  # the others may have one too many, or a label
        meant = sum(len(row) == len(names) for row in body) > COMMON * len(body)
    else:
        meant = len(names) > usual and sum(len(row) > len(names) for row in body) <= COMMON * len(body)
    return len(names) if meant else usual


def _unnamed_column(columns: list[list[str]]) -> int | None:
    """Tell which column may have no name: the last one where it is empty, or the first, of labels of the rows."""
    if columns and not any(columns[-1]):  # a separator at every end
        return len(columns) - 1
    return 0 if columns and len(set(columns[0])) == len(columns[0]) else None


def _check_names(above: list[str], first: list[str], shape: Shape) -> None:
    """Refuse a table whose rows have more cells than names: decimal commas would shift every column in silence."""
    lacking = shape.width - len(above)
    words = all(map(str.strip, above)) and not any(kind(cell) != "word" for cell in above)
    if words and len(above) > shape.width / 2 and (lacking > 1 or (lacking == 1 and shape.unnamed is None)):
        if above is first or (shape.fits(first) and "number" in map(kind, first)):
            found = f"{len(above)} names ({', '.join(above)[:60]}), but {shape.width} cells in most lines"
            cure = "A cell with the separator in it (decimal comma?) needs quotes; or name every column"
            raise DataError(f"{found}, as in {', '.join(first)[:60]!r}.\n{cure}, or set separator in [data.read].")


def _names_at(filled: list[tuple[int, list[str]]], width: int, target: str) -> int:
    """Return the place of the first row that can hold the names: that with the target, or a long and full one."""
    if (named := row_with([row for _, row in filled[:TITLES]], target)) is not None:
        return filled[named][0]
    least = max(min(width, 2), width / 2)
    full = (place for place, row in filled if len(row) >= width - 1 and sum(map(bool, row)) >= least)
    return next(full, filled[0][0] if filled else 0)


def row_with(rows: Sequence[Sequence[str]], target: str) -> int | None:
    """Return the place of the first row that names the target: the first of all, or one without a number but years."""
    wanted = target.strip().casefold()
    for place, row in enumerate(rows) if wanted else ():
        if wanted in [cell.strip().casefold() for cell in row]:
            if not place or not any(NUMBER.fullmatch(cell) and not YEAR.fullmatch(cell) for cell in row):
                return place
    return None


def _kinds(column: list[str]) -> frozenset[str]:
    counts = Counter(map(kind, column))
    present = sum(counts.values()) - counts[""]
    common = {name for name, count in counts.items() if count >= max(COMMON * present, 1)}
    return frozenset(common | {""} if present >= 5 else {"", "number", "date", "word"})


def mended(cells: list[str], text: str, dialect: Dialect, shape: Shape, number: int) -> tuple[list[str] | None, str]:
    """Return a row of the right width and how it came about; or None, and why not."""
    if len(cells) == shape.width and (dialect.clean or field_counts(text.splitlines(keepends=True), dialect)):
        return cells, ""
    if not any(cells):
        return [""] * shape.width, ""
    lacking = shape.width - len(cells)
    padded = [*cells, *[""] * lacking]
    if number < shape.start:
        return [*padded[: shape.width - 1], dialect.separator.join(padded[shape.width - 1 :])], ""
    for how, other in _ways(text, dialect):
        if len(other) == shape.width and (number == shape.start or shape.fits(other)):
            return other, how
    if number == shape.start and lacking == 1 and shape.unnamed is not None:
        which = "the last one, which is empty, has none"
        if not shape.unnamed:
            which = f"the first one, of labels, has none, {cells[0]!r} names the second"
        said = f"one name less than there are columns: {which}"
        return [*cells[: shape.unnamed], "", *cells[shape.unnamed :]], said
    if number > shape.start and lacking > 0 and len(cells) > 1 and shape.fits(padded):
        return padded, "too few cells, the last ones taken as missing"
    if number > shape.start and lacking < 0 and (row := _without_empty(cells, shape)):
        return row, "surplus empty cells left out"
    return None, f"{counted(len(cells), 'cell')} in place of {shape.width}" if lacking else "a quote mark out of place"


def _ways(text: str, dialect: Dialect) -> Iterator[tuple[str, list[str]]]:
    """Yield other ways to split a line, the likely ones first."""
    mark = re.escape(dialect.separator)
    if dialect.quote:
        quote = re.escape(dialect.quote)
        inside = rf"(?:[^{quote}]|{quote}{quote})*"
        found = re.finditer(rf"(?:^|{mark})(?:{quote}({inside}){quote}(?={mark}|$)|([^{mark}]*))", text)
        strictly = [cell[2] if cell[1] is None else cell[1].replace(dialect.quote * 2, dialect.quote) for cell in found]
        for unquoted in (_loosely(text, dialect.separator, dialect.quote), strictly):
            yield "a quote mark within a cell kept as text", unquoted
    if dialect.separator in re.sub(r'"[^"]*"', "", text):
        return
    for separator in NAMES:
        if separator in text:
            cells = next(replace(dialect, separator=separator, quote=dialect.quote or '"').rows([text]), [])
            yield f"separated by {NAMES[separator].replace('runs of ', '')}, unlike the others", cells


def _loosely(text: str, mark: str, quote: str) -> list[str]:
    """Split a line whose quoted cells end at the first quote mark before a separator; with none, the mark is text."""
    pieces = text.split(mark)
    ends, end = [0] * len(pieces), 0  # of a quoted cell that begins with each piece: the place after its last
    for place, piece in reversed([*enumerate(pieces, start=1)]):
        within, closes = "\n" not in piece, piece.endswith(quote)
        ends[place - 1] = within and (place if closes and piece != quote else end)
        end = within and (place if closes else end)
    cells, place = list[str](), 0
    while place < len(pieces):
        after = ends[place] if pieces[place].startswith(quote) else 0
        cells.append(mark.join(pieces[place:after])[1:-1].replace(quote * 2, quote) if after else pieces[place])
        place = after or place + 1
    return cells


def _without_empty(cells: list[str], shape: Shape) -> list[str]:
    """Leave out as many empty cells as there are too many, where one way alone fits; else nothing."""
    if not any(map(str.strip, cells[shape.width :])) and shape.fits(cells[: shape.width]):
        return cells[: shape.width]
    if len(cells) > shape.width + 1:
        return []
    kinds = [kind(cell) for cell in cells]
    before = [found in known for found, known in zip(kinds, shape.kinds, strict=False)]
    after = [found in known for found, known in zip(kinds[1:], shape.kinds, strict=False)]
    first = len(after) - [*reversed(after), False].index(False)
    last = [*before, False].index(False)
    places = [place for place in range(first, last + 1) if not cells[place]]
    one_way = places and not any(cells[places[0] : places[-1]])
    return cells[: places[0]] + cells[places[0] + 1 :] if one_way else []
