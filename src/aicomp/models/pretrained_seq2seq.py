"""Model `pretrained-seq2seq`: an encoder-decoder of Hugging Face Transformers, fine-tuned; such as BART, T5 or Marian.

Lewis et al., "BART" (arXiv 1910.13461); Raffel et al., "T5" (arXiv 1910.10683).
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from aicomp.data.arrays import as_objects
from aicomp.data.rows import Rows
from aicomp.errors import UsageError
from aicomp.metrics.consensus import chrf_similarity
from aicomp.models.encoder import check_package, hub_or_folder, reading_pretrained
from aicomp.models.estimator import Goal, Numbers, Round, State, Watch
from aicomp.models.sentences import check_has_text
from aicomp.models.space import Float, Int
from aicomp.models.spec import ModelSpec
from aicomp.training.device import has_bfloat16, reproducible
from aicomp.training.epochs import Epochs

SPACE = (Float("model.params.learning_rate", 1e-5, 1e-3, log=True), Int("model.params.epochs", 1, 10, log=True))

_NAME = "pretrained-seq2seq"
_IGNORED = -100
"""Number of a piece that no loss is taken of, in Transformers."""

_SAMPLE = 100
_ROWS = 32


class PretrainedSeq2Seq:
    """Fine-tunes a pretrained model on the pairs; the epoch that writes best on some validation rows is kept.

    Args:
        spec: The inputs; at least one is a text. Texts of a row stand one behind the other; other columns are not read.
        model: A folder with config, tokenizer and weights in safetensors, or a name of the hub.
        revision: Commit of a name of the hub.
        prefix: What stands before each source, such as "summarize: " for T5.
        epochs: Passes over the training rows; 0 takes the model as it is.
        learning_rate: At its peak, after a tenth of the steps; then it falls along a line.
        batch_size: Rows in a step.
        max_source: Pieces of a source that are read.
        max_target: Pieces of a target that are learned and written.
        n_beams: Of the search.

    Raises:
        UsageError: There is no text, no model is named, the package is missing, or a name of the hub lacks a revision.
    """

    numbers: ClassVar[Numbers] = "normal"
    reads_texts: ClassVar[bool] = True
    learns_strings: ClassVar[bool] = True
    package: ClassVar[str] = "transformers"

    def __init__(
        self,
        spec: ModelSpec,
        *,
        model: str = "",
        revision: str | None = None,
        prefix: str = "",
        epochs: int = 3,
        learning_rate: float = 5e-5,
        batch_size: int = 16,
        max_source: int = 512,
        max_target: int = 128,
        n_beams: int = 4,
    ) -> None:
        check_has_text(spec, _NAME)
        check_package(_NAME)
        if not model:
            raise UsageError(
                f"model `{_NAME}` needs to know which model to fine-tune",
                "name a folder or a model of the hub: `--set model.params.model=FOLDER`",
            )
        self._place, self._revision = hub_or_folder(model, revision), revision
        self._prefix, self._epochs, self._learning_rate = prefix, epochs, learning_rate
        self._batch_size, self._max_source, self._max_target = batch_size, max_source, max_target
        self._n_beams = n_beams
        self._device = torch.device("cpu")
        self._model: Any = None
        self._tokenizer: Any = None

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """See `Estimator`; a round is an epoch, of which some validation rows are written greedily."""
        self._device = torch.device(goal.device)
        with reproducible(goal.seed, self._device):
            self._open()
            sources = self._sources(train)
            random = np.random.default_rng(goal.seed)
            sample = np.sort(random.permutation(len(valid))[:_SAMPLE])
            optimizer = torch.optim.AdamW(self._model.parameters(), lr=self._learning_rate, weight_decay=0.01)
            n_steps = max(1, self._epochs * math.ceil(len(y) / self._batch_size))
            loop = Epochs(goal.checkpoints, self._model, optimizer, random=random)
            for epoch in loop.left(self._epochs, first=min(1, self._epochs)):
                for _, at in loop.steps(lambda: self._batches(random, len(y)) if self._epochs else []):
                    for group in optimizer.param_groups:
                        group["lr"] = self._learning_rate * _course(loop.step, n_steps)
                    loop.losses.append(self._step(optimizer, [sources[i] for i in at], list(y[at])))
                written = self._write(valid.take(sample), n_beams=1)
                pairs = zip(valid_y[sample], written, strict=True)
                score = float(np.mean([chrf_similarity(truth, text) for truth, text in pairs]))
                if loop.best is None or score > loop.best:
                    loop.keep_best(score, lambda: {name: t.cpu() for name, t in self._model.state_dict().items()})
                train_loss = float(np.mean(loop.losses)) if epoch else math.nan
                watch(Round(epoch, self._epochs, written, train_loss, 1 - score, sample))
            self._model.load_state_dict(loop.kept)
        return loop.best_epoch

    def _batches(self, random: np.random.Generator, n: int) -> list[np.ndarray]:
        order = random.permutation(n)
        return [order[start : start + self._batch_size] for start in range(0, n, self._batch_size)]

    def predict(self, rows: Rows) -> np.ndarray:
        """See `Estimator`: by beam search."""
        return self._write(rows, n_beams=self._n_beams)

    def state_dict(self) -> State:
        """The weights; config and tokenizer stay where they were read."""
        return {name: t.detach().float().cpu().numpy() for name, t in _own(self._model).items()}

    def load_state_dict(self, state: State) -> None:
        """See `Estimator`; the folder or the hub must still have config and tokenizer."""
        self._open()
        self._model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()}, strict=False)

    def _open(self) -> None:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        place, revision = self._place, self._revision
        model = reading_pretrained(
            place,
            lambda: AutoModelForSeq2SeqLM.from_pretrained(place, revision=revision, use_safetensors=True),
            "model",
        )
        self._model = model.to(self._device)
        self._tokenizer = reading_pretrained(
            place, lambda: AutoTokenizer.from_pretrained(place, revision=revision), "tokenizer"
        )

    def _sources(self, rows: Rows) -> list[str]:
        assert rows.texts is not None
        return [self._prefix + "\n".join(row) for row in rows.texts]

    def _step(self, optimizer: torch.optim.Optimizer, sources: list[str], targets: list[str]) -> float:
        self._model.train()
        inputs = self._cut(sources, self._max_source)
        labels = self._tokenizer(
            text_target=targets, max_length=self._max_target, truncation=True, padding=True, return_tensors="pt"
        )
        wanted = labels["input_ids"].masked_fill(labels["attention_mask"] == 0, _IGNORED).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=has_bfloat16(self._device)):
            loss: Tensor = self._model(**inputs, labels=wanted).loss
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _write(self, rows: Rows, n_beams: int) -> np.ndarray:
        self._model.eval()
        sources = self._sources(rows)
        found = as_objects([""] * len(sources))
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        for start in range(0, len(order), _ROWS):
            at = order[start : start + _ROWS]
            inputs = self._cut([sources[i] for i in at], self._max_source)
            written = self._model.generate(
                **inputs, num_beams=n_beams, max_new_tokens=self._max_target, do_sample=False
            )
            for i, text in zip(at, self._tokenizer.batch_decode(written, skip_special_tokens=True), strict=True):
                found[i] = text.strip() or sources[i].strip() or "-"
        return found

    def _cut(self, texts: Sequence[str], most: int) -> dict[str, Tensor]:
        cut = self._tokenizer(list(texts), max_length=most, truncation=True, padding=True, return_tensors="pt")
        return {name: cut[name].to(self._device) for name in ("input_ids", "attention_mask")}


def _own(model: Any) -> dict[str, Tensor]:
    """Weights, of those that several names share the first: safetensors take no tensor twice."""
    seen: set[int] = set()
    found = {}
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            found[name] = tensor
        seen.add(tensor.data_ptr())
    return found


def _course(step: int, n_steps: int) -> float:
    """Share of the peak learning rate: up in the first tenth, then down along a line."""
    rise = max(1, n_steps // 10)
    return (step + 1) / rise if step < rise else (n_steps - step) / max(1, n_steps - rise)
