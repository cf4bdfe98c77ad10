"""Ratings whose law is known: biases and a product of two vectors, some of it told by side tables."""

from pathlib import Path

import numpy as np
import pandas as pd

NOISE = 0.3
GENRES = ("Comedy", "Drama", "War")


def tables(n_users=60, n_items=50, n=1800, seed=0):
    """Train, test, users and items.

    A rating is 3 + both biases + the product of two vectors + noise of `NOISE`. An item's bias is 1 higher if it is a
    comedy; user 0 and item 0 are in test alone.
    """
    random = np.random.default_rng(seed)
    genres = [list(random.choice(GENRES, random.integers(1, 3), replace=False)) for _ in range(n_items)]
    user, item = random.normal(size=(n_users, 2)), random.normal(size=(n_items, 2))
    user_bias = 0.4 * random.normal(size=n_users)
    item_bias = 0.2 * random.normal(size=n_items) + np.array(["Comedy" in found for found in genres])
    pairs = random.permutation(n_users * n_items)[:n]
    u, i = pairs // n_items, pairs % n_items
    rating = 3 + user_bias[u] + item_bias[i] + (user[u] * item[i]).sum(axis=1) + NOISE * random.normal(size=n)
    ratings = pd.DataFrame({"id": range(n), "user_id": u, "item_id": i, "rating": rating.round(2)})
    is_test = (u == 0) | (i == 0) | (np.arange(n) >= 0.8 * n)
    users = pd.DataFrame({"user_id": range(n_users), "age": random.integers(18, 70, n_users)})
    items = pd.DataFrame({"item_id": range(n_items), "genres": ["|".join(found) for found in genres]})
    return ratings[~is_test], ratings[is_test], users, items


def biases_alone(train, test):
    """Root mean squared error on test of the mean and both biases, each drawn to 0 as if by five more ratings."""
    mean = train["rating"].mean()
    rest = train["rating"] - mean
    of_item = rest.groupby(train["item_id"]).sum() / (train["item_id"].value_counts() + 5)
    rest = rest - train["item_id"].map(of_item)
    of_user = rest.groupby(train["user_id"]).sum() / (train["user_id"].value_counts() + 5)
    predicted = mean + test["item_id"].map(of_item).fillna(0) + test["user_id"].map(of_user).fillna(0)
    return float(np.sqrt(((predicted - test["rating"]) ** 2).mean()))


def write_ratings(folder: Path, **more):
    """Write them in Kaggle's form, beside `users.csv` and `items.csv`; returns train and test with its ratings."""
    train, test, users, items = tables(**more)
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns="rating").to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(rating=3.0).to_csv(folder / "sample_submission.csv", index=False)
    users.to_csv(folder / "users.csv", index=False)
    items.to_csv(folder / "items.csv", index=False)
    return train, test
