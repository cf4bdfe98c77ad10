"""Models of the same kind as one: each of their tensors with a leading axis of models, run by `torch.func.vmap`.

Models of different folds differ in size (levels, bins and columns of the training rows). Their tensors are padded at
the end of each axis, with zeros that a mask keeps at zero, so that each model computes what it would compute alone;
`check_stack` tries that before anything is trained.
"""

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from aicomp.errors import AicompError
from aicomp.models.join import Join, places_of

Rows = tuple[Tensor, Tensor]
"""Numbers and codes of some rows."""


class Unstackable(AicompError):  # noqa: N818 - a reason to train one by one, not a failure
    """These models cannot be trained as one; the message says why, as the end of a sentence."""


class Stack:
    """Several models as one.

    Args:
        models: The models; they are left as they are.

    Attributes:
        template: The layers; its own weights are not used.
        parameters: Trained tensors by name, (n_models, ...), zero where a model has no such entry.
        masks: For the parameters that are padded: 1 where a model has an entry, else 0.

    Raises:
        Unstackable: Their layers differ, or hold something that cannot have an axis of models.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.template = _template(models)
        self.parameters: dict[str, nn.Parameter] = {}
        self.masks: dict[str, Tensor] = {}
        self._buffers: dict[str, Tensor] = {}
        trained = [dict(model.named_parameters()) for model in models]
        kept = [dict(model.named_buffers()) for model in models]
        for name, parameter in self.template.named_parameters():
            stacked, mask = _padded(name, [own.get(name) for own in trained])
            if not parameter.requires_grad:
                self._buffers[name] = stacked
                continue
            self.parameters[name] = nn.Parameter(stacked)
            if mask is not None:
                self.masks[name] = mask
        places = {f"{name}.places" for name, module in self.template.named_modules() if isinstance(module, Join)}
        for name, _ in self.template.named_buffers():
            if name not in places:
                self._buffers[name] = _padded(name, [own.get(name) for own in kept])[0]
        self._set_places(models)
        self._slots = [_slots(self.template, name) for name in (*self.parameters, *self._buffers)]
        self._forward = vmap(self._call, randomness="different")

    def _call(self, x_num: Tensor, x_cat: Tensor, *tensors: Tensor) -> Tensor:
        """The template with other tensors: what `functional_call` does, without its search for them in every step."""
        own = [slots[0][0][slots[0][1]] for slots in self._slots]
        _fill(self._slots, tensors)
        try:
            outputs: Tensor = self.template(x_num, x_cat)
        finally:
            _fill(self._slots, own)
        return outputs

    def _set_places(self, models: Sequence[nn.Module]) -> None:
        modules = [dict(model.named_modules()) for model in models]
        for name, join in self.template.named_modules():
            if isinstance(join, Join):
                absent = Join([0] * len(join.widths))
                joins = [own.get(name, absent) for own in modules]
                places = places_of([own for own in joins if isinstance(own, Join)])
                if places is not None:
                    join.places = places[0]
                    self._buffers[f"{name}.places"] = torch.stack(places)

    def outputs(self, x_num: Tensor, x_cat: Tensor, *, amp: bool) -> Tensor:
        """Outputs of each model for rows of its own, (n_models, n, ...) -> float32 (n_models, n, k, n_outputs)."""
        device = x_num.device.type
        # On a CPU, vmap knows attention only as the products that it is made of; the fast kernel would run one by one.
        attention = sdpa_kernel(SDPBackend.MATH) if device == "cpu" else nullcontext()
        with attention, torch.autocast(device, dtype=torch.bfloat16, enabled=amp):
            outputs: Tensor = self._forward(x_num, x_cat, *self.parameters.values(), *self._buffers.values())
        return (outputs if outputs.ndim == 4 else outputs.unsqueeze(2)).float()

    def to(self, device: torch.device) -> "Stack":
        """Move everything to a device."""
        self.template.to(device)
        self.parameters = {name: nn.Parameter(p.detach().to(device)) for name, p in self.parameters.items()}
        self.masks = {name: mask.to(device) for name, mask in self.masks.items()}
        self._buffers = {name: buffer.to(device) for name, buffer in self._buffers.items()}
        return self

    @torch.no_grad()
    def write_to(self, i: int, model: nn.Module) -> None:
        """Give model `i`, as it was stacked, the weights that it has now."""
        for name, parameter in model.named_parameters():
            if name in self.parameters:
                own = self.parameters[name][i]
                parameter.copy_(own[tuple(slice(n) for n in parameter.shape)])

    def keep(self, models: Sequence[int]) -> dict[nn.Parameter, nn.Parameter]:
        """Go on with some of the models; returns which parameter takes the place of which."""
        some = list(models)
        before = self.parameters
        self.parameters = {name: nn.Parameter(p.detach()[some]) for name, p in before.items()}
        self.masks = {name: mask[some] for name, mask in self.masks.items()}
        self._buffers = {name: buffer[some] for name, buffer in self._buffers.items()}
        return {before[name]: after for name, after in self.parameters.items()}


def _template(models: Sequence[nn.Module]) -> nn.Module:
    """A copy of the model that has the layers of all; sizes that its layers keep as numbers are the largest.

    Raises:
        Unstackable: None has, or a layer gathers statistics.
    """
    modules = [dict(model.named_modules()) for model in models]
    most = max(range(len(models)), key=lambda i: len(modules[i]))
    for own in modules:
        for name, module in own.items():
            if type(modules[most].get(name)) is not type(module):
                raise Unstackable(f"`{name}` ({type(module).__name__}) is a layer that not every fold's model has")
            if isinstance(module, nn.modules.batchnorm._NormBase) and module.track_running_stats:
                raise Unstackable(f"`{name}` ({type(module).__name__}) gathers statistics while it trains")
    template = copy.deepcopy(models[most])
    for name, module in template.named_modules():
        for key, value in vars(module).items():
            if type(value) is int:
                setattr(module, key, max(getattr(own[name], key) for own in modules if name in own))
    return template


def _slots(model: nn.Module, name: str) -> list[tuple[dict[str, Any], str]]:
    """Where a model's layers hold a parameter or buffer: several places if layers share it."""
    found = model.get_parameter(name) if name in dict(model.named_parameters()) else model.get_buffer(name)
    return [
        (held, key)
        for module in model.modules()
        for held in (module._parameters, module._buffers)
        for key, tensor in held.items()
        if tensor is found
    ]


