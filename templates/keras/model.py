"""The project's network in Keras 3, the same on torch and on TensorFlow: `params = { backend = "torch" }`."""

from typing import Any, ClassVar

import numpy as np
from aicomp.data.rows import Rows
from aicomp.models import Goal, ModelSpec, Round, State, Watch
from aicomp.models.estimator import refuse_quantile
from aicomp.models.keras_backend import load_keras


class KerasModel:
    """Embedded codes beside the numbers, hidden layers, a linear head; the best epoch on the validation rows is kept.

    Args:
        spec: How many numbers there are, and how many levels each code has.
        backend: "torch", "tensorflow" or "jax".
        n_blocks: Hidden layers.
        d_block: Units of each.
        dropout: Probability with which a hidden unit is silenced in training.
        learning_rate: At its peak; it falls to zero along a cosine.
        batch_size: Rows in one step.
        epochs: Most passes over the training rows.
        patience: Epochs without a lower validation loss before it stops.
    """

    numbers: ClassVar[str] = "normal"  # near 0 and without NaN, as networks want them

    def __init__(
        self, spec: ModelSpec, *, backend: str = "torch", n_blocks: int = 3, d_block: int = 256, dropout: float = 0.2,
        learning_rate: float = 0.002, batch_size: int = 256, epochs: int = 20, patience: int = 4,
    ) -> None:  # fmt: skip
        self.spec, self.backend, self.n_blocks, self.d_block, self.dropout = spec, backend, n_blocks, d_block, dropout
        self.learning_rate, self.batch_size, self.epochs, self.patience = learning_rate, batch_size, epochs, patience
        self.loss, self.n_outputs = "", 1
        self.model: Any = None

    def build(self, keras: Any) -> Any:
        """The network: numbers (n, n_num) and codes (n, n_cat) -> (n, n_outputs)."""
        layers = keras.layers
        x_num, x_cat = keras.Input((self.spec.n_num,)), keras.Input((self.spec.n_cat,), dtype="int32")
        parts = [x_num] if self.spec.n_num else []
        for j, n_levels in enumerate(self.spec.cardinalities):
            parts.append(layers.Embedding(n_levels, min(16, n_levels))(x_cat[:, j]))
        x = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
        for _ in range(self.n_blocks):
            x = layers.Dropout(self.dropout)(layers.Dense(self.d_block, "relu")(x))
        return keras.Model([x_num, x_cat], layers.Dense(self.n_outputs)(x))

    def fit(self, train: Rows, y: np.ndarray, valid: Rows, valid_y: np.ndarray, goal: Goal, watch: Watch) -> int:
        """Train, tell of each epoch, and keep the best one; returns its number."""
        refuse_quantile(goal, "model:KerasModel")
        keras = load_keras(self.backend, goal.threads)
        keras.utils.set_random_seed(goal.seed % 2**32)
        self.loss, self.n_outputs = goal.loss, goal.n_classes
        self.model = self.build(keras)
        losses = {
            "binary": keras.losses.BinaryCrossentropy(from_logits=True),
            "multiclass": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        }
        n_steps = self.epochs * -(-len(y) // self.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, n_steps)
        loss = losses.get(goal.loss, "mae" if goal.loss == "quantile" else goal.loss)
        self.model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01, clipnorm=1.0), loss)

        def tell(epoch: int, logs: dict[str, float]) -> None:
            watch(Round(epoch + 1, self.epochs, self.predict(valid), logs["loss"], logs["val_loss"]))

        stop = keras.callbacks.EarlyStopping(patience=self.patience, restore_best_weights=True)
        self.model.fit(
            _inputs(train), y, self.batch_size, self.epochs, verbose=0, validation_data=(_inputs(valid), valid_y),
            validation_batch_size=4096, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=tell), stop],
        )  # fmt: skip
        return int(stop.best_epoch) + 1

    def predict(self, rows: Rows) -> np.ndarray:
        """Probabilities, or values in the unit in which they were learned."""
        z = np.asarray(self.model.predict(_inputs(rows), batch_size=4096, verbose=0), dtype=np.float64)
        if self.loss == "multiclass":
            z = np.exp(z - z.max(axis=1, keepdims=True))
            return np.asarray(z / z.sum(axis=1, keepdims=True))
        return np.asarray(1 / (1 + np.exp(-z[:, 0])) if self.loss == "binary" else z[:, 0])

    def state_dict(self) -> State:
        """The weights in Keras's order, which is the same on each backend, and what the outputs are."""
        weights = {f"weights.{i}": np.asarray(array) for i, array in enumerate(self.model.get_weights())}
        return {**weights, "loss": np.frombuffer(self.loss.encode(), dtype=np.uint8).copy()}

    def load_state_dict(self, state: State) -> None:
        """Build the network and give it weights, which may come from another backend."""
        weights = [state[f"weights.{i}"] for i in range(len(state) - 1)]
        self.loss, self.n_outputs = state["loss"].tobytes().decode(), len(weights[-1])
        self.model = self.build(load_keras(self.backend))
        self.model.set_weights(weights)


def _inputs(rows: Rows) -> list[np.ndarray]:
    return [rows.x_num, rows.x_cat.astype(np.int32)]
