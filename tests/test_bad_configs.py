"""Wrong configs end before the first epoch: no traceback, no run left, key and value named, and a hint."""

import json

import pytest
from synthetic import init_project

import aicomp.layout
from aicomp.cli.main import main
from aicomp.cli.progress import Progress
from aicomp.dataset import load_dataset
from aicomp.engine.events import EpochEvent, FoldEvent
from aicomp.run import list_runs

BASE = ("workers=0", "split.n_splits=3", 'model.name="linear"')

BEFORE_THE_DATA = [
    ("binary", ["seed=-1"], 2, "`seed` is -1, it must be at least 0"),
    (
        "binary",
        ["seed=99999999999999999999999"],
        2,
        "`seed` is 99999999999999999999999, it must be at most 4,000,000,000",
    ),
    ("binary", ["seed=1.5"], 2, "`aicomp.toml`: expected `int`, got `float` at `seed`: 1.5"),
    ("binary", ["workers=-1"], 2, "`workers` is -1, it must be at least 0"),
    ("binary", ['workers="two"'], 2, "`aicomp.toml`: invalid enum value 'two' at `workers`"),
    ("binary", ['device="gpu"'], 2, "`aicomp.toml`: invalid enum value 'gpu' at `device`"),
    ("binary", ["data.image_size=0"], 2, "`data.image_size` is 0, it must be at least 1"),
    ("binary", ["data.image_size=-5"], 2, "`data.image_size` is -5, it must be at least 1"),
    ("binary", ["data.sample_rate=-1"], 2, "`data.sample_rate` is -1, it must be at least 1"),
    ("binary", ["data.seconds=0"], 2, "`data.seconds` is 0.0, but it must be above 0"),
    ("binary", ["data.seconds=nan"], 2, "`data.seconds` is nan, which is no number to work with"),
    ("binary", ["data.n_mels=0"], 2, "`data.n_mels` is 0, it must be at least 1"),
    ("binary", ["split.n_repeats=0"], 2, "`split.n_repeats` is 0, it must be at least 1"),
    (
        "binary",
        ["split.n_repeats=-2", 'split.splitter="repeated"'],
        2,
        "`split.n_repeats` is -2, it must be at least 1",
    ),
    (
        "binary",
        ['split.splitter="holdout"', "split.holdout=nan"],
        2,
        "`split.holdout` is nan, which is no number to work with",
    ),
    ("binary", ["split.seed=-1"], 2, "`split.seed` is -1, it must be at least 0"),
    (
        "binary",
        ['model.name="lightgbm"', "training.epochs=3"],
        2,
        "`training.epochs` is 3, which is for networks and not for `lightgbm`",
    ),
    (
        "binary",
        ['model.name="seq2seq"'],
        2,
        "model `seq2seq` predicts strings, which the targets of this competition are not",
    ),
    (
        "binary",
        ['model.name="ease"'],
        2,
        "model `ease` predicts strings, which the targets of this competition are not",
    ),
    ("binary", ['model.name="naive"'], 2, "model `naive` forecasts numbers, and the problem is binary"),
    ("binary", ["model.monotone.size=2"], 2, "`aicomp.toml`: invalid enum value 2 at `model.monotone[...]`"),
    ("binary", ["model.monotone.size=1"], 2, "`model.monotone.size`: `linear` cannot be held monotone"),
    (
        "multiclass",
        ['model.name="lightgbm"', "model.monotone.size=1"],
        2,
        "`model.monotone.size`: of several classes each has a direction of its own",
    ),
    ("binary", ['training.optimizer="adamx"'], 2, "`aicomp.toml`: invalid enum value 'adamx' at `training.optimizer`"),
    ("binary", ["training.learning_rate=0"], 2, "`training.learning_rate` is 0.0, but it must be above 0"),
    ("binary", ["training.learning_rate=-1"], 2, "`training.learning_rate` is -1.0, but it must be above 0"),
    ("binary", ["training.learning_rate=nan"], 2, "`training.learning_rate` is nan, which is no number to work with"),
    ("binary", ["training.learning_rate=inf"], 2, "`training.learning_rate` is inf, which is no number to work with"),
    ("binary", ["training.learning_rate=1e30"], 2, "`training.learning_rate` is 1e+30, it must be at most 1,000"),
    (
        "binary",
        ['training.learning_rate="fast"'],
        2,
        "`aicomp.toml`: invalid enum value 'fast' at `training.learning_rate`",
    ),
    ("binary", ["training.batch_size=0"], 2, "`training.batch_size` is 0, it must be at least 1"),
    (
        "binary",
        ["training.batch_size=99999999999999999999"],
        2,
        "`training.batch_size` is 99999999999999999999, it must be at most 2,147,483,648",
    ),
    ("binary", ["training.micro_batch=-1"], 2, "`training.micro_batch` is -1, it must be at least 0"),
    (
        "binary",
        ["training.micro_batch=1000000"],
        2,
        "`training.micro_batch` is 1000000, but a part of a batch has 1 to 256 rows",
    ),
    ("binary", ["training.epochs=0"], 2, "`training.epochs` is 0, it must be at least 1"),
    ("binary", ["training.epochs=-1"], 2, "`training.epochs` is -1, it must be at least 1"),
    (
        "binary",
        ["training.epochs=1.5"],
        2,
        "`aicomp.toml`: expected `int | str`, got `float` at `training.epochs`: 1.5",
    ),
    (
        "binary",
        ["training.epochs=99999999999999999999"],
        2,
        "`training.epochs` is 99999999999999999999, it must be at most 1,000,000",
    ),
    ("binary", ['training.schedule="cosin"'], 2, "`aicomp.toml`: invalid enum value 'cosin' at `training.schedule`"),
    ("binary", ['training.loss="mse"'], 2, "`training.loss` is `mse`, but the problem is binary"),
    ("binary", ['training.loss="hinge"'], 2, "`aicomp.toml`: invalid enum value 'hinge' at `training.loss`"),
    (
        "regression",
        ['training.loss="cross-entropy"'],
        2,
        "`training.loss` is `cross-entropy`, but the problem is regression",
    ),
    (
        "binary",
        ['training.target="log1p"'],
        2,
        "`training.target` is `log1p`, which is for values, but the problem is binary",
    ),
    (
        "binary",
        ["training.quantile=0.5"],
        2,
        "`training.quantile` is `0.5`, which is for values, but the problem is binary",
    ),
    (
        "regression",
        ['training.loss="quantile"', "training.quantile=0"],
        2,
        "`training.quantile` is 0.0, but it must lie between 0 and 1",
    ),
    (
        "regression",
        ['training.loss="quantile"', "training.quantile=nan"],
        2,
        "`training.quantile` is nan, which is no number to work with",
    ),
    (
        "regression",
        ['training.loss="quantile"', "training.quantile=2"],
        2,
        "`training.quantile` is 2.0, but it must lie between 0 and 1",
    ),
    ("binary", ['training.numbers="minmax"'], 2, "`aicomp.toml`: invalid enum value 'minmax' at `training.numbers`"),
    (
        "binary",
        ["training.shard=true", 'training.layout="stacked"'],
        2,
        "`training.layout` is `stacked`, but `training.shard` trains one fold at a time",
    ),
    ("binary", ["regularization.weight_decay=-1"], 2, "`regularization.weight_decay` is -1.0, it must be at least 0"),
    (
        "binary",
        ["regularization.weight_decay=nan"],
        2,
        "`regularization.weight_decay` is nan, which is no number to work with",
    ),
    (
        "binary",
        ["regularization.weight_decay=inf"],
        2,
        "`regularization.weight_decay` is inf, which is no number to work with",
    ),
    (
        "binary",
        ["regularization.dropout=1"],
        2,
        "`regularization.dropout` is 1.0, but it must be at least 0 and below 1",
    ),
    (
        "binary",
        ["regularization.dropout=-0.1"],
        2,
        "`regularization.dropout` is -0.1, but it must be at least 0 and below 1",
    ),
    ("binary", ["regularization.dropout=nan"], 2, "`regularization.dropout` is nan, which is no number to work with"),
    (
        "binary",
        ["regularization.label_smoothing=1"],
        2,
        "`regularization.label_smoothing` is 1.0, but it must be at least 0 and below 1",
    ),
    ("binary", ["regularization.mixup=-1"], 2, "`regularization.mixup` is -1.0, it must be at least 0"),
    ("binary", ["regularization.mixup=nan"], 2, "`regularization.mixup` is nan, which is no number to work with"),
    ("binary", ["regularization.mixup=inf"], 2, "`regularization.mixup` is inf, which is no number to work with"),
    (
        "binary",
        ["regularization.clip_norm=nan"],
        2,
        "`regularization.clip_norm` is nan, which is no number to work with",
    ),
    ("binary", ["regularization.clip_norm=-1"], 2, "`regularization.clip_norm` is -1.0, but it must not be negative"),
    ("binary", ["regularization.early_stopping=-1"], 2, "`regularization.early_stopping` is -1, it must be at least 0"),
    ("binary", ["regularization.ema=1"], 2, "`regularization.ema` is 1.0, but it must be at least 0 and below 1"),
    ("binary", ["regularization.ema=nan"], 2, "`regularization.ema` is nan, which is no number to work with"),
    ("binary", ["regularization.swa=1.5"], 2, "`regularization.swa` is 1.5, but it must be at least 0 and below 1"),
    ("binary", ["regularization.swa=nan"], 2, "`regularization.swa` is nan, which is no number to work with"),
    (
        "binary",
        ["regularization.swa=0.5", "regularization.ema=0.9"],
        2,
        "`regularization.ema` (0.9) and `swa` (0.5) both average the weights; one can be saved",
    ),
    ("binary", ["regularization.sam=nan"], 2, "`regularization.sam` is nan, which is no number to work with"),
    ("binary", ["regularization.sam=inf"], 2, "`regularization.sam` is inf, which is no number to work with"),
    (
        "binary",
        ["regularization.input_noise=nan"],
        2,
        "`regularization.input_noise` is nan, which is no number to work with",
    ),
    (
        "binary",
        ["regularization.input_noise=inf"],
        2,
        "`regularization.input_noise` is inf, which is no number to work with",
    ),
    (
        "regression",
        ["regularization.label_smoothing=0.1"],
        2,
        "`regularization.label_smoothing` is 0.1, but regression has no class",
    ),
    ("binary", ["forecast.period=0"], 2, "`forecast.period` is 0, it must be at least 1"),
    ("binary", ["forecast.period=-1"], 2, "`forecast.period` is -1, it must be at least 1"),
    ("binary", ["augmentation.shift=-1"], 2, "`augmentation.shift` is -1.0, but it must be from 0 to 1"),
    ("binary", ["augmentation.shift=2"], 2, "`augmentation.shift` is 2.0, but it must be from 0 to 1"),
    ("binary", ["augmentation.zoom=nan"], 2, "`augmentation.zoom` is nan, but it must be from 0 to 1"),
    ("binary", ["augmentation.rotate=-5"], 2, "`augmentation.rotate` is -5.0, but it must be from 0 to 180"),
    ("binary", ["augmentation.erasing=2"], 2, "`augmentation.erasing` is 2.0, but it must be from 0 to 1"),
    ("binary", ["augmentation.randaugment=-1"], 2, "`augmentation.randaugment` is -1, but it must be from 0 to 10"),
    ("binary", ['augmentation.flip="left"'], 2, "`aicomp.toml`: invalid enum value 'left' at `augmentation.flip`"),
    ("binary", ["augmentation.masks=-1"], 2, "`augmentation.masks` is -1, but it must be from 0 to 10"),
    ("binary", ['output.last_step="best"'], 2, "`aicomp.toml`: invalid enum value 'best' at `output.last_step`"),
    ("binary", ["pseudo.share=0", 'pseudo.run="x"'], 2, "`pseudo.share` is 0.0, but it must be above 0"),
    ("binary", ["pseudo.share=nan"], 2, "`pseudo.share` is nan, which is no number to work with"),
    ("binary", ["pseudo.confidence=1"], 2, "`pseudo.confidence` is 1.0, it must be below 1"),
    ("binary", ['pseudo.run="nosuch"'], 2, "unknown run `nosuch`"),
    ("binary", ['check.train="yes"'], 2, "`aicomp.toml`: expected `bool`, got `str` at `check.train`: 'yes'"),
    ("binary", ["model.params=3"], 2, "`aicomp.toml`: expected `object`, got `int` at `model.params`: 3"),
    ("binary", ["model=3"], 2, "`aicomp.toml`: expected `object`, got `int` at `model`: 3"),
    ("binary", ["nosuch=1"], 2, "`aicomp.toml`: unknown key `nosuch`"),
    ("binary", ["training.epoch=3"], 2, "`aicomp.toml`: unknown key `training.epoch`"),
    ("binary", ['metric="x"'], 2, "`aicomp.toml`: unknown key `metric`"),
    ("binary", ['training.amp="maybe"'], 2, "`aicomp.toml`: invalid enum value 'maybe' at `training.amp`"),
    ("binary", ['training.layout="stack"'], 2, "`aicomp.toml`: invalid enum value 'stack' at `training.layout`"),
    ("binary", ["training.compile=1"], 2, "`aicomp.toml`: expected `bool`, got `int` at `training.compile`: 1"),
]
"""Problem, overrides, exit code, beginning of the message: refused before the data is read."""

