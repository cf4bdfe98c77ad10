"""`aicomp.toml`: a typed config in which an unknown key is an error."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from aicomp.model_names import is_network
from aicomp.toml_files import apply_overrides, read_toml, to_struct

Auto = Literal["auto"]


class _Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of the TOML file; unknown keys are refused."""


class FeaturesConfig(_Section, frozen=True):
    """`[features]`: the project's own code that turns a raw table into features.

    Attributes:
        function: `file:object`; "" takes the raw table as it is.
        clamp: Column -> a range such as [0, 100], into which values are clipped, or a value at which the column is
            held, wherever a model predicts; it learns from values as they are.
    """

    function: str | None = "features:add_features"
    clamp: dict[str, tuple[float, float] | float | bool | str] = {}


class DataConfig(_Section, frozen=True):
    """`[data]`: how tables are read, and image and sound files that columns name.

    Attributes:
        streaming: Whether tables are read, encoded and trained from disk in parts; "auto" does so where they would take
            more than half of the memory that is free.
        image_size: Pixels of each side; "auto" takes the median of the files' shorter sides, 128 at most; where
            boxes are to be found, half of what the files have, from 128 to 512.
        image_fit: "stretch" takes the whole image whatever its sides, "crop" its middle square.
        pixels: "auto" takes columns such as pixel0 to pixel783 as one image; "none" leaves them numbers.
        sample_rate: Samples of a second of sound; "auto" takes the files' own, 16,000 at most.
        seconds: Length of a sound: shorter ones get silence around them, of longer ones the middle is taken; "auto" is
            one that 95 of 100 files do not exceed, 10 at most.
        n_mels: Bands of pitch that a sound is divided into.
        on_bad_file: "stop" ends with the first file that is missing or cannot be read, "count" takes a blank one
            instead and says how many there were.
    """

    streaming: bool | Auto = "auto"
    image_size: int | Auto = "auto"
    image_fit: Literal["stretch", "crop"] = "stretch"
    pixels: Literal["auto", "none"] = "none"
    sample_rate: int | Auto = "auto"
    seconds: float | Auto = "auto"
    n_mels: int = 64
    on_bad_file: Literal["stop", "count"] = "stop"


class SplitConfig(_Section, frozen=True):
    """`[split]`: how rows become validation folds.

    Attributes:
        splitter: A name of `aicomp list splitters`, `file:object`, or "auto" (from target, groups and time).
        n_splits: Number of folds.
        n_repeats: Repetitions with other shuffles (splitter "repeated" only).
        group: Column whose rows stay together; None takes the competition's.
        time: Column that orders rows; None takes the competition's.
        fold_column: Column of train that holds the fold of each row.
        holdout: Share of the rows that the splitter "holdout" validates; "auto" is a tenth, and at most 5000 rows.
        seed: Seed of the shuffles. It is apart from `seed`, so that runs of other seeds have the same folds and blend.
        train_rows: Most training rows of a fold, drawn at random by `seed`; "auto" takes all. Validation rows are the
            same in any case, so that such runs blend with others.
    """

    splitter: str = "auto"
    n_splits: int = 5
    n_repeats: int = 1
    group: str | None = None
    time: str | None = None
    fold_column: str | None = None
    holdout: float | Auto = "auto"
    seed: int = 0
    train_rows: int | Auto = "auto"


class ModelConfig(_Section, frozen=True):
    """`[model]`: a name of `aicomp list models` or `file:object`, and its keyword arguments.

    Attributes:
        name: The model.
        params: Its keyword arguments.
        monotone: Column of numbers -> 1 where predictions may only rise with it, -1 where they may only fall.
    """

    name: str = "tabm"
    params: dict[str, Any] = {}
    monotone: dict[str, Literal[1, -1]] = {}

    @property
    def is_network(self) -> bool:
        """See `is_network`."""
        return is_network(self.name)


