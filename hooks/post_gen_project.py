"""Keep one licence, find a local data source from where cookiecutter was started, commit, say what to type next."""

import os  # and the rest where it is needed: it would double the time of this hook

ANSWERS = {{dict(cookiecutter, _jinja2_env_vars=0)}}  # rendered, a dict as Python writes it
PARTS = {name: [f"LICENSE.{name}"] for name in ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary")}
HERE, STARTED = os.getcwd(), os.path.realpath(os.environ.get("PWD", ".."))
COMMIT = "git -c init.defaultBranch=main init -q && git -c core.compression=0 add . && git commit -q -m Start"

for option, paths in PARTS.items():
    for path in paths:
        os.replace(path, "LICENSE") if option == ANSWERS["license"] else os.remove(path)
prefix = "sqlite:///" if ANSWERS["data_source"].startswith("sqlite:///") else ""
path, mark, query = ANSWERS["data_source"].removeprefix(prefix).partition("?" if prefix else "\0")
if "://" not in path and not path.startswith("sklearn:"):
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
        source = f"{prefix}{os.path.relpath(found[0])}{mark}{query}"
        params[number] = f"source = {json.dumps(source, ensure_ascii=False)}\n"
        open("params.toml", "w", encoding="utf-8", newline="\n").writelines(params)
who = ANSWERS["__author_name"] if any(map(str.isalnum, ANSWERS["__author_name"])) else "author"
# Nothing of the user's git (hooks, signatures, no name or one of dots, an outer GIT_DIR) may stop or divert the commit.
os.environ |= {"GIT_AUTHOR_NAME": who, "GIT_COMMITTER_NAME": who, "EMAIL": "author@localhost"}
os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
    os.environ.pop(name, None)
inside = os.system(f"git check-ignore -q . 2> {os.devnull}") in (1, 256)  # in a repository that does not ignore it
if inside or "_commit" in ANSWERS or os.system(f"({COMMIT}) > {os.devnull} 2>&1"):
    print("Nothing was committed:", "it is inside a git repository." if inside else "git init, git add ., git commit.")
folder = min(HERE, os.path.relpath(HERE, STARTED), key=len)
print(f"Next: cd {repr(folder) if ' ' in folder else folder} && make predict")
