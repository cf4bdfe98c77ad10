"""A network compiled as a graph while it is trained, by torch.compile."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from aicomp.errors import AicompError


@contextmanager
def compiled(model: nn.Module, *, asked: bool) -> Iterator[None]:
    """Compile a network's forward and backward passes in place; names of weights and what is saved stay the same.

    Args:
        model: The network.
        asked: Whether to; without, nothing happens.

    Raises:
        AicompError: torch cannot compile it here; the message has its reason.
    """
    if not asked:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    model.compile(dynamic=True)  # the last batches of an epoch may be a row shorter
    try:
        yield
    except TorchDynamoException as e:
        reason = " ".join(str(e).split("\n\n")[0].split()) or type(e).__name__
        raise AicompError(f"the network cannot be compiled: {reason}", "write `--set training.compile=false`") from e