class TrainingConfig(_Section, frozen=True):
    """`[training]`: optimizer, schedule and length; "auto" is chosen from the data's size.

    Attributes:
        optimizer: "adamw", "adam", "sgd" (with momentum), "lion", "muon" (hidden matrices, with AdamW for the rest) or
            "schedule-free" (AdamW that averages weights instead of a falling learning rate); "auto" follows the model.
        learning_rate: Peak learning rate; "auto" follows the optimizer.
        batch_size: Rows in one step.
        micro_batch: Rows of a step that are in memory at once; the gradients of a step's parts are added up, so that it
            is that of the whole batch. "auto" takes the batch; `aicomp train --plan` says what fits.
        epochs: Most passes over the fold's training rows.
        schedule: Course of the learning rate over the epochs; "auto" follows the model, is "constant" under `swa` and
            "warmup" under "schedule-free".
        amp: Mixed precision: bfloat16 where the processor or the GPU has it.
        compile: Compile the network's graph with torch.compile before it is trained: on a GPU worth its half minute for
            long trainings. On a CPU it needs a C++ compiler and is slower than without.
        loss: "auto" follows the metric.
        target: What of a regression target is learned: "standard" itself, "log1p" log(1 + y), "box-cox" (above 0) or
            "yeo-johnson" a power of it; all are standardized, and predictions are turned back. "auto" follows the
            metric, and takes a power for targets from 0 up with a long tail (trees: not under squared errors).
        numbers: How numbers reach the network: "normal" by their rank, as the quantile of a normal distribution,
            "robust" by their distance to the median, far ones clipped smoothly; "auto" follows the model.
        quantile: Level of the loss "quantile", between 0 and 1; "auto" follows the metric, else 0.5.
        shard: Train one fold at a time by several processes, each with a part of every batch: one for each GPU, or on a
            CPU `workers`. "fsdp" (or true) divides the weights too, for a network that does not fit into one GPU;
            "ddp" leaves each process all of them, which takes less talk between processes.
        layout: "processes" trains folds side by side in `workers` processes, "stacked" as one network of stacked
            weights in one; "auto" takes what a short measurement finds faster.
        checkpoint: Seconds of training that may be lost when it is killed: so often the state of a fold that is being
            trained is written. 0 keeps whole folds alone.
    """

    optimizer: Literal["auto", "adamw", "adam", "sgd", "lion", "muon", "schedule-free"] = "auto"
    learning_rate: float | Auto = "auto"
    batch_size: int | Auto = "auto"
    micro_batch: int | Auto = "auto"
    epochs: int | Auto = "auto"
    schedule: Literal["auto", "constant", "cosine", "coslog4", "one-cycle", "warmup"] = "auto"
    amp: bool | Auto = "auto"
    compile: bool = False
    loss: Literal["auto", "cross-entropy", "mse", "mae", "huber", "log-mse", "quantile"] = "auto"
    target: Literal["auto", "standard", "log1p", "box-cox", "yeo-johnson"] = "auto"
    numbers: Literal["auto", "normal", "robust"] = "auto"
    quantile: float | Auto = "auto"
    shard: bool | Literal["ddp", "fsdp"] = False
    layout: Literal["auto", "processes", "stacked"] = "auto"
    checkpoint: float = 60.0

    @property
    def sharding(self) -> Literal["", "ddp", "fsdp"]:
        """How several processes train a fold together; "" where one trains it alone."""
        return self.shard if isinstance(self.shard, str) else "fsdp" if self.shard else ""


