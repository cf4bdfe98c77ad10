"""One of several processes that fine-tune an encoder together: `shard_process.py RANK N STORE ENCODER LORA`.

Prints losses, predictions and the names of the weights that it ends with.
"""

import json
import os
import sys

import torch
from test_text_linear import with_texts
from training_cases import BINARY, a_fold

from aicomp.config import Config, ModelConfig, RegularizationConfig, TrainingConfig
from aicomp.models import build_transformer
from aicomp.training.fit import fit_fold
from aicomp.training.share import Share


def main() -> None:
    rank, n, store, encoder, lora = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    if n > 1:
        torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=n)
    config = Config(
        model=ModelConfig("transformer"),
        training=TrainingConfig(epochs=2, batch_size=16, learning_rate=0.01, amp=False, shard=n > 1),
        regularization=RegularizationConfig(dropout=0.0),
    )
    result = fit_fold(
        with_texts(a_fold(BINARY, n=64), BINARY), BINARY, config,
        lambda spec: build_transformer(spec, encoder=encoder, lora=lora, checkpointing=bool(lora)),
        seed=0, device=torch.device("cpu"), share=Share(rank, n),
    )  # fmt: skip
    told = {
        "losses": [[row["train_loss"], row["valid_loss"]] for row in result.history],
        "test": result.test_pred.tolist(),
        "weights": {name: list(t.shape) for name, t in result.state_dict.items()},
    }
    print(json.dumps(told), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
