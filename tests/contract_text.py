"""A contract as it stands in `competition.toml`, for the tests that read one."""

SHOP = """\
slug = "shop"
title = "Shop"
problem_type = "binary"
id = ["id"]
target = ["bought"]
labels = ["No", "Yes"]
metric = "roc_auc"

[files]
train = "train.csv"
test = "test.csv"
sample_submission = "sample_submission.csv"

[submission]
columns = ["id", "bought"]
wants = "probability"
"""
