"""What a run keeps beside its model: the code, the data dictionary, the exact environment and the patch."""

import importlib.metadata
import logging
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from ..columns import dictionary, merge
from ..project import artefact, credentials, git, package
from ..project.settings import EXTERNAL, Project, variable_digests
from . import packages, registry

log = logging.getLogger(__name__)


def keep(project: Project, folder: Path) -> dict[str, Any]:
    """Put code, data dictionary, environment and patch into a run, and return what `run.json` says of them.

    This comes before the fit: what is edited during a long one was not in it. A full disk shows early, too.
    """
    artefact.copy_all(package.code(project.package), project.package, folder / registry.CODE)
    artefact.copy_all(project.also, project.root, folder / EXTERNAL)
    written = project.dictionary.read_text(encoding="utf-8")
    text = merge.edited(written, dictionary.of(project))  # what is dropped is ignored in the run
    (folder / registry.DICTIONARY).write_text(text, encoding="utf-8")
    found = {**environment(project), "variables": project.variables}
    pinned = "".join(f"{name}=={version}\n" for name, version in found["packages"].items())
    (folder / package.LOCK).write_text(pinned, encoding="utf-8")
    commit = git.commit(project.root)
    there = any((folder / ".git").exists() for folder in (project.root, *project.root.parents))
    if there and git.attempt(project.root, "rev-parse", "--git-dir") is None:
        log.warning("git refuses, so that this run has no commit: %s", git.refusal(project.root, "HEAD"))
    if commit["commit"] and commit["dirty"]:
        commit = {**commit, "left_out_of_patch": git.patch(project.root, folder / registry.PATCH)}
    parameters = credentials.masked({**asdict(project.settings), "overrides": project.overrides})
    return {**commit, "parameters": parameters, "environment": found}


def environment(project: Project) -> dict[str, Any]:
    """Python, machine, BLAS, and the exact version of every installed package, those from a local folder left out."""
    installed = importlib.metadata.distributions()
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    found = {one.metadata["Name"]: one.version for one in installed if one.read_text("direct_url.json") is None}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": processor(),
        "blas": sorted({f"{one['internal_api']} {one['version']} {one.get('architecture')}" for one in libraries}),
        "cores": os.cpu_count(),
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
        "answers_hang_on": sorted(packages.names(project)),
        "packages": dict(sorted(found.items(), key=lambda item: item[0].lower())),
    }


def processor() -> str:
    """The model of the processor: another one may add up in another order."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def other_versions(record: Mapping[str, Any]) -> str:
    """What of the packages on which answers hang has another version now than the run: `scipy 1.16.0 (now 1.17.1)`.

    Where one has, a Python of another minor version comes first: for it, the lock may name other packages.
    """
    then, now = record["environment"]["packages"], {}
    for name in record["environment"].get("answers_hang_on", packages.ALWAYS):
        try:
            now[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            now[name] = "not installed"
    found = [f"{n} {then[n]} (now {now[n]})" for n in now if n in then and now[n] != then[n]]
    made, here = record["environment"]["python"], platform.python_version()
    other = found and made.split(".")[:2] != here.split(".")[:2]
    return ", ".join([f"Python {made} (now {here})", *found] if other else found)


def other_variables(folder: Path, record: Mapping[str, Any]) -> None:
    """Say which declared variables have another value now than when the run was made; `.env` counts."""
    then = record["environment"].get("variables", {})
    for name, now in variable_digests(folder.parents[1], then).items():
        if now != then[name]:
            log.warning("%s has another value than when run %s was made: its features may differ", name, folder.name)
