"""What people wrote into `docs/charter.md`, read by its headings, for the model card."""

import re
from itertools import pairwise
from pathlib import Path

PATH = Path("docs", "charter.md")
VALUE, DECIDES, SUCCESS = "Feasibility and value", "Who decides what with the answer", "How success is measured"
# Which parts of the charter a section of the card quotes: a heading with some of its questions, or all those that no
# section asks for by name.
ASKED: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "Intended use": (("The question", ()), (DECIDES, ())),
    "Factors": ((SUCCESS, ("Model, where it hurts",)),),
    "Metrics": ((SUCCESS, ()), ("Human-level baseline", ())),
    "Ethical considerations": (
        (VALUE, ("May the data be used for this?",)),
        (DECIDES, ("Who may object?", "What does a wrong answer cost?")),
    ),
    "Caveats and recommendations": ((DECIDES, ("What happens when it is not sure?",)), (VALUE, ())),
}
Said = dict[str, dict[str, str]]  # by heading and question; paragraphs are at the question ""


def read(path: Path) -> Said:
    """What people wrote into the charter: the last cell of each row of its tables, and paragraphs (question "")."""
    said: Said = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    heading, fenced = "", False
    for line, following in pairwise([*lines, ""]):
        fenced ^= line.startswith("```")
        if line.startswith("## "):
            heading = line.removeprefix("## ").strip()
        elif line.startswith("|"):
            cells = cells_of(line)
            if len(cells) > 1 and not is_rule(cells) and not is_rule(cells_of(following)):  # the head of a table
                said.setdefault(heading, {})[cells[0]] = cells[-1]
        elif line.strip() and not fenced and not line.startswith(("```", "#")):
            texts = said.setdefault(heading, {})
            texts[""] = f"{texts.get('', '')} {line.strip()}".strip()
    return said


def cells_of(line: str) -> list[str]:
    """The cells of a row of a table in Markdown."""
    inside = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inside)]


def is_rule(cells: list[str]) -> bool:
    """Whether this is the line of dashes below the head of a table."""
    return any(cells) and all(re.fullmatch(":?-+:?", cell) for cell in cells)


def quoted(said: Said, title: str) -> list[tuple[str, str]]:
    """The questions of the charter that a section quotes, with their answers, "" where there is none."""
    by_name = {(head, question) for places in ASKED.values() for head, names in places for question in names}
    found = []
    for heading, questions in ASKED.get(title, ()):
        here = said.get(heading, {})
        left = [question for question in here if (heading, question) not in by_name] or [""]
        found += [(named(heading, question), here.get(question, "")) for question in questions or left]
    return found


def named(heading: str, question: str) -> str:
    """A question by itself, and anything shorter behind the heading that it stands under."""
    return question if question.endswith("?") else ": ".join(filter(None, (heading, question)))
