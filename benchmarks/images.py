"""What a step of `image-resnet` costs a core by precision and by the order of its numbers, and what augmentation adds.

    python benchmarks/images.py [--side 28] [--channels 1] [--batch 128]

Seconds are those of this process alone, so that others on the same cores do not count; of several steps the fastest.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F  # noqa: N812 - its usual name

from aicomp.models import MediaInput, ModelSpec, build_image_resnet
from aicomp.training.image_augmentation import ImageAugmentation

STEPS = 8
N_CLASSES = 10
FORMATS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


def fastest(step: Callable[[], object]) -> float:
    """Milliseconds of the fastest of some steps."""
    seconds = []
    for _ in range(STEPS):
        started = time.process_time()
        step()
        seconds.append(time.process_time() - started)
    return 1e3 * min(seconds)


def step_of(images: torch.Tensor, order: torch.memory_format, *, amp: bool, train: bool) -> Callable[[], object]:
    """A step of training, or the prediction, of a batch of images (n, channels, side, side)."""
    shape = (images.shape[1], images.shape[2], images.shape[3])
    spec = ModelSpec(0, (), N_CLASSES, media=MediaInput(1, shape, (0.5,) * shape[0], (0.25,) * shape[0]))
    network = build_image_resnet(spec)
    model = torch.nn.Sequential(network.stages, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), network.head)
    model.to(memory_format=order).train(train)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    labels = torch.randint(N_CLASSES, (len(images),))
    images = images.contiguous(memory_format=order)

    def learn() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=amp):
            outputs = model(images)
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(outputs.float(), labels).backward()
        optimizer.step()

    def predict() -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=amp):
            model(images)

    return learn if train else predict


def main() -> None:
    """Print a table in milliseconds an image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.rand(options.batch, options.channels, options.side, options.side)
    print("| | step of training | prediction |\n|---|---|---|")
    for name, order in FORMATS.items():
        for amp in (False, True):
            costs = [fastest(step_of(images, order, amp=amp, train=train)) / options.batch for train in (True, False)]
            print(f"| {'bfloat16' if amp else 'float32'}, {name} | {costs[0]:.3f} | {costs[1]:.3f} |")
    for augmentation in (
        ImageAugmentation("horizontal", shift=0.1),
        ImageAugmentation("horizontal", 0.1, 0.1, 10, 0.2),
    ):
        cost = fastest(lambda chosen=augmentation: chosen(images)) / options.batch  # type: ignore[misc]
        what = "mirrored, moved" + (", scaled, turned, other colors" if augmentation.color else "")
        print(f"| augmentation: {what} | {cost:.3f} | |")


if __name__ == "__main__":
    main()
