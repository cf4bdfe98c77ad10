"""The Transformer that writes, and its search."""

import itertools

import pytest
import torch

from aicomp.models.bpe import END, PAD, START, UNKNOWN
from aicomp.models.encoder_decoder import EncoderDecoder, beam_search, write_greedily

N_PIECES = 7


@pytest.fixture
def model() -> EncoderDecoder:
    """A network at random weights, large enough that its predictions differ."""
    torch.manual_seed(0)
    found = EncoderDecoder(N_PIECES, d=16, n_layers=2, n_heads=2, d_hidden=32, dropout=0.0).eval()
    with torch.no_grad():
        for p in found.parameters():
            p.mul_(2.0)
    return found


@torch.no_grad()
def log_probability(model: EncoderDecoder, source: torch.Tensor, target: list[int]) -> float:
    """Of a target with its end, each piece by the whole network, without a cache."""
    logits = model(source, torch.tensor([[START, *target]]))[0].float()
    logits[:, [PAD, START, UNKNOWN]] = -torch.inf
    steps = logits.log_softmax(-1)
    return sum(float(steps[i, piece]) for i, piece in enumerate([*target, END]))


@torch.no_grad()
def test_steps_with_a_cache_are_those_of_the_whole_network(model: EncoderDecoder) -> None:
    source, target = torch.tensor([[4, 5, 6, END]]), [5, 4, 6]
    states, mask = model.read(source)
    memory, past, total = model.memory(states), [], 0.0
    for at, (last, piece) in enumerate(zip([START, *target], [*target, END], strict=True)):
        log_p, past = model.step(torch.tensor([last]), at, memory, mask, past)
        total += float(log_p[0, piece])
    assert total == pytest.approx(log_probability(model, source, target), abs=1e-4)


@torch.no_grad()
def test_padding_and_what_comes_later_change_nothing(model: EncoderDecoder) -> None:
    written = torch.tensor([[START, 4, 5]])
    alone = model(torch.tensor([[4, 5, END]]), written)
    padded = model(torch.tensor([[4, 5, END, PAD, PAD]]), written)
    torch.testing.assert_close(alone, padded)
    longer = model(torch.tensor([[4, 5, END]]), torch.tensor([[START, 4, 5, 6]]))
    torch.testing.assert_close(alone, longer[:, :3])


def test_many_beams_find_the_likeliest_target_of_all(model: EncoderDecoder) -> None:
    most = 3
    for source in (torch.tensor([[4, 6, END]]), torch.tensor([[5, 5, 4, END]])):
        every = [list(t) for n in range(most) for t in itertools.product([4, 5, 6], repeat=n)]
        best = max(every, key=lambda target: log_probability(model, source, target))
        assert beam_search(model, source, most, n_beams=40, length_penalty=0.0) == [best]


def test_one_beam_takes_the_likeliest_piece_each_time(model: EncoderDecoder) -> None:
    source = torch.tensor([[4, 6, 5, END], [5, END, PAD, PAD]])
    for row, found in zip(source, write_greedily(model, source, 6), strict=True):
        target: list[int] = []
        while len(target) < 6:
            logits = model(row[None][:, row != PAD], torch.tensor([[START, *target]]))[0, -1]
            logits[[PAD, START, UNKNOWN]] = -torch.inf
            piece = int(logits.argmax())
            if piece == END:
                break
            target.append(piece)
        assert found == target


def test_a_length_penalty_favours_longer_targets(model: EncoderDecoder) -> None:
    source = torch.tensor([[4, 6, 5, END], [5, 4, END, PAD], [6, END, PAD, PAD]])
    short, long = (beam_search(model, source, 8, n_beams=4, length_penalty=p) for p in (0.0, 3.0))
    assert sum(map(len, long)) >= sum(map(len, short))
