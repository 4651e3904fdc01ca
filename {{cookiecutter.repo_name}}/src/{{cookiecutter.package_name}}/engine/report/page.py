"""Pages from the templates beside this module; whatever comes from the data is escaped."""

from pathlib import Path
from typing import Any

import jinja2

from .verdict import number

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **content: Any) -> str:
    """A page that needs no other file, from one in `templates/`.

    In HTML content is escaped, unless it says that it is HTML; in Markdown where the template says `| cell`.
    """
    loader, is_html = jinja2.FileSystemLoader(TEMPLATES), template.endswith(".html")
    environment = jinja2.Environment(loader=loader, autoescape=is_html, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "cell": cell}
    return environment.get_template(template).render(**content)


def cell(text: object) -> str:
    """A text as it may stand in a table of Markdown: on one line, its bars and tags escaped."""
    return " ".join(str(text).splitlines()).replace("|", "\\|").replace("<", "&lt;")
