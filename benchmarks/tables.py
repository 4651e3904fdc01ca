"""Tables for the benchmarks of what is unusual and of what to label: bundled with scikit-learn, or made from a seed.

The made ones hold numbers, categories and empty cells that hang together as in life: people (loosely), machines and
customers (more closely). Each has a class that follows from its cells, with noise.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
from sklearn import datasets

TARGET = "target"


def module(project: Path, name: str) -> ModuleType:
    """A module of the service of a project, such as `unusual`."""
    sys.path.insert(0, str(project / "src"))
    package = next(path.name for path in (project / "src").iterdir() if (path / "service").is_dir())
    return importlib.import_module(f"{package}.{name}")


def table(name: str) -> pd.DataFrame:
    """A table by its name, with its classes or numbers in `target`; at most 6,000 rows."""
    if name in MADE:
        return MADE[name]()
    found = getattr(datasets, f"load_{name}")(as_frame=True)
    return found.data.assign(**{TARGET: found.target})


def people(rows: int = 6000) -> pd.DataFrame:
    """People: their work follows from their schooling, little else from anything; is somebody's income high?"""
    random = np.random.default_rng(0)
    age = random.integers(18, 85, rows)
    education = np.clip(random.normal(12, 3, rows), 4, 20).round()
    skill = education + random.normal(0, 2, rows)
    work = ["manual", "service", "office", "technical", "professional"]
    hours = np.clip(np.where(age > 66, 15, 40) + random.normal(0, 7, rows), 0, 90).round()
    married = random.random(rows) < 1 / (1 + np.exp((30 - age) / 6))
    income = 7 + 0.09 * skill + 0.01 * np.minimum(age, 55) + 0.01 * hours + random.normal(0, 0.3, rows)
    found = pd.DataFrame(
        {
            "age": age,
            "education": education,
            "occupation": np.array(work)[np.searchsorted([9, 12, 15, 18], skill)],
            "hours": hours,
            "married": np.where(married, "yes", "no"),
            "children": np.where(married, random.poisson(1.6, rows), random.poisson(0.3, rows)),
            "savings": np.exp(income + random.normal(0, 0.5, rows)).round(-1),
            "region": random.choice([*"abcdefgh"], rows),
            TARGET: np.where(income > np.quantile(income, 0.6), "high", "low"),
        }
    )
    return emptied(found, random, occupation=0.06, savings=0.05)


def machines(rows: int = 3000) -> pd.DataFrame:
    """Machines: each kind has a speed, a power and a vibration of its own, all by its load; does one fail?"""
    random = np.random.default_rng(1)
    kind = random.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    load, ambient = random.beta(2, 2, rows), random.normal(20, 6, rows)
    heat = ambient + 30 * load + random.normal(0, 3, rows)
    vibration = 0.3 + np.array([0.4, 0.2, 1.5, 0.9])[kind] * load + random.gamma(1.5, 0.1, rows)
    risk = (heat - 45) / 6 + 3 * (vibration - 0.6) - 1 + random.normal(0, 1, rows)
    found = pd.DataFrame(
        {
            "kind": np.array(["pump", "fan", "press", "saw"])[kind],
            "speed": np.array([1500, 3000, 300, 4500])[kind]
            * (0.4 + 0.6 * load)
            * np.exp(random.normal(0, 0.04, rows)),
            "power": np.array([4, 1.5, 20, 7])[kind] * (0.2 + 0.8 * load) * np.exp(random.normal(0, 0.08, rows)),
            "ambient": ambient,
            "temperature": heat,
            "vibration": vibration,
            "site": np.where(random.random(rows) < 0.8, np.array([*"nnse"])[kind], random.choice([*"nse"], rows)),
            "shift": random.choice(["early", "late", "night"], rows),
            "load": load,
            TARGET: np.where(risk > 0, "fails", "holds"),
        }
    )
    return emptied(found, random, vibration=0.08)


def customers(rows: int = 2000) -> pd.DataFrame:
    """Customers of four kinds that nobody has named, by what they buy; which way does one come?"""
    random = np.random.default_rng(2)
    kind = random.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    visits = random.poisson(np.array([2, 6, 12, 25])[kind])
    basket = np.exp(np.array([3.0, 3.6, 3.2, 4.3])[kind] + random.normal(0, 0.3, rows))
    spent = visits * basket
    way = np.minimum(2, (random.random(rows) * 3 * np.array([0.6, 1, 1, 0.9])[kind]).astype(int))
    return pd.DataFrame(
        {
            "visits": visits,
            "basket": basket,
            "spent": spent,
            "days since": random.exponential(90 / (1 + visits)).clip(0, 365).round(),
            "customer since": random.integers(2005, 2026, rows),
            "tier": np.array(["none", "bronze", "silver", "gold"])[np.searchsorted([50, 200, 700], spent)],
            "returns": random.binomial(visits, 0.1),
            "age": np.clip(random.normal(np.array([30, 45, 55, 40])[kind], 12), 18, 95).round(),
            "mail": random.random(rows) < 0.5,
            TARGET: np.array(["web", "shop", "app"])[way],
        }
    )


def emptied(found: pd.DataFrame, random: np.random.Generator, **shares: float) -> pd.DataFrame:
    """The table with such shares of the cells of some columns empty."""
    for name, share in shares.items():
        found[name] = found[name].mask(random.random(len(found)) < share)
    return found


MADE = {"people": people, "machines": machines, "customers": customers}


def columns_of(project: Path, found: pd.DataFrame) -> dict:
    """A data dictionary of a table: numbers, yes or no, categories, and the target."""
    column = module(project, "engine.columns.dictionary").Column
    kinds = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}
    types = {name: kinds.get(found[name].dtype.kind, "category") for name in found}
    roles = {name: "target" if name == TARGET else "feature" for name in found}
    ways = {"category": "one-hot"}
    return {
        name: column(type=types[name], role=roles[name], transformation=ways.get(types[name], "number"))
        for name in found
    }
