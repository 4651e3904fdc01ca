"""HTML pages from the templates beside this module; whatever comes from the data is escaped."""

from pathlib import Path
from typing import Any

import jinja2

from .verdict import number

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **content: Any) -> str:
    """A page that needs no other file, from one in `templates/`; content is escaped, unless it says that it is HTML."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = number
    return environment.get_template(template).render(**content)
