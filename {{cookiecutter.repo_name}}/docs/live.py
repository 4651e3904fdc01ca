"""Tables of these pages that are made at build time, so that they say what the project is now.

Directives: `facts` (parameters and newest run), `data-dictionary`, `verb <name>` (options and what a step reads),
`lineage` (of the model that answers, by step and in words) and `modules` (the API of every module, inside `eval-rst`).
"""

import re
import tomllib
from itertools import zip_longest
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SOURCE = ROOT / PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"][0]
PACKAGE = SOURCE.name
VALUES_SHOWN = 12  # categories named in the data dictionary's table
NOT_YET = "not known yet: make train"
SHARED = ("overrides", "debug")  # options that every verb has come last


def load(*modules: str) -> list:
    """Modules of the project's package, by name."""
    return [__import__(f"{PACKAGE}.{name}", fromlist=[name]) for name in modules]


def table(head: tuple[str, ...], rows: list[tuple[str, ...]], widths: tuple[int, ...]) -> nodes.table:
    """A table of plain texts: whatever they hold, nothing in them is taken for markup."""

    def line(cells: tuple[str, ...]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph(text=str(cell))) for cell in cells))

    group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in widths), cols=len(widths))
    group += [nodes.thead("", line(head)), nodes.tbody("", *map(line, rows))]
    return nodes.table("", group, classes=["colwidths-given"], width="100%")


class Facts(SphinxDirective):
    """What is known about the question: from pyproject.toml, params.toml and the newest run."""

    def run(self) -> list[nodes.Node]:
        settings, runs = load("settings", "runs")
        project = settings.load(ROOT)
        data, split = project.settings.data, project.settings.split
        shares = f"train {split.shares.train:g}, dev {split.shares.dev:g}, test {split.shares.test:g}"
        rows = [
            ("Question", PYPROJECT["project"]["description"]),
            ("Data", data.source),
            ("Target", data.target),
            ("Left out", ", ".join(data.drop) or "nothing"),
            ("Split", f"{split.by}: {shares}"),
            *newest_run(project, runs),
        ]
        return [table(("What", "Now"), rows, (20, 80))]


def newest_run(project, runs) -> list[tuple[str, str]]:
    """Task, model and scores of the newest run, as rows."""
    folders = runs.folders(project)
    if not folders:
        return [("Model", NOT_YET), ("Baseline", NOT_YET)]
    record = runs.read(folders[0])
    run = runs.row(record)
    metric, test = run["metric"], "no test yet: make evaluate"
    if run["test"] is not None:
        low, high = run["interval"] or (float("nan"), float("nan"))
        test = f"{run['test']:.4g} (95 % interval {low:.4g} to {high:.4g})"
    return [
        ("Task", record["task"]),
        ("Newest run", run["run"]),
        ("Model", run["model"]),
        ("Chosen by", f"{metric}, {'higher' if run['higher_is_better'] else 'lower'} is better"),
        (f"{metric} on rows held out", f"{run['dev']:.4g}"),
        (f"{metric} on the test split", test),
        (f"{metric} of the dummy", "not among the candidates" if run["dummy"] is None else f"{run['dummy']:.4g}"),
    ]


class DataDictionary(SphinxDirective):
    """The data dictionary as a table, one row a column."""

    def run(self) -> list[nodes.Node]:
        dictionary, settings = load("dictionary", "settings")
        path = settings.load(ROOT).dictionary
        self.env.note_dependency(str(path))
        if not path.is_file():
            return [nodes.paragraph(text="There is no data dictionary yet: make data writes it.")]
        head = ("Column", "Type", "Role", "May be empty", "Allowed", "Else", "Transformation", "Description")
        rows = [column_row(name, column) for name, column in dictionary.load(path).items()]
        return [table(head, rows, (18, 8, 8, 8, 22, 8, 12, 16))]


def column_row(name: str, column) -> tuple[str, ...]:
    """One column of the data dictionary as texts."""
    allowed = "anything"
    if column.range:
        allowed = "{:g} to {:g}".format(*column.range)
    elif column.values:
        more = f", ... ({len(column.values)} in all)" if len(column.values) > VALUES_SHOWN else ""
        allowed = ", ".join(column.values[:VALUES_SHOWN]) + more
    empty = "yes" if column.missing_allowed else "no"
    return name, column.type, column.role, empty, allowed, column.rule, column.transformation, column.description


