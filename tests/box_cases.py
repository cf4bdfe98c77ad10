"""Small images with coloured rectangles that tests make, and competitions of finding them."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

COLORS = {"red": (220, 40, 40), "blue": (40, 60, 220)}


def draw_rectangles(random, width=96, height=64, most=3):
    """An image with noise and up to `most` rectangles of two colours that do not touch.

    Returns:
        Pixels, uint8 (height, width, 3), and a list of label, left, top, right, bottom.
    """
    image = random.normal(128, 12, (height, width, 3))
    boxes = []
    for _ in range(random.integers(1, most + 1)):
        w, h = random.integers(12, 28, 2)
        x, y = random.integers(0, width - w), random.integers(0, height - h)
        if any(x < b[3] + 2 and b[1] < x + w + 2 and y < b[4] + 2 and b[2] < y + h + 2 for b in boxes):
            continue
        label = str(random.choice(list(COLORS)))
        image[y : y + h, x : x + w] = COLORS[label] + random.normal(0, 12, (h, w, 3))
        boxes.append((label, int(x), int(y), int(x + w), int(y + h)))
    return np.clip(image, 0, 255).astype(np.uint8), boxes


def write_boxes_competition(folder: Path, n=60, n_test=20, *, empty=2):
    """Images, train with a row per box, test, sample submission and solution; `empty` train images have no box."""
    random = np.random.default_rng(0)
    rows = []
    (folder / "images").mkdir(parents=True)
    for i in range(n + n_test):
        image, boxes = draw_rectangles(random)
        if n - empty <= i < n:
            image, boxes = random.normal(128, 12, image.shape).astype(np.uint8), []
        Image.fromarray(image).save(folder / "images" / f"{i:03}.png")
        rows += [(f"{i:03}", *box) for box in boxes] or [(f"{i:03}", None, None, None, None, None)]
    table = pd.DataFrame(rows, columns=["image_id", "label", "xmin", "ymin", "xmax", "ymax"])
    for column in table.columns[2:]:
        table[column] = table[column].astype("Int64")
    is_train = table["image_id"].astype(int) < n
    names = [f"{i:03}" for i in range(n, n + n_test)]
    table[is_train].to_csv(folder / "train.csv", index=False)
    table[~is_train].to_csv(folder / "solution.csv", index=False)
    pd.DataFrame({"image_id": names, "path": [f"images/{name}.png" for name in names]}).to_csv(
        folder / "test.csv", index=False
    )
    table = pd.read_csv(folder / "train.csv", dtype={"image_id": str})
    table.insert(1, "path", "images/" + table["image_id"] + ".png")
    table.to_csv(folder / "train.csv", index=False)
    pd.DataFrame({"image_id": names, "prediction": ""}).to_csv(folder / "sample_submission.csv", index=False)
    return folder
