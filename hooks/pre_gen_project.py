"""Refuse an answer that would break the project before a file is written: the answer, the rule, one that passes."""

import keyword
import sys  # and no re or json: either would double the time of this hook

ANSWERS = {{dict(cookiecutter, _jinja2_env_vars=0)}}  # rendered, a dict as Python writes it
AS_TYPED = {{dict(_cookiecutter | default({}))}}
# The project's folders, and what it installs by import and by distribution name (of what that needs, the best known).
TAKEN = """data docs models notebooks references reports src tests cleanlab click dotenv fsspec hatchling ipykernel
ipython jinja2 joblib jupyter matplotlib myst_parser nbconvert numpy openpyxl pandas pip pyarrow pytest python_dotenv
pyzmq requests ruff scikit_learn scipy setuptools sklearn skrub sphinx sqlalchemy threadpoolctl urllib3 uv
xlrd""".split()
CONTROL = {*range(32), *range(127, 160), 0x2028, 0x2029, *range(0xD800, 0xE000)}
FILES, URLS = "csv tsv txt parquet json jsonl ndjson xlsx xls".split(), "http https s3 gs az".split()
BUNDLED = "sklearn:breast_cancer sklearn:diabetes sklearn:digits sklearn:iris sklearn:wine".split()
ENDINGS = tuple(f".{name}{packed}" for name in FILES for packed in ("", ".gz", ".zip"))


def is_source(answer: str) -> bool:
    scheme, mark, rest = answer.partition("://")
    file = answer.replace("\\", "/").rpartition("/")[2].lower()
    if mark:
        return rest[:1] not in ("", "/", " ") if scheme in URLS else any(f"{k}=" in rest for k in ("table", "query"))
    return answer in BUNDLED or (file.endswith((*ENDINGS, ".zip")) and file[0] != "." and "sklearn:" not in answer)


RULES = {
    "repo_name": (lambda a: a.islower() and a[-1] not in "-_", "a letter, then a-z 0-9 - _ (60), no library", "churn"),
    "package_name": (str.isidentifier, "an identifier of at most 60 a-z 0-9 _, new to Python and to us", "churn"),
    "data_source": (is_source, f"{' '.join([*ENDINGS, *URLS, *BUNDLED])} or a database URL with ?table=", "churn.csv"),
}
for prompt in ("project_name", "repo_name", "package_name", "author_name", "description", "data_source", "target"):
    answer, typed = ANSWERS.get(f"__{prompt}", ANSWERS[prompt]), AS_TYPED.get(prompt, "")
    test, rule, example = RULES.get(prompt, (str.strip, "a line of text, no control characters or braces", "Churn"))
    is_name, name = prompt in ("repo_name", "package_name"), answer.lower().replace("-", "_")
    bad = not name.isidentifier() or not name.isascii() or name[0] == "_" or len(name) > 60 or name in TAKEN
    python = prompt == "package_name" and (keyword.iskeyword(answer) or name in sys.stdlib_module_names)
    jinja = "{" * 2 in answer or ("{" * 2 in typed and not (is_name and "cookiecutter." in typed))
    if jinja or python or (is_name and bad) or not test(answer) or not CONTROL.isdisjoint(map(ord, answer)):
        sys.exit(f"{prompt} {answer[:200]!r} is refused.\nIt must be {rule}.\nFor example: {example}")
