"""Reference tables made at build time from cookiecutter.json, the Makefile, the command line and params.toml."""

import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

TEMPLATE = Path(__file__).resolve().parents[1]
PROJECT = TEMPLATE / "{{cookiecutter.repo_name}}"
SOURCE = PROJECT / "src" / "{{cookiecutter.package_name}}"
SHARED = ("overrides", "debug")  # options that every verb has


def load(name: str):
    """A module of the project's package, imported from the template as it lies there."""
    sys.dont_write_bytecode = True  # a __pycache__ in the template would be rendered into every project
    if "package" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "package", SOURCE / "__init__.py", submodule_search_locations=[str(SOURCE)]
        )
        sys.modules["package"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["package"])
    return importlib.import_module(f"package.{name}")


def markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; bars in the cells are escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def code(text: str) -> str:
    """A text as inline code; nothing for an empty one."""
    return f"`{text}`" if text else ""


def prompts() -> str:
    """The questions of cookiecutter.json with their defaults."""
    answers = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    rows = []
    for name, question in answers["__prompts__"].items():
        default = answers[name]
        choices = isinstance(default, list)
        shown = ", ".join(map(code, default)) if choices else code(default)
        made = "{{" in str(default)
        rows.append((code(name), question, "made from the answers above" if made else shown))
    return markdown_table(("Prompt", "Question", "Default (of choices the first)"), rows)


def targets() -> str:
    """A section for each target of the project's Makefile: what it says, its options, what its step depends on."""
    commands, steps = load("cli").main.commands, load("pipeline").STEPS
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    variables = {option: variable for variable, option in re.findall(r"call \w+,([A-Z]+),(\w+)", makefile)}
    parts = []
    for name, text in re.findall(r"(?m)^([a-z]+):.*## (.*)$", makefile):
        parts.append(f"## {name}\n\n`make {name}`: {text.replace('<', '&lt;')}\n")
        if name not in commands:
            continue
        parts.append(f"`python -m <package> {name}`: {(commands[name].help or '').replace('<', '&lt;')}\n")
        options = [option for option in commands[name].params if option.name not in SHARED]
        rows = []
        for option in options:
            variable = variables.get(option.opts[-1].removeprefix("--"))
            with_make = f"{variable}={'1' if getattr(option, 'is_flag', False) else '...'}" if variable else ""
            rows.append(
                (code(option.opts[-1]), code(with_make), getattr(option, "help", None) or "passed on to pytest")
            )
        if rows:
            parts.append(markdown_table(("Option", "With make", "Meaning"), rows))
        if name in steps:
            parts.append(depends(steps[name]))
    return "\n".join(parts)


def depends(step) -> str:
    """What a step depends on, as Markdown."""
    dotted = [parameter.partition(".") for parameter in step.parameters]
    parameters = ", ".join(code(f"[{section}] {key}".strip()) for section, _, key in dotted)
    rows = [
        ("steps, run first where need be", ", ".join(step.needs) or "none"),
        ("`params.toml`", parameters or "nothing"),
        ("of each column in the data dictionary", ", ".join(map(code, step.columns)) or "nothing"),
    ]
    return markdown_table(("It depends on", ""), rows)


def parameters() -> str:
    """A section for each section of params.toml: what the comment above a key says, its bounds, its default."""
    sections = load("engine.project.schema").hints(load("engine.project.settings").Settings)
    text = (PROJECT / "params.toml").read_text(encoding="utf-8").replace("{{ cookiecutter.package_name }}", "<package>")
    parts = []
    for section, body in re.findall(r"(?m)^\[(\w+)\]\n((?:(?!\[).*\n)*)", text):
        rows, fields = [], dict(sections[section].__dataclass_fields__)
        for comment, key, value in re.findall(r"((?:# .*\n)+)(\w+) = (.*)\n", body):
            limits = fields.pop(key).metadata.get("bounds", {})
            rows.append((code(key), sentences(comment), bounds(limits), "your answer" if "{{" in value else code(value)))
        for key, comment in re.findall(rf"(?m)^\[{section}\.(\w+)\]\n((?:# .*\n)+)", text):
            fields.pop(key)
            rows.append((code(key), sentences(comment), "", "nothing"))
        if fields:
            raise ExtensionError(f"params.toml: [{section}] lacks {', '.join(fields)}, or the comment above.")
        parts.append(f"## [{section}]\n\n" + markdown_table(("Key", "What it says", "Bounds", "Default"), rows))
    return "\n".join(parts)


def sentences(comment: str) -> str:
    """A comment without its marks, in one line."""
    return comment.replace("# ", "").replace("\n", " ").strip().replace("<", "&lt;")


def bounds(limits: dict) -> str:
    """The bounds of a value in words: `{"least": 0, "below": 8}` as `least 0, below 8`."""
    words = {"filled": "not empty", "among": "these words"}
    return ", ".join(words.get(name, f"{name} {limit}") for name, limit in limits.items())


class Live(SphinxDirective):
    """`{live} name`: the table of that name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = {"prompts": prompts, "targets": targets, "parameters": parameters}[self.arguments[0]]()
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the directive; what it shows lies outside of docs/, so every page is read at every build."""
    app.add_directive("live", Live)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: env.found_docs)
    return {"parallel_read_safe": True}