def _fill(slots: Sequence[list[tuple[dict[str, Any], str]]], tensors: Sequence[Tensor | None]) -> None:
    for places, tensor in zip(slots, tensors, strict=True):
        for held, key in places:
            held[key] = tensor


def _padded(name: str, tensors: Sequence[Tensor | None]) -> tuple[Tensor, Tensor | None]:
    """Tensors as one, and what of it is their own; None where all of it is.

    Floats are padded with 0. Integers are places in something else: they are padded with the last one, so that what is
    written there is written twice.
    """
    present = [t.detach() for t in tensors if t is not None]
    if len({(t.ndim, t.dtype) for t in present}) > 1:
        raise Unstackable(f"`{name}` has different kinds of shapes in different folds")
    shape = [max(sizes) for sizes in zip(*(t.shape for t in present), strict=True)]
    stacked = present[0].new_zeros(len(tensors), *shape)
    mask = torch.zeros(stacked.shape)
    for i, tensor in enumerate(tensors):
        if tensor is None:
            continue
        own = tuple(slice(n) for n in tensor.shape)
        if not tensor.is_floating_point() and tensor.ndim == 1 and len(tensor):
            stacked[i] = tensor[-1]
        stacked[i][own] = tensor.detach()
        mask[i][own] = 1
    return stacked, None if bool(mask.all()) else mask


def pad_columns(parts: Sequence[Tensor]) -> list[Tensor]:
    """Rows of folds with different numbers of columns, padded with columns of zeros behind them."""
    width = max(part.shape[1] for part in parts)
    return [nn.functional.pad(part, (0, width - part.shape[1])) for part in parts]


def check_stack(models: Sequence[nn.Module], rows: Sequence[Rows]) -> None:
    """Try whether models, stacked, compute what each computes alone, and learn.

    Args:
        models: On the CPU.
        rows: As many rows for each model.

    Raises:
        Unstackable: They do not.
    """
    with torch.random.fork_rng(devices=[]), torch.set_grad_enabled(True):
        torch.manual_seed(0)
        tried = [copy.deepcopy(model) for model in models]
        with torch.no_grad():  # a head that starts at zero would hide what lies before it
            for parameter in (p for model in tried for p in model.parameters()):
                parameter.add_(0.1 * torch.randn_like(parameter))
        stack = Stack(tried)
        alone = _outputs_alone(tried, rows)
        x_num = torch.stack(pad_columns([r[0] for r in rows]))
        x_cat = torch.stack(pad_columns([r[1] for r in rows]))
        try:
            stack.template.train()
            stack.outputs(x_num, x_cat, amp=False).sum().backward()  # type: ignore[no-untyped-call]
            stack.template.eval()
            together = stack.outputs(x_num, x_cat, amp=False)
        except Exception as e:  # whatever a model's own code does under vmap is a reason, and is told
            raise Unstackable(f"`torch.func.vmap` cannot run the model: {_first_line(e)}") from e
    for i, outputs in enumerate(alone):
        own = outputs if outputs.ndim == 3 else outputs.unsqueeze(1)
        if not torch.allclose(together[i], own.float(), rtol=1e-3, atol=1e-4 * float(own.abs().max()) + 1e-6):
            raise Unstackable("padded to one size, the folds' models compute something else than alone")


def _outputs_alone(models: Sequence[nn.Module], rows: Sequence[Rows]) -> list[Tensor]:
    outputs = []
    for model, (x_num, x_cat) in zip(models, rows, strict=True):
        before = {name: b.clone() for name, b in model.named_buffers()}
        with torch.no_grad():
            model.train()(x_num, x_cat)
            outputs.append(model.eval()(x_num, x_cat))
        changed = [name for name, b in model.named_buffers() if name not in before or not torch.equal(b, before[name])]
        if changed:
            raise Unstackable(f"its `{changed[0]}` changes while it trains")
    return outputs


def _first_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]
