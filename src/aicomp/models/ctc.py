"""Model `ctc`: sounds to strings by connectionist temporal classification, from scratch, for speech.

Graves, Fernández, Gomez, Schmidhuber, "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
Recurrent Neural Networks" (ICML 2006): nothing says when a character is spoken; the loss is over all of the ways to
spread a target over time, with blanks between.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.data.arrays import as_objects, decode_strings, encode_strings
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.metrics.edits import edit_distances
from aicomp.models.ctc_decoding import BLANK, collapsed, frames_needed, prefix_beam_search
from aicomp.models.ctc_network import SpeechNetwork
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.media import media_of
from aicomp.models.space import Choice, Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.training.device import reproducible
from aicomp.training.epochs import Epochs
from aicomp.training.regularization import Average
from aicomp.training.schedules import one_cycle
from aicomp.training.sound_augmentation import SoundAugmentation

SPACE = (
    Float("model.params.learning_rate", 5e-4, 5e-3, log=True),
    Float("model.params.dropout", 0.0, 0.5),
    Int("model.params.d", 96, 256, step=32),
    Int("model.params.masks", 0, 4),
    Choice("model.params.n_layers", (1, 2)),
)

_STEPS = 1500
"""Steps in which some thousand short sequences are learned; fewer rows are seen more often."""
_FEWEST_EPOCHS, _MOST_EPOCHS = 12, 150
_SAMPLE = 300
"""Validation rows that are transcribed while it learns."""
_PATIENCE = 0.3
"""Share of the epochs without a better validation score after which it stops: the last part of a cycle gains much."""
_PREDICTED = 64
"""Rows that are transcribed side by side."""
_MARGIN = 0.05
"""Silence on both sides of a training sound, as a share of its length, so that no move cuts speech off."""
_MASK = 0.06
"""Largest share that a mask takes: of the time, less than a syllable mostly."""


class CTC:
    """Writes what is said, character by character; silence around it needs no length, its frames are blanks.

    What is kept is a moving average of the weights, at its best epoch.

    Args:
        spec: The inputs; the first column of sounds is read, no other.
        width: Channels of the first convolution; later ones have twice as many.
        d: Width of the recurrent layers in each direction.
        n_layers: Recurrent layers.
        stride: Steps of the spectrogram, 10 ms each, in a frame: 1, 2 or 4.
        dropout: Around the recurrent layers.
        learning_rate: At its peak; a cycle goes up to it and down.
        weight_decay: Shrinks the weights a little in each step.
        epochs: Most passes, by default by the number of rows.
        batch_size: Sounds in a step.
        ema: Decay of the moving average.
        pitch: Largest change of all pitches, as a share: another voice.
        stretch: Largest change of speed, as a share.
        shift: Largest move, as a share of the length.
        gain: Largest change of loudness, in decibels.
        noise: Loudest noise that is added, in decibels over silence.
        masks: Bands of pitch, and stretches of time, that are left out (SpecAugment).
        n_beams: Of the search.

    Raises:
        UsageError: There are no sounds, or a parameter is out of range.
    """

    numbers: ClassVar[Numbers] = "raw"
    reads_media: ClassVar[str] = "audio"
    learns_strings: ClassVar[bool] = True

    def __init__(
        self,
        spec: ModelSpec,
        *,
        width: int = 32,
        d: int = 128,
        n_layers: int = 1,
        stride: int = 4,
        dropout: float = 0.2,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        epochs: int | None = None,
        batch_size: int = 32,
        ema: float = 0.98,
        pitch: float = 0.15,
        stretch: float = 0.1,
        shift: float = 0.02,
        gain: float = 10.0,
        noise: float = 20.0,
        masks: int = 2,
        n_beams: int = 8,
    ) -> None:
        self._media = media_of(spec, "ctc", "sounds")
        _check(stride, epochs, n_beams, dropout=dropout, ema=ema, pitch=pitch, stretch=stretch, shift=shift)
        self._sizes = (width, d, n_layers, stride, dropout)
        self._learning_rate, self._weight_decay, self._ema = learning_rate, weight_decay, ema
        self._epochs, self._batch_size, self._n_beams = epochs, batch_size, n_beams
        self._augmentation = SoundAugmentation(pitch, stretch, shift, gain, noise, masks, _MASK)
        self._characters: list[str] = []
        self._model: SpeechNetwork | None = None
        self._device = torch.device("cpu")

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is an epoch, after which validation rows are transcribed greedily.

        Raises:
            UsageError: A target has more characters than its sound has frames, or no target has any.
        """
        self._device = torch.device(goal.device)
        self._characters = sorted(set("".join(y)))
        if not self._characters:
            raise UsageError("every training target is empty", "look at the target's column in train")
        with reproducible(goal.seed, self._device):
            self._model = self._network()
            targets = [self._codes(text) for text in y]
            _check_lengths(y, targets, self._model.n_frames(self._media.shape[2]))
            return self._train(self._model, train, targets, valid, valid_y, goal, watch)

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`: by prefix beam search."""
        return self._written(self._heard(rows), self._n_beams)

    def state_dict(self) -> State:
        """Weights and characters."""
        assert self._model is not None
        state = {f"model.{name}": t.detach().cpu().numpy() for name, t in self._model.state_dict().items()}
        return {**state, "characters": encode_strings(as_objects(self._characters))}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`."""
        self._characters = [str(c) for c in decode_strings(state["characters"])]
        self._model = self._network()
        weights = {n.removeprefix("model."): torch.from_numpy(a) for n, a in state.items() if n.startswith("model.")}
        self._model.load_state_dict(weights)

    def _network(self) -> SpeechNetwork:
        return SpeechNetwork(self._media, 1 + len(self._characters), *self._sizes).to(self._device)

    def _codes(self, text: str) -> list[int]:
        """Codes of the known characters, from 1."""
        code = {character: i for i, character in enumerate(self._characters, start=1)}
        return [code[character] for character in text if character in code]

    def _train(
        self,
        model: SpeechNetwork,
        train: Rows,
        targets: list[list[int]],
        valid: Rows,
        valid_y: np.ndarray,
        goal: Goal,
        watch: Watch,
    ) -> int:
        random = np.random.default_rng(goal.seed)
        sample = np.sort(random.permutation(len(valid))[:_SAMPLE])
        heard, wanted = valid.take(sample), valid_y[sample]
        wanted_codes = [self._codes(text) for text in wanted]
        n_batches = -(-len(train) // self._batch_size)
        n_epochs = self._epochs or int(np.clip(round(_STEPS / n_batches), _FEWEST_EPOCHS, _MOST_EPOCHS))
        optimizer = torch.optim.AdamW(_decayed(model, self._weight_decay), lr=self._learning_rate)
        average = Average(model)
        loop = Epochs(goal.checkpoints, model, optimizer, random=random, average=average)
        for epoch in loop.left(n_epochs):
            model.train()
            for step, at in loop.steps(lambda: np.array_split(random.permutation(len(train)), n_batches)):
                progress = (epoch - 1 + step / n_batches) / n_epochs
                for group in optimizer.param_groups:
                    group["lr"] = self._learning_rate * one_cycle(progress)
                sounds = self._augmentation(_with_silence(_sounds(train, at))).to(self._device)
                loop.losses.append(_step(optimizer, model, sounds, [targets[i] for i in at]))
                average.update_ema(model, self._ema)
            self._model = cast(SpeechNetwork, average.model)
            log_probs = list(self._heard(heard))
            written, valid_loss = self._written(log_probs, n_beams=1), _mean_loss(log_probs, wanted_codes)
            score = (_error_rate(wanted, written), valid_loss)  # in the first epochs nothing is written yet
            if loop.best is None or score < loop.best:
                loop.keep_best(score, average.model.state_dict)
            watch(Round(epoch, n_epochs, written, float(np.mean(loop.losses)), valid_loss, sample))
            if epoch - loop.best_epoch >= max(5, _PATIENCE * n_epochs):
                break
        self._model = cast(SpeechNetwork, average.model)
        average.model.load_state_dict(loop.kept)
        return loop.best_epoch

    def _written(self, log_probs: Iterable[Tensor], n_beams: int) -> np.ndarray:
        """What is said in each row, by what `_heard` gives."""
        found = []
        for row in (row for part in log_probs for row in part.numpy()):
            codes = collapsed(row.argmax(axis=1)) if n_beams == 1 else prefix_beam_search(row, n_beams)
            # An empty answer is no prediction: the character that is likeliest anywhere says more.
            codes = codes or [1 + int(row[:, 1:].max(axis=0).argmax())]
            found.append("".join(self._characters[code - 1] for code in codes))
        return as_objects(found)

    @torch.no_grad()
    def _heard(self, rows: Rows) -> Iterator[Tensor]:
        """Log-probabilities, (n, n_frames, n_codes), of some rows at a time."""
        assert self._model is not None
        self._model.eval()
        for start in range(0, len(rows), _PREDICTED):
            sounds = _sounds(rows, np.arange(start, min(start + _PREDICTED, len(rows))))
            yield _log_probs(self._model, sounds.to(self._device))


def _sounds(rows: Rows, at: np.ndarray) -> Tensor:
    """Spectrograms of some rows, float32 (n, 1, n_mels, n_steps)."""
    assert rows.media is not None
    return torch.from_numpy(rows.media.files[rows.media.index[at, 0]]).float()


def _with_silence(sounds: Tensor) -> Tensor:
    """The same with a margin before and after."""
    silence = sounds.amin(dim=(1, 2, 3), keepdim=True)
    margin = math.ceil(_MARGIN * sounds.shape[3])
    return F.pad(sounds - silence, (margin, margin)) + silence


def _log_probs(model: SpeechNetwork, sounds: Tensor) -> Tensor:
    """On the CPU: there the loss is the same in each run, which it is not on a GPU."""
    logits: Tensor = model(sounds)
    return logits.float().log_softmax(dim=2).cpu()


def _losses(log_probs: Tensor, targets: Sequence[list[int]]) -> Tensor:
    """Negative log-probability of each target by its characters, (n,)."""
    lengths = torch.tensor([len(codes) for codes in targets])
    joined = torch.tensor([code for codes in targets for code in codes], dtype=torch.int64)
    n_frames = torch.full((len(targets),), log_probs.shape[1])
    losses = F.ctc_loss(log_probs.transpose(0, 1), joined, n_frames, lengths, blank=BLANK, reduction="none")
    return losses / lengths.clamp(min=1)


def _mean_loss(log_probs: Sequence[Tensor], targets: list[list[int]]) -> float:
    """Over the rows whose targets their frames have room for; NaN if there are none."""
    every = _losses(torch.cat(list(log_probs)), targets)
    return float(every[every.isfinite()].mean())


def _step(optimizer: torch.optim.Optimizer, model: SpeechNetwork, sounds: Tensor, targets: list[list[int]]) -> float:
    loss = _losses(_log_probs(model, sounds), targets).mean()
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


def _error_rate(wanted: np.ndarray, written: np.ndarray) -> float:
    """Edits by characters, over all rows."""
    edits = int(edit_distances(list(wanted), list(written)).sum())
    return edits / max(1, sum(map(len, wanted)))


def _decayed(model: SpeechNetwork, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and filters shrink a little in each step; biases and norms do not."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _check_lengths(y: np.ndarray, targets: list[list[int]], n_frames: int) -> None:
    for i, codes in enumerate(targets):
        if frames_needed(codes) > n_frames:
            text = y[i] if len(y[i]) <= 40 else f"{y[i][:37]}..."
            raise UsageError(
                f"the target `{text}` (training row {i + 1} of the fold) has {len(codes)} characters, which take "
                f"{frames_needed(codes)} frames, and a sound has {n_frames}",
                "raise `data.seconds` if sounds are cut, or run with `--set model.params.stride=1`",
            )


def _check(stride: int, epochs: int | None, n_beams: int, **shares: float) -> None:
    if stride not in (1, 2, 4):
        raise UsageError(f"`model.params.stride` is {stride}", "write 1, 2 or 4")
    for name, count in (("epochs", epochs), ("n_beams", n_beams)):
        if count is not None and count < 1:
            raise UsageError(f"`model.params.{name}` is {count}, it must be at least 1", "leave it out")
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise UsageError(f"`model.params.{name}` is {value}, it must lie in [0, 1)", "leave it out")
