"""Refuse an answer that would break the project before a file is written: the answer, the rule, one that passes."""

import keyword
import os
import sys  # and no re or json: either would double the time of this hook

ANSWERS = {{dict(cookiecutter, _jinja2_env_vars=0)}}  # rendered, a dict as Python writes it
AS_TYPED = {{dict(_cookiecutter | default({}))}}
NAMES = ("repo_name", "package_name")
# The project's folders, and what it installs by import and by distribution name (of what that needs, the best known).
TAKEN = """data deploy docs models notebooks references reports service src tests charset_normalizer cleanlab click
dotenv fsspec hatchling httptools ipykernel jinja2 joblib matplotlib msgspec mypy myst_parser nbconvert numpy pandas pip
prometheus_client psycopg pyarrow pytest python_calamine python_dotenv requests ruff scikit_learn scipy sklearn skrub
sphinx sqlalchemy starlette threadpoolctl uv uvicorn uvloop xlsxwriter"""
DEVICES = ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))]
CONTROL = {*range(32), *range(127, 160), 0x2028, 0x2029, *range(0xD800, 0xE000)}
URLS = "http https s3 gs az".split()
BUNDLED = "sklearn:breast_cancer sklearn:diabetes sklearn:digits sklearn:iris sklearn:wine".split()


def is_repo_name(text: str) -> bool:
    name = text.lower().replace("-", "_")
    plain = name.isidentifier() and name.isascii() and len(name) <= 60 and name not in (*TAKEN.split(), *DEVICES)
    return plain and text.islower() and text[0] not in "-_" and text[-1] not in "-_"


def is_package_name(text: str) -> bool:
    reserved = keyword.iskeyword(text) or text.lower() in sys.stdlib_module_names
    return text.isidentifier() and not reserved and is_repo_name(text.lower().rstrip("_") or "_")


def is_source(text: str) -> bool:
    scheme, mark, rest = text.partition("://")
    if mark:
        return rest[:1] not in ("", "/", " ") if scheme in URLS else "table=" in rest or "query=" in rest
    file = text.replace("\\", "/").rpartition("/")[2].strip()  # of any ending: its content tells what it is
    return text in BUNDLED or (file[:1] not in ("", ".") and "sklearn:" not in text)


RULES = {
    "repo_name": (is_repo_name, "a letter, then a-z 0-9 - _ (60), no library, project folder, Windows device", "churn"),
    "package_name": (is_package_name, "an identifier of at most 60 a-z 0-9 _, new to Python, Windows and us", "churn"),
    "data_source": (is_source, f"a file, {' '.join([*URLS, *BUNDLED])} or a database URL with ?table=", "churn.csv"),
}
for prompt in ("project_name", *NAMES, "author_name", "description", "data_source", "target"):
    answer, typed = ANSWERS.get(f"__{prompt}", ANSWERS[prompt]), AS_TYPED.get(prompt, "")
    test, rule, example = RULES.get(prompt, (str.strip, "a line, no control characters or double braces", "Churn"))
    answer = typed if "{" * 2 in typed and not (prompt in NAMES and "cookiecutter." in typed) else answer
    if "{" * 2 in answer or not test(answer) or not CONTROL.isdisjoint(map(ord, answer)):
        print(f"{prompt} {answer[:200]!r} is refused.\nIt must be {rule}.\nFor example: {example}", file=sys.stderr)
        # Of a hook that fails cookiecutter shows a traceback, of Ctrl-C a word. Who ignores that hands it down to us.
        import signal

        above = f"(tr '\\0' ' ' < /proc/{os.getppid()}/cmdline || ps -o args= -p {os.getppid()}) 2> {os.devnull}"
        words = os.popen(above).read().split()[:3] if os.name == "posix" else []
        heeds = signal.getsignal(signal.SIGINT) != signal.SIG_IGN
        if "cookiecutter" in map(os.path.basename, words) and heeds and not os.listdir():
            os.rmdir(os.getcwd())
            os.kill(os.getppid(), signal.SIGINT)
        sys.exit(1)
