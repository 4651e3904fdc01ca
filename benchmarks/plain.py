"""What a data scientist would write by hand in one script: the same steps as `make predict`, without a record of them.

    python benchmarks/plain.py TABLE.csv TARGET PREDICTIONS.csv [DROPPED ...]

Reads a CSV file, divides it 60 / 20 / 20 (stratified, seed 0), fits the same models on train behind ordinary
preprocessing, compares them on dev, fits the best on train and dev, and writes predictions of test. Prints one line of
JSON: the chosen model, and the test metric of it and of two ordinary pipelines, boosting and linear.
"""

import json
import sys

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, SplineTransformer, StandardScaler

NUMBERS = make_column_selector(dtype_include="number")
WORDS = make_column_selector(dtype_exclude="number")


def pipelines(classes: int) -> dict:
    """Ordinary pipelines by name; `classes` is 0 for a regression."""
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    linear = (scaled, NUMBERS), (OneHotEncoder(handle_unknown="ignore", max_categories=100), WORDS)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    boosting = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    forest = ExtraTreesClassifier if classes else ExtraTreesRegressor
    knots = SplineTransformer(6, knots="quantile", extrapolation="constant", include_bias=False)
    curves = (make_pipeline(scaled, knots), NUMBERS), linear[1]
    layers = {"hidden_layer_sizes": (128, 64), "early_stopping": True, "random_state": 0}
    network = MLPClassifier(**layers) if classes else MLPRegressor(**layers)
    sums = LogisticRegression(max_iter=1000) if classes else RidgeCV(alphas=np.logspace(-2, 4, 13))
    small = {"early_stopping": True, "learning_rate": 0.06, "max_iter": 600, "max_leaf_nodes": 15, "max_features": 0.5}
    stopped = boosting(random_state=0, **small)
    trees = {
        "boosting": boosting(random_state=0),
        "stopped": stopped,
        "forest": forest(100, random_state=0, max_features=0.5, max_leaf_nodes=1000),
    }
    if not classes:
        network = TransformedTargetRegressor(network, transformer=StandardScaler())
        trees["logs"] = TransformedTargetRegressor(stopped, func=np.arcsinh, inverse_func=np.sinh, check_inverse=False)
    return {
        "linear": make_pipeline(make_column_transformer(*linear), sums),
        "curves": make_pipeline(make_column_transformer(*curves), clone(sums)),
        "network": make_pipeline(make_column_transformer(*curves), network),
        **{
            name: make_pipeline(make_column_transformer((codes, WORDS), remainder="passthrough"), model)
            for name, model in trees.items()
        },
    }


def measure(model, rows: pd.DataFrame, truth: np.ndarray, classes: int) -> float:
    """R2, ROC AUC, or minus log-loss for more than two classes: higher is better."""
    if not classes:
        return r2_score(truth, model.predict(rows))
    probabilities = model.predict_proba(rows)
    if classes == 2:
        return roc_auc_score(truth == model.classes_[1], probabilities[:, 1])
    return -log_loss(truth, probabilities, labels=model.classes_)


def main(table: str, target: str, output: str, *dropped: str) -> None:
    """Do all steps."""
    frame = pd.read_csv(table, sep=None, engine="python").drop(columns=list(dropped)).dropna(subset=[target])
    truth = frame.pop(target)
    amount = pd.api.types.is_numeric_dtype(truth) and (truth.nunique() > 20 or bool((truth % 1 != 0).any()))
    classes = 0 if amount else truth.nunique()
    truth = truth.to_numpy(dtype=float) if amount else np.array(truth.tolist())
    strata = None if amount else truth
    rest, test, y_rest, y_test = train_test_split(frame, truth, test_size=0.2, random_state=0, stratify=strata)
    strata = None if amount else y_rest
    train, dev, y_train, y_dev = train_test_split(rest, y_rest, test_size=0.25, random_state=0, stratify=strata)
    models = pipelines(classes)
    scores = {name: measure(model.fit(train, y_train), dev, y_dev, classes) for name, model in models.items()}
    best = max(scores, key=scores.get)
    chosen = clone(models[best]).fit(rest, y_rest)
    pd.DataFrame({"prediction": chosen.predict(test)}).to_csv(output, index=False)
    print(json.dumps({"best": best, "test": measure(chosen, test, y_test, classes)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
