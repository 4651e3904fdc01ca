"""Eight tables: two that come with scikit-learn, as hard cases, and six from seeded generators.

Each has a column of kinds at least, so that every shift can be planted, and is divided, by a seed, into rows that a
project is made of and rows that come later: of a generated table as many as are wanted, of another a third.
"""

import numpy as np
import pandas as pd
import tables
from sklearn.datasets import load_breast_cancer, load_digits

TARGET = "outcome"


def digits(size: int) -> pd.DataFrame:
    """1,797 pictures of 8 x 8 grey values, most of them 0 at the edge, and the tercile of the ink."""
    found = load_digits(as_frame=True)
    ink = pd.qcut(found.data.sum(axis=1), 3, labels=["light", "middle", "dark"]).astype(str)
    return found.data.assign(ink=ink, **{TARGET: found.target.map("digit {}".format)})


def cancer(size: int) -> pd.DataFrame:
    """569 rows of 30 correlated numbers."""
    found = load_breast_cancer(as_frame=True)
    size = pd.qcut(found.data["mean area"].rank(method="first"), 4, labels=list("abcd")).astype(str)
    return found.data.assign(size=size, **{TARGET: found.target.map({0: "malignant", 1: "benign"})})


def visits(size: int) -> pd.DataFrame:
    """Skewed and whole numbers, many zeros, kinds of all shares, cells that are missing; two classes."""
    random = np.random.default_rng(1)
    age = random.integers(18, 90, size)
    table = pd.DataFrame(
        {
            "age": age,
            "income": np.exp(random.normal(10, 0.6, size) + age / 200).round(),
            "visits": random.poisson(3, size),
            "debt": np.where(random.random(size) < 0.6, 0, random.exponential(2000, size)).round(),
            "region": random.choice(list("NSEWC"), size, p=[0.4, 0.25, 0.2, 0.1, 0.05]),
            "channel": random.choice(["web", "shop", "phone"], size, p=[0.5, 0.3, 0.2]),
            "plan": random.choice([f"plan {place}" for place in range(20)], size),
            "member": random.choice(["yes", "no"], size),
            "distance": random.gamma(2, 5, size).round(1),
            "score": random.normal(0, 1, size).round(3),
            "rating": random.integers(1, 11, size).astype(float),
            "warmth": random.normal(15, 8, size).round(1),
        }
    )
    table.loc[random.random(size) < 0.3, "rating"] = np.nan
    table.loc[random.random(size) < 0.02, "income"] = np.nan
    worth = table["score"] + (age - 50) / 20 + (table["region"] == "N") + random.logistic(0, 1, size)
    return table.assign(**{TARGET: np.where(worth > 0.5, "comes", "stays")})


def sensors(size: int) -> pd.DataFrame:
    """25 numbers that hang on three things, a state and a machine; three classes."""
    random = np.random.default_rng(2)
    hidden = random.normal(size=(size, 3))
    noise = random.normal(size=(size, 25))
    table = pd.DataFrame(hidden @ random.normal(size=(3, 25)) + 0.5 * noise).rename(columns="s{}".format).round(4)
    table["state"] = random.choice(["on", "off", "idle"], size, p=[0.7, 0.2, 0.1])
    table["machine"] = random.choice([f"m{place}" for place in range(8)], size)
    wear = hidden[:, 0] + 0.5 * hidden[:, 1] ** 2 + random.normal(0, 0.5, size)
    return table.assign(**{TARGET: pd.cut(wear, [-np.inf, 0, 1, np.inf], labels=["new", "worn", "broken"]).astype(str)})


def claims(size: int) -> pd.DataFrame:
    """Amounts, whole numbers, kinds with a long tail; the outcome is a number."""
    random = np.random.default_rng(3)
    kinds = 1 / np.arange(1, 31)
    table = pd.DataFrame(
        {
            "power": random.integers(4, 16, size),
            "age": random.integers(18, 95, size),
            "bonus": np.clip(random.gamma(2, 15, size), 0, 150).round(),
            "density": np.exp(random.normal(6, 2, size)).round(1),
            "brand": random.choice([f"B{place}" for place in range(30)], size, p=kinds / kinds.sum()),
            "fuel": random.choice(["regular", "diesel"], size, p=[0.55, 0.45]),
            "area": random.choice(list("ABCDEF"), size, p=[0.3, 0.25, 0.2, 0.12, 0.08, 0.05]),
            "years": random.exponential(6, size).round(1),
        }
    )
    worth = 50 * table["power"] + 3 * table["bonus"] + 200 * (table["fuel"] == "diesel") - 2 * table["age"]
    return table.assign(**{TARGET: (worth + random.gamma(2, 60, size)).round(2)})


def people(size: int) -> pd.DataFrame:
    """Those of the other benchmarks: numbers, kinds and empty cells that hang together loosely; two classes."""
    return tables.people(size).rename(columns={tables.TARGET: TARGET})


def customers(size: int) -> pd.DataFrame:
    """Those of the other benchmarks, of which three folds are held out; three classes that are hard to tell apart."""
    return tables.customers(size).rename(columns={tables.TARGET: TARGET})


def seldom(size: int) -> pd.DataFrame:
    """Six numbers and a kind, 800 rows that are known; one of two classes in 20 rows."""
    random = np.random.default_rng(11)
    table = pd.DataFrame(random.normal(size=(size, 6))).rename(columns="x{}".format).round(3)
    table["kind"] = random.choice(list("abcd"), size)
    worth = 1.2 * table["x0"] + 0.7 * table["x1"] * table["x2"] + (table["kind"] == "a") - 4
    return table.assign(**{TARGET: np.where(random.random(size) < 1 / (1 + np.exp(-worth)), "yes", "no")})


def divided(name: str, seed: int, later: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that a project is made of and, of a generated table so many, those that come later."""
    make, known = TABLES[name]
    rows = make((known or 0) + later).sample(frac=1, random_state=seed)
    known = known or len(rows) * 2 // 3
    return rows[:known], rows[known:]


# A table and how many of its rows are known, None for two thirds.
TABLES = {
    "digits": (digits, None),
    "cancer": (cancer, None),
    "visits": (visits, 16_000),
    "sensors": (sensors, 4800),
    "claims": (claims, 6400),
    "people": (people, 6000),
    "customers": (customers, 2000),
    "seldom": (seldom, 800),
}
