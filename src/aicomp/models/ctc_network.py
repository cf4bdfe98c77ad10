"""The network of the model `ctc`: convolutions over pitch and time, then a recurrent layer over time."""

import torch
from torch import Tensor, nn

from aicomp.models.spec import MediaInput


class SpeechNetwork(nn.Module):
    """Three convolutions that halve the pitches, the first ones the time too, and bidirectional GRUs.

    The form of Deep Speech 2 (Amodei et al., arXiv 1512.02595), small. GRUs: Cho et al., arXiv 1406.1078.

    Shape: (batch, 1, n_mels, n_steps) -> (batch, n_frames(n_steps), n_codes), logits.

    Args:
        sounds: Mean, deviation and bands of the spectrograms.
        n_codes: Characters and the blank.
        width: Channels of the first convolution; the others have twice as many.
        d: Width of the recurrent layer in each direction.
        n_layers: Recurrent layers.
        stride: Steps of the spectrogram in a frame: 1, 2 or 4.
        dropout: Before and after the recurrent layers.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, sounds: MediaInput, n_codes: int, width: int, d: int, n_layers: int, stride: int, dropout: float
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(sounds.mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(sounds.deviation).view(1, -1, 1, 1))
        channels, n_mels, _ = sounds.shape
        self.strides = (2 if stride >= 2 else 1, 2 if stride == 4 else 1, 1)
        layers: list[nn.Module] = []
        for d_out, step in zip((width, 2 * width, 2 * width), self.strides, strict=True):
            layers += [nn.Conv2d(channels, d_out, 3, stride=(2, step), padding=1, bias=False)]
            layers += [nn.BatchNorm2d(d_out), nn.ReLU()]
            channels, n_mels = d_out, -(-n_mels // 2)
        self.convolutions = nn.Sequential(*layers)
        self.project = nn.Sequential(nn.Linear(channels * n_mels, d), nn.LayerNorm(d), nn.ReLU(), nn.Dropout(dropout))
        between = dropout if n_layers > 1 else 0.0
        self.recurrent = nn.GRU(d, d, n_layers, batch_first=True, bidirectional=True, dropout=between)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * d, n_codes))

    def n_frames(self, n_steps: int) -> int:
        """Frames of a spectrogram."""
        for stride in self.strides:
            n_steps = -(-n_steps // stride)
        return n_steps

    def forward(self, sounds: Tensor) -> Tensor:
        """See the class."""
        found = self.convolutions((sounds - self.mean) / self.deviation)
        frames = self.project(found.permute(0, 3, 1, 2).flatten(2))
        logits: Tensor = self.head(self.recurrent(frames)[0])
        return logits