class Verb(SphinxDirective):
    """How a verb is called, its options, and what the step reads: from the command line and the graph of the steps."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        cli, steps = load("cli", "steps")
        name = self.arguments[0]
        command, step = cli.main.commands[name], steps.STEPS.get(name)
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        variables = {option: variable for variable, option in re.findall(r"call \w+,([A-Z]+),(\w+)", makefile)}
        rows = []
        for option in sorted(command.params, key=lambda option: option.name in SHARED):
            variable = variables.get(option.opts[-1].removeprefix("--"))
            with_make = f"{variable}={'1' if option.is_flag else '...'}" if variable else ""
            rows.append((option.opts[-1], with_make, option.help))
        call = nodes.literal_block(text=f"make {name}\npython -m {PACKAGE} {name}      # the same, without make")
        options = table(("Option", "With make", "Meaning"), rows, (20, 20, 60))
        return [call, options, table(("It depends on", ""), what_it_reads(step), (40, 60))] if step else [call, options]


def what_it_reads(step) -> list[tuple[str, str]]:
    """The steps, parameters and keys of the dictionary that a step depends on, as rows."""
    parts = [dotted.partition(".") for dotted in step.parameters]
    return [
        ("steps, run first where need be", ", ".join(step.needs) or "none"),
        ("params.toml", ", ".join(f"[{section}] {key}".strip() for section, _, key in parts) or "nothing"),
        ("of each column in the data dictionary", ", ".join(step.columns) or "nothing"),
    ]


class Lineage(SphinxDirective):
    """Where the model that answers came from: the champion's, else the newest run's."""

    def run(self) -> list[nodes.Node]:
        errors, lineage, runs, settings = load("errors", "lineage", "runs", "settings")
        project = settings.load(ROOT)
        try:
            newest = runs.folders(project)[:1]
            folder = runs.champion(project) or (newest[0] if newest else None)
            if folder is None:
                return [nodes.paragraph(text=NOT_YET)]
            links = lineage.trace(project, folder / runs.MODEL)
        except errors.ProjectError as error:
            return [nodes.paragraph(text=str(error))]
        return [way(links), nodes.literal_block(text=lineage.render(links), language="text")]


def way(links) -> nodes.table:
    """The files of a chain, from the source on: a column a step, its head says what made it."""
    files = {link.file: link for link in sorted(links, key=lambda link: link.depth)}.values()
    depths = sorted({link.depth for link in files}, reverse=True)
    steps = [[link for link in files if link.depth == depth] for depth in depths]
    cells = [[f"{link.file} {link.digest[:8]}: {link.state}" for link in step] for step in steps]
    return table(tuple(step[0].made for step in steps), list(zip_longest(*cells, fillvalue="")), (1,) * len(steps))


class Modules(SphinxDirective):
    """A section for each module of the package, with what its docstrings say."""

    def run(self) -> list[nodes.Node]:
        paths = [path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py")) if not path.stem.startswith("_")]
        return [self.section(".".join(path.with_suffix("").parts)) for path in paths]

    def section(self, name: str) -> nodes.section:
        """The section of one module."""
        section = nodes.section("", nodes.title(text=name), ids=[f"module-{name}"], names=[name])
        self.state.nested_parse(StringList([f".. automodule:: {PACKAGE}.{name}"], name), 0, section)
        return section


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the directives, and to read every page at every build: what they show lies outside of docs/."""
    directives = {
        "facts": Facts,
        "data-dictionary": DataDictionary,
        "verb": Verb,
        "lineage": Lineage,
        "modules": Modules,
    }
    for name, directive in directives.items():
        app.add_directive(name, directive)
    # scikit-learn adds methods like `set_score_request` to estimators, with references to its own pages.
    app.connect("autodoc-skip-member", lambda app, what, name, *rest: name.startswith("set_") or None)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: env.found_docs)
    return {"parallel_read_safe": True}