class RegularizationConfig(_Section, frozen=True):
    """`[regularization]`: each entry can be switched off by 0 or false.

    Attributes:
        weight_decay: Shrinks weights (not biases, norms or scales) towards zero in each step.
        dropout: Probability with which a hidden unit is silenced in a training step.
        dropout_schedule: Course of that probability over the epochs: "constant", or "flat-cosine" down to zero in the
            second half; "auto" follows the model.
        label_smoothing: Share of each class label spread over all classes.
        mixup: Alpha of the Beta distribution that blends pairs of training rows and their targets.
        clip_norm: Largest norm of the gradient of one step.
        early_stopping: Epochs without a better validation score before training stops and the best epoch is kept.
        ema: Decay of the exponential moving average of the weights that is validated and saved.
        swa: Share of the last epochs whose weights are averaged with equal weight.
        sam: Radius of sharpness-aware minimization: the gradient is taken at the worst point within it.
        input_noise: Standard deviation of Gaussian noise added to the encoded numbers in training.
    """

    weight_decay: float | Auto = "auto"
    dropout: float | Auto = "auto"
    dropout_schedule: Literal["auto", "constant", "flat-cosine"] = "auto"
    label_smoothing: float | Auto = "auto"
    mixup: float = 0.0
    clip_norm: float | Auto = "auto"
    early_stopping: int | Auto = "auto"
    ema: float | Auto = "auto"
    swa: float = 0.0
    sam: float = 0.0
    input_noise: float = 0.0


class ForecastConfig(_Section, frozen=True):
    """`[forecast]`: what is known of the series.

    Attributes:
        period: Steps after which a series comes round; "auto" follows from the step: 4 for quarters, 12 for months, 52
            for weeks, 7 for days, 24 for hours, else 1.
    """

    period: int | Auto = "auto"


class AugmentationConfig(_Section, frozen=True):
    """`[augmentation]`: how training images and sounds are changed at random; "auto" follows a fold's training rows.

    Attributes:
        flip: Images: mirrored one time in two, from left to right or also from top to bottom. "auto" mirrors where the
            training images mean the same mirrored, as digits do not.
        shift: Largest move, as a share of the side; of sounds in time.
        zoom: Images: largest change of size, as a share.
        rotate: Images: largest turn, in degrees.
        color: Images: largest change of brightness, contrast and saturation, as a share.
        randaugment: Images: operations of RandAugment on each.
        erasing: Images: probability with which a rectangle is erased.
        cutmix: Images: alpha of the Beta distribution of the share that a rectangle of another image takes, and its
            target.
        tta: Images: predictions are means over mirror images; "auto" where training mirrors.
        pitch: Sounds: largest change of all pitches, as a share.
        stretch: Sounds: largest change of speed, as a share.
        gain: Sounds: largest change of loudness, in decibels.
        noise: Sounds: loudest added noise, in decibels above silence.
        masks: Sounds: bands of pitch, and stretches of time, that are left out.
    """

    flip: Literal["auto", "none", "horizontal", "both"] = "auto"
    shift: float | Auto = "auto"
    zoom: float | Auto = "auto"
    rotate: float | Auto = "auto"
    color: float | Auto = "auto"
    randaugment: int | Auto = "auto"
    erasing: float | Auto = "auto"
    cutmix: float | Auto = "auto"
    tta: bool | Auto = "auto"
    pitch: float | Auto = "auto"
    stretch: float | Auto = "auto"
    gain: float | Auto = "auto"
    noise: float | Auto = "auto"
    masks: int | Auto = "auto"


class OutputConfig(_Section, frozen=True):
    """`[output]`: from predictions to what is submitted.

    Attributes:
        last_step: "auto" fits the last step that the metric wants (thresholds, multipliers of classes, cut points,
            calibration, clipping) on out-of-fold predictions and keeps it if it helps on other folds; "none" takes the
            likeliest class, 0.5 as threshold, and probabilities and values as they are.
    """

    last_step: Literal["auto", "none"] = "auto"


class NotebookConfig(_Section, frozen=True):
    """`[notebook]`: what a notebook on Kaggle finds there, and what it must bring along.

    The last four are for one that trains, `aicomp train --engine kaggle`.

    Attributes:
        packages: Packages that are installed here and that Kaggle's image lacks: their wheels go along.
        image: Packages of Kaggle's image that the project uses, beside torch, pandas and those that aicomp needs: a
            rehearsal sees them.
        python: Python of Kaggle's image, such as "3.12": compiled packages go along for that one. By default the one
            that runs here.
        accelerator: "gpu", "none", or "auto": a GPU for the models that take one.
        machine: Kaggle's own name of a machine, such as "NvidiaTeslaT4"; by default Kaggle gives one.
        internet: Whether it reaches the internet; nothing that `aicomp` does needs it.
        hours: After which it is ended.
    """

    packages: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    python: str = ""
    accelerator: Literal["auto", "gpu", "none"] = "auto"
    machine: str = ""
    internet: bool = False
    hours: float = 12.0


