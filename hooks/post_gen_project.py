"""Keep the chosen parts, find a local source from where cookiecutter was started, commit, say what to type next."""

import os  # and the rest where it is needed: it would double the time of this hook

ANSWERS = {{dict(cookiecutter, _jinja2_env_vars=0)}}  # rendered, a dict as Python writes it
CHOSEN = (ANSWERS["license"], {"yes": "service", "no": ""}[ANSWERS["service"]])
PARTS = ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary", "service")  # LICENSE.MIT, params.toml.service
GONE = {"__pycache__", ".ruff_cache", ".pytest_cache", ".mypy_cache"}  # left by tools in the template's folder
GONE |= set() if "service" in CHOSEN else {"deploy", "service"}
HERE, STARTED = os.getcwd(), os.path.realpath(os.environ.get("PWD", ".."))


def set_source(source: str) -> bool:
    """Write a local source into params.toml as it is seen from the project; whether it is there, for all one knows."""
    prefix = "sqlite:///" if source.startswith("sqlite:///") else ""
    path, mark, query = source.removeprefix(prefix).partition("?" if prefix else "?member=")
    if "://" in path or path.startswith("sklearn:"):
        return True
    import glob
    import json

    places = [os.path.join(folder, os.path.expanduser(path)) for folder in (STARTED, os.path.dirname(HERE))]
    found = [place for place in places if os.path.exists(place) or glob.glob(place, recursive=True)]
    with open("params.toml", encoding="utf-8") as file:
        params = file.readlines()
    (number,) = [number for number, line in enumerate(params) if line.startswith("source = ")]
    if not found:
        print(f"{path} was not found from {STARTED}: write where it is into params.toml, line {number + 1}.")
    elif not os.path.isabs(path):
        seen = f"{prefix}{os.path.relpath(found[0])}{mark}{query}"
        params[number] = f"source = {json.dumps(seen, ensure_ascii=False)}\n"
        with open("params.toml", "w", encoding="utf-8", newline="\n") as file:
            file.writelines(params)
    return bool(found)


for folder, _, names in list(os.walk(".")):
    if os.path.basename(folder) in GONE:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    for name, part in [(name, part) for name in names for part in PARTS if name.endswith(f".{part}")]:
        path = os.path.join(folder, name)
        with open(path.removesuffix(f".{part}"), "ab") as whole, open(path, "rb") as file:
            whole.write(file.read() if part in CHOSEN else b"")
        os.remove(path)
first = "" if set_source(ANSWERS["data_source"]) else "put the file there or mend that line, then: "
# A repository with one commit; nothing of the user's git (hooks, signatures, an outer GIT_DIR) counts.
who = ANSWERS["__author_name"] if any(map(str.isalnum, ANSWERS["__author_name"])) else "author"
os.environ |= {"GIT_AUTHOR_NAME": who, "GIT_COMMITTER_NAME": who, "EMAIL": "author@localhost"}
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
    os.environ.pop(variable, None)
inside = os.system(f"git check-ignore -q . 2> {os.devnull}") in (1, 256)  # in a repository that does not ignore it
start = "git -c init.defaultBranch=main init -q && git -c core.compression=0 add . && git commit -q -m Start"
if inside or "_commit" in ANSWERS or os.system(f"({start}) > {os.devnull} 2>&1"):
    reason = "it is inside a git repository." if inside else "git init, git add ., git commit."
    print("Nothing was committed:", reason)
folder = min(HERE, os.path.relpath(HERE, STARTED), key=len)
print(f"Next: {first}cd {repr(folder) if ' ' in folder else folder} && make predict")
