"""A network of the package timm on images, with weights from a file, beside the other columns.

timm brings the architectures; weights are never downloaded, but read from a .safetensors file. What was loaded learns
at a tenth of the rate of what is new (Howard, Ruder, arXiv 1801.06146, call such rates discriminative).
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aicomp.errors import AicompError, UsageError
from aicomp.models.dropout import Dropout
from aicomp.models.embeddings import FeatureEmbedding
from aicomp.models.media import media_of, reading_images
from aicomp.models.spec import ModelSpec

_PACKAGE = "timm"
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_OF_WEIGHTS = 0.1
"""Learning rate of loaded weights over that of the new layer."""


class Backbone(nn.Module):
    """Features of a timm network, the mean over a row's images, and a layer.

    Shape: (batch, n_num), (batch, n_cat), (batch, n_media, channels, height, width) -> (batch, n_outputs).

    Args:
        spec: Inputs and outputs, with images.
        backbone: A name of `timm.list_models()`.
        weights: A .safetensors file, or a folder that holds one; None starts at random.

    Raises:
        UsageError: There are no images, no package, no such network or file.
        AicompError: The weights are of another network.
    """

    def __init__(self, spec: ModelSpec, backbone: str, weights: str | None) -> None:
        super().__init__()
        media = media_of(spec, "image-timm", "images")
        self._is_loaded = weights is not None
        self.backbone = _make(backbone, media.shape[0])
        if weights is not None:
            _load(self.backbone, weights_file(weights), backbone)
        mean, deviation = (media.mean, media.deviation)
        if weights is not None and media.shape[0] == 3:  # what they were trained on
            mean, deviation = _IMAGENET
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1))
        self.columns = FeatureEmbedding(spec) if spec.n_num or spec.n_cat else None
        d_in = int(self.backbone.num_features) + (self.columns.d_out if self.columns is not None else 0)
        self.head = nn.Sequential(Dropout(spec.dropout), nn.Linear(d_in, spec.n_outputs))

    mean: Tensor
    deviation: Tensor

    def forward(self, x_num: Tensor, x_cat: Tensor, images: Tensor) -> Tensor:
        """Predict a batch."""
        n, n_media = images.shape[:2]
        found = self.backbone((images.flatten(0, 1) - self.mean) / self.deviation)
        parts = [found.view(n, n_media, -1).mean(dim=1)]
        if self.columns is not None:
            parts.append(self.columns(x_num, x_cat))
        outputs: Tensor = self.head(torch.cat(parts, dim=1))
        return outputs

    def rates(self) -> dict[str, float]:
        """Learning rate of each parameter, over that of the new layers."""
        loaded = _OF_WEIGHTS if self._is_loaded else 1.0
        return {name: loaded if name.startswith("backbone.") else 1.0 for name, _ in self.named_parameters()}


@reading_images
def build_image_timm(spec: ModelSpec, *, backbone: str = "resnet18", weights: str | None = None) -> Backbone:
    """A network of timm; for the arguments see `Backbone`."""
    return Backbone(spec, backbone, weights)


build_image_timm.package = _PACKAGE  # type: ignore[attr-defined]


def _make(backbone: str, channels: int) -> Any:
    if find_spec(_PACKAGE) is None:
        raise UsageError("model `image-timm` needs `timm`", "pip install 'aicomp[image]'")
    try:
        import timm
    except (ImportError, RuntimeError) as e:  # torchvision of another build fails where it registers its operators
        raise UsageError(
            f"`timm` cannot be imported ({e}): it needs a torchvision of the same build as torch {torch.__version__}",
            "install both from one index, as https://pytorch.org says, or take `--set model.name=image-resnet`",
        ) from e
    if not timm.is_model(backbone):
        raise UsageError(f"timm has no network `{backbone}`", "`python -c 'import timm; print(timm.list_models())'`")
    return timm.create_model(backbone, pretrained=False, num_classes=0, in_chans=channels)


def weights_file(place: str) -> Path:
    """The .safetensors file of a path, or of a folder that holds one.

    Raises:
        UsageError: There is none, or several.
    """
    path = Path(place).expanduser()
    found = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if len(found) != 1 or not found[0].is_file() or found[0].suffix != ".safetensors":
        raise UsageError(
            f"`model.params.weights` is `{place}`, which is no .safetensors file and no folder with one",
            "name the file; weights in other forms can hold code, and are not read",
        )
    return found[0]


def _load(model: nn.Module, path: Path, backbone: str) -> None:
    """Take the weights of all layers but the classifier; a first layer of three channels is summed for gray images."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights: Mapping[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as e:
        raise AicompError(f"`{path}` cannot be read: {e}", "get the file again") from e
    own = model.state_dict()
    fitting = {name: _fitted(tensor, own[name]) for name, tensor in weights.items() if name in own}
    lacking = [name for name in own if name not in fitting]
    wrong = [name for name, tensor in fitting.items() if tensor.shape != own[name].shape]
    if lacking or wrong:
        name, fault = (lacking or wrong)[0], "is absent" if lacking else "has another shape"
        raise AicompError(
            f"`{path.name}` does not fit timm's `{backbone}`: `{name}` {fault}",
            "name the network that the weights are of with `--set model.params.backbone=...`",
        )
    model.load_state_dict(fitting)


def _fitted(tensor: Tensor, own: Tensor) -> Tensor:
    is_first = tensor.ndim == 4 and tensor.shape[1] == 3 and own.ndim == 4 and own.shape[1] == 1
    return tensor.sum(dim=1, keepdim=True) if is_first else tensor