class TuneConfig(_Section, frozen=True):
    """`[tune]`: what `aicomp tune` tries.

    Attributes:
        space: Key of this file -> its range, such as `"training.learning_rate" = {low=1e-4, high=1e-2, log=true}`, a
            list of choices, or false to leave it out; the rest is the model's own `SPACE`.
    """

    space: dict[str, Any] = {}


class PseudoConfig(_Section, frozen=True):
    """`[pseudo]`: test rows that are trained on with labels predicted by another run.

    Attributes:
        run: The run that labels them, as with `--pseudo`; "" trains on train alone. It must have the same folds.
        share: Most such rows for each training row of a fold; if test has more, some are drawn.
        confidence: Least probability of a row's likeliest label with which it is taken; 0 takes all rows.
    """

    run: str = ""
    share: float = 1.0
    confidence: float = 0.0


class CheckConfig(_Section, frozen=True):
    """`[check]`: what may be wrong with the validation.

    Attributes:
        train: Whether `aicomp train` makes the cheapest checks of `aicomp check` before it trains, in a second or so.
    """

    train: bool = True


class EngineConfig(_Section, frozen=True):
    """`[engine]`: where folds are trained; what comes out does not hang on it.

    Attributes:
        name: "local" trains in processes of this machine, "ray" as tasks on a Ray cluster, see docs/scale.md.
        address: Of the cluster: "auto" finds the one that this machine belongs to, "HOST:PORT" is its head, "local"
            starts one on this machine for as long as the command lasts.
        retries: How often a fold is begun anew when the process or the node that trains it dies.
    """

    name: Literal["local", "ray"] = "local"
    address: str = "auto"
    retries: int = 2


class StorageConfig(_Section, frozen=True):
    """`[storage]`: a copy of every run outside this machine.

    Attributes:
        mirror: A folder as fsspec writes it, such as "s3://bucket/titanic" or "file:///mnt/runs"; each fold is copied
            there when it is trained, and the run when it is done. "" keeps none.
    """

    mirror: str = ""


class Config(_Section, frozen=True):
    """The whole of `aicomp.toml`.

    Attributes:
        competition: File with the contract, relative to the project.
        template: Name of the template that the project came from.
        seed: Seed of weights and batches.
        device: "auto" takes CUDA, then MPS, then the CPU.
        workers: Processes that train folds side by side; 0 trains in the calling process.
        columns: Column name -> kind, overriding what was inferred.
    """

    competition: str = "competition.toml"
    template: str = "tabular"
    seed: int = 0
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    workers: int | Auto = "auto"
    features: FeaturesConfig = FeaturesConfig()
    columns: dict[str, str] = {}
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    regularization: RegularizationConfig = RegularizationConfig()
    forecast: ForecastConfig = ForecastConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    output: OutputConfig = OutputConfig()
    notebook: NotebookConfig = NotebookConfig()
    tune: TuneConfig = TuneConfig()
    pseudo: PseudoConfig = PseudoConfig()
    check: CheckConfig = CheckConfig()
    engine: EngineConfig = EngineConfig()
    storage: StorageConfig = StorageConfig()


def load_config(path: Path, overrides: list[str] | None = None) -> Config:
    """Read `aicomp.toml` and apply `--set key=value` overrides.

    Args:
        path: The file.
        overrides: Entries such as "regularization.dropout=0.2"; the value is read as TOML, else as a string.

    Raises:
        UsageError: Not TOML, an unknown key (with the nearest known one), or a value of the wrong type.
    """
    tree = read_toml(path)
    apply_overrides(tree, overrides or [])
    return to_struct(tree, Config, str(path.name))