AFTER_THE_DATA = [
    ("binary", ['features.function="features:missing"'], 2, "unknown object in `features.py`: `missing`"),
    ("binary", ['features.function="features"'], 2, "`features` is not of the form `file:object`"),
    ("binary", ["features.clamp.nosuch=1"], 2, "`features.clamp`: unknown column `nosuch`"),
    ("binary", ["features.clamp.size=[5, 1]"], 2, "`features.clamp.size` is [5.0, 1.0], which leaves no number"),
    ("binary", ["features.clamp.size=[nan, 1]"], 2, "`features.clamp.size` is [nan, 1.0], which leaves no number"),
    ("binary", ["features.clamp.size=nan"], 2, "`features.clamp.size` is nan, which leaves no number"),
    ("binary", ['features.clamp.size="a"'], 2, "`features.clamp.size` holds a column that is taken as `number` at “a”"),
    (
        "binary",
        ["features.clamp.color=1"],
        2,
        "`features.clamp.color` gives numbers for a column that is taken as `category`",
    ),
    ("binary", ['features.clamp.color="purple"'], 2, "`features.clamp.color`: unknown value `purple`"),
    ("binary", ['columns.nosuch="number"'], 2, "`[columns]`: unknown column `nosuch`"),
    ("binary", ['columns.color="number"'], 3, "`color` is to be taken as number, but its value `red` is no number"),
    ("binary", ['columns.size="numeric"'], 2, "`[columns]`: unknown kind `numeric` of column `size`"),
    ("binary", ['split.splitter="kfolds"'], 2, "unknown splitter `kfolds`"),
    ("binary", ["split.n_splits=1"], 2, "`split.n_splits` is 1, it must be at least 2"),
    ("binary", ["split.n_splits=0"], 2, "`split.n_splits` is 0, it must be at least 2"),
    ("binary", ["split.n_splits=-3"], 2, "`split.n_splits` is -3, it must be at least 2"),
    ("binary", ["split.n_splits=1000"], 3, "train has 90 rows, 1000 folds need at least 1000"),
    ("binary", ["split.n_repeats=2"], 2, "`split.n_repeats` is 2, but splitter `stratified` does not repeat"),
    ("binary", ['split.group="nosuch"'], 2, "`split.group` is `nosuch`, which `train.csv` does not have"),
    ("binary", ['split.time="nosuch"'], 2, "`split.time` is `nosuch`, which `train.csv` does not have"),
    ("binary", ['split.fold_column="nosuch"'], 2, "`split.fold_column` is `nosuch`, which `train.csv` does not have"),
    ("binary", ['split.splitter="group"'], 2, "splitter `group` needs a column, and `split.group` is not set"),
    (
        "binary",
        ['split.splitter="holdout"', "split.holdout=0"],
        2,
        "`split.holdout` is 0, it must be above 0 and at most 0.5",
    ),
    (
        "binary",
        ['split.splitter="holdout"', "split.holdout=1.0"],
        2,
        "`split.holdout` is 1, it must be above 0 and at most 0.5",
    ),
    ("binary", ["split.holdout=2"], 2, "`split.holdout` is set, but splitter `stratified` does not use it"),
    ("binary", ["split.train_rows=0"], 2, "`split.train_rows` is 0, it must be at least 10"),
    ("binary", ["split.train_rows=-5"], 2, "`split.train_rows` is -5, it must be at least 10"),
    ("binary", ["split.train_rows=1"], 2, "`split.train_rows` is 1, it must be at least 10"),
    ("binary", ['model.name="tabn"'], 2, "unknown model `tabn`"),
    ("binary", ['model.name="model:nothing"'], 2, "unknown object in `model.py`: `nothing`"),
    ("binary", ["model.params.d_blok=3"], 2, "unknown parameter `model.params.d_blok`"),
    (
        "binary",
        ['model.name="mlp"', "model.params.d_block=0"],
        2,
        "`model.params.d_block` is 0, but it must be a number from 1 up",
    ),
    (
        "binary",
        ['model.name="mlp"', "model.params.d_block=-4"],
        2,
        "`model.params.d_block` is -4, but it must be a number from 1 up",
    ),
    (
        "binary",
        ['model.name="mlp"', 'model.params.d_block="wide"'],
        2,
        "`model.params.d_block` is 'wide': expected `int`, got `str`",
    ),
    (
        "binary",
        ['model.name="mlp"', "model.params.d_block=2.5"],
        2,
        "`model.params.d_block` is 2.5: expected `int`, got `float`",
    ),
    (
        "binary",
        ['model.name="mlp"', 'model.params.n_blocks="a"'],
        2,
        "`model.params.n_blocks` is 'a': expected `int`, got `str`",
    ),
    (
        "binary",
        ['model.name="tabm"', "model.params.k=0"],
        2,
        "`model.params.k` is 0, but it must be a number from 1 up",
    ),
    ("binary", ['model.name="tabm"', 'model.params.k="x"'], 2, "`model.params.k` is 'x': expected `int`, got `str`"),
    (
        "binary",
        ['model.name="ft-transformer"', "model.params.n_heads=7"],
        2,
        "`model.params.d_token` is 32, which 7 heads (`n_heads`) cannot share equally",
    ),
    (
        "binary",
        ['model.name="ft-transformer"', "model.params.n_heads=0"],
        2,
        "`model.params.n_heads` is 0, but it must be a number from 1 up",
    ),
    (
        "binary",
        ['model.name="realmlp"', "model.params.n_blocks=1.5"],
        2,
        "`model.params.n_blocks` is 1.5: expected `int`, got `float`",
    ),
    (
        "binary",
        ['model.name="modern-nca"', 'model.params.d_block="x"'],
        2,
        "`model.params.d_block` is 'x': expected `int`, got `str`",
    ),
    (
        "binary",
        ['model.name="lightgbm"', "model.params.num_leaves=-2"],
        2,
        "LightGBM refuses: Check failed: (num_leaves) > (1) at /__w/LightGBM/LightGBM/lightgbm-python/sr",
    ),
    (
        "binary",
        ['model.name="lightgbm"', 'model.params.num_leaves="many"'],
        2,
        'LightGBM refuses: Parameter num_leaves should be of type int, got "many"',
    ),
    ("binary", ['model.name="lightgbm"', "model.params.nosuch=1"], 2, "unknown parameter `model.params.nosuch`"),
    (
        "binary",
        ['model.name="lightgbm"', "model.params.learning_rate=-1"],
        2,
        "`model.params.learning_rate` is -1, but it must be above 0",
    ),
    (
        "binary",
        ['model.name="lightgbm"', "model.params.learning_rate=nan"],
        2,
        "`model.params.learning_rate` is nan, but it must be above 0",
    ),
    (
        "binary",
        ['model.name="xgboost"', "model.params.max_depth=-2"],
        2,
        "XGBoost refuses: value -2 for Parameter max_depth should be greater equal to 0",
    ),
    (
        "binary",
        ['model.name="xgboost"', 'model.params.max_depth="a"'],
        2,
        "XGBoost refuses: Invalid Parameter format for max_depth expect int but value='a'",
    ),
    ("binary", ['model.name="xgboost"', "model.params.nosuch=1"], 2, "unknown parameter `model.params.nosuch`"),
    (
        "binary",
        ['model.name="catboost"', "model.params.depth=100"],
        2,
        "CatBoost refuses: catboost/private/libs/options/oblivious_tree_options.cpp:128: Maximum tree de",
    ),
    (
        "binary",
        ['model.name="catboost"', 'model.params.depth="a"'],
        2,
        'CatBoost refuses: catboost/private/libs/options/json_helper.h:41: Can\'t parse parameter "depth"',
    ),
    (
        "binary",
        ['model.name="extra-trees"', "model.params.n_estimators=0"],
        2,
        "`model.params.n_estimators` is 0, but it must be a number from 1 up",
    ),
    ("binary", ['model.name="extra-trees"', "model.params.n_trees=-1"], 2, "unknown parameter `model.params.n_trees`"),
    ("binary", ['model.name="ridge"', "model.params.alpha=-1"], 2, "unknown parameter `model.params.alpha`"),
    ("binary", ['model.name="text-bag"'], 2, "model `text-bag` reads columns of text, and there is none"),
    ("binary", ['model.name="image-resnet"'], 2, "model `image-resnet` reads images, and no column names any"),
    (
        "binary",
        ['model.name="two-tower"'],
        2,
        "model `two-tower` learns from pairs of a user and an item, and the columns of both are not know",
    ),
    (
        "binary",
        ['model.name="factorization"'],
        2,
        "model `factorization` learns from pairs of a user and an item, and the columns of both are not ",
    ),
    ("regression", ['model.name="naive"'], 2, "model `naive` forecasts series, and the contract names none"),
    ("binary", ['model.name="lightgbm"', "model.monotone.nosuch=1"], 2, "`model.monotone`: unknown column `nosuch`"),
    (
        "binary",
        ['model.name="lightgbm"', "model.monotone.color=1"],
        2,
        "`model.monotone.color`: a column that is taken as `category` has no direction (3 distinct strin",
    ),
    ("binary", ["regularization.dropout=0.2"], 2, "`regularization.dropout` is 0.2, but `linear` has no dropout layer"),
    (
        "binary",
        ['model.name="mlp"', "model.params.n_blocks=-1"],
        2,
        "`model.params.n_blocks` is -1, but it must be a number from 0 up",
    ),
    (
        "binary",
        ['model.name="mlp"', "model.params.d_block=nan"],
        2,
        "`model.params.d_block` is nan: expected `int`, got `float`",
    ),
    (
        "binary",
        ['model.name="mlp"', "model.params.d_block=1000000000000"],
        2,
        "`model.params.d_block` is 1000000000000, but it must be at most 2147483647",
    ),
    (
        "binary",
        ['model.name="text-bag"', "model.params.term_dropout=1.5"],
        2,
        "`model.params.term_dropout` is 1.5, but it must be below 1",
    ),
    (
        "binary",
        ['model.name="extra-trees"', "model.params.max_features=-1"],
        2,
        "`model.params.max_features` is -1, but it must be a number from 0 up",
    ),
    (
        "binary",
        ['model.name="ridge"', 'model.params.penalty="x"'],
        2,
        "`model.params.penalty` is 'x': expected `float | null`, got `str`",
    ),
    (
        "binary",
        ['model.name="ridge"', "model.params.penalty=-1"],
        2,
        "`model.params.penalty` is -1, but it must be a number from 0 up",
    ),
    (
        "binary",
        ['model.name="lightgbm"', "model.params.n_estimators=0"],
        2,
        "`model.params.n_estimators` is 0, but it must be a number from 1 up",
    ),
    (
        "binary",
        ['model.name="xgboost"', "model.params.learning_rate=-3"],
        2,
        "`model.params.learning_rate` is -3, but it must be above 0",
    ),
    (
        "binary",
        ['model.name="catboost"', "model.params.learning_rate=-3"],
        2,
        "`model.params.learning_rate` is -3, but it must be above 0",
    ),
    (
        "binary",
        ['model.name="mlp"', "model.params.d_block=[3]"],
        2,
        "`model.params.d_block` is [3]: expected `int`, got `array`",
    ),
    (
        "binary",
        ['columns.size="image"'],
        2,
        "`[columns]`: `size` is to be taken as image, but its values name no files below `data/raw/`",
    ),
    (
        "binary",
        ['columns.when="number"'],
        3,
        "`when` is to be taken as number, but its value `2012-03-08` is no number",
    ),
    ("binary", ['split.time="color"'], 3, "`train.csv` line 2: `color` is `red`, which is no time"),
    (
        "binary",
        ['features.clamp.when="a"'],
        2,
        "`features.clamp.when` holds a column that is taken as `datetime` at “a”",
    ),
]
"""The same, where columns, rows or the model's own code have to be known."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("projects")
    return {problem: init_project(place / problem, problem) for problem in ("binary", "regression", "multiclass")}


@pytest.fixture
def train(folders, capsys, monkeypatch):
    """Trains with overrides that have to be refused; gives the error, and how often the data was read."""
    seen, read = [], []
    monkeypatch.setattr(Progress, "on_event", lambda self, event: seen.append(event))
    monkeypatch.setattr(aicomp.layout, "load_dataset", lambda project: read.append(1) or load_dataset(project))

    def run(problem, overrides, code):
        capsys.readouterr()
        arguments = [word for entry in (*BASE, *overrides) for word in ("--set", entry)]
        assert main(["train", "--json", "--project", str(folders[problem]), *arguments]) == code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert not [event for event in seen if isinstance(event, EpochEvent | FoldEvent)]
        assert list_runs(folders[problem] / "runs") == []
        error = json.loads(captured.out)["error"]
        assert error["hint"]
        return error["message"], len(read)

    return run


@pytest.mark.parametrize(("problem", "overrides", "code", "message"), BEFORE_THE_DATA)
def test_it_is_refused_before_the_data_is_read(train, problem, overrides, code, message):
    said, n_read = train(problem, overrides, code)
    assert said.startswith(message)
    assert n_read == 0


@pytest.mark.parametrize(("problem", "overrides", "code", "message"), AFTER_THE_DATA)
def test_it_is_refused_before_the_first_epoch(train, problem, overrides, code, message):
    for package in ("lightgbm", "xgboost", "catboost"):
        if f'model.name="{package}"' in overrides:
            pytest.importorskip(package)
    said, _ = train(problem, overrides, code)
    assert said.startswith(message)


def test_the_table_is_long_enough():
    assert len(BEFORE_THE_DATA) + len(AFTER_THE_DATA) >= 60
