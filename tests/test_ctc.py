"""The model `ctc`: decoding by hand and against all paths, and that it writes tones down, through the commands too."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import torch
from media_cases import write_wav

from aicomp.cli.main import main
from aicomp.contract import Given
from aicomp.contract.infer import infer_contract
from aicomp.data.rows import Media, Rows
from aicomp.errors import UsageError
from aicomp.metrics.edit_distance import cer
from aicomp.models import CTC, Goal, ModelSpec
from aicomp.models.ctc_decoding import collapsed, frames_needed, prefix_beam_search
from aicomp.models.ctc_network import SpeechNetwork
from aicomp.models.spec import MediaInput, media_input
from aicomp.prediction import predict_run
from aicomp.project import Project
from aicomp.run import Run

LETTERS = "0123"
PITCHES = dict(zip(LETTERS, (300, 700, 1300, 2300), strict=True))
SMALL = {"width": 8, "d": 32, "stride": 2, "batch_size": 16, "pitch": 0.0, "masks": 0}


def word(random):
    """Two to four letters, repeats included."""
    return "".join(random.choice(list(LETTERS), random.integers(2, 5)))


def spoken(text, random, rate=8000):
    """A tone for each letter, with pauses, float (n,)."""
    parts = [np.zeros(int(rate * random.uniform(0.02, 0.1)))]
    for letter in text:
        times = np.arange(int(rate * random.uniform(0.06, 0.1))) / rate
        parts += [0.4 * np.sin(2 * np.pi * PITCHES[letter] * times), np.zeros(int(rate * random.uniform(0.03, 0.06)))]
    joined = np.concatenate(parts)
    return joined + random.normal(0, 0.003, len(joined))


def write_words(folder, words, n_test, heading="said"):
    """A competition of sound files; returns the hidden words."""
    random = np.random.default_rng(1)
    for i, text in enumerate(words):
        write_wav(folder / "sounds" / f"{i:03}.wav", spoken(text, random) if set(text) <= set(LETTERS) else np.ones(80))
    table = pd.DataFrame({"id": range(len(words)), "sound": [f"sounds/{i:03}.wav" for i in range(len(words))]})
    table[heading] = words
    train, test = table[:-n_test], table[-n_test:]
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=heading).to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(**{heading: words[0]}).to_csv(folder / "sample_submission.csv", index=False)
    return test[heading].to_numpy(dtype=object)


def rows_of(n, seed):
    """Spectrograms with a loud band for each letter, and what they say."""
    random = np.random.default_rng(seed)
    files = random.normal(-78, 2, (n + 1, 1, 16, 48)).astype(np.float16)
    said = np.empty(n, dtype=object)
    for i in range(n):
        said[i] = word(random)
        at = random.integers(1, 5)
        for letter in said[i]:
            length = random.integers(4, 7)
            band = 1 + 4 * LETTERS.index(letter)
            files[i, 0, band : band + 2, at : at + length] = random.normal(-20, 3, (2, length))
            at += length + random.integers(3, 5)
    media = Media(files, np.arange(n)[:, None])
    return Rows(np.zeros((n, 0), np.float32), np.zeros((n, 0), np.int64), media=media), said


def spec_of(rows):
    return ModelSpec(0, (), 1, media=media_input(rows.media))


def goal(seed=0):
    return Goal("string", 1, seed, 1)


def test_repeats_are_one_unless_a_blank_parts_them():
    assert collapsed(np.array([1, 1, 0, 1, 2, 2, 0, 0])) == [1, 1, 2]
    assert collapsed(np.array([0, 0])) == collapsed(np.array([], dtype=int)) == []
    assert (frames_needed([]), frames_needed([1, 2]), frames_needed([2, 2, 2])) == (0, 2, 5)


def test_the_search_adds_the_paths_of_a_string():
    # Two frames: the likeliest path is two blanks (0.36), and the letter has three paths (0.64).
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]]))
    assert collapsed(log_probs.argmax(axis=1)) == []
    assert prefix_beam_search(log_probs, n_beams=4) == [1]


@pytest.mark.parametrize("seed", range(5))
def test_the_search_finds_the_likeliest_string_of_all_paths(seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), 5)
    total = {}
    for path in itertools.product(range(3), repeat=5):
        text = tuple(collapsed(np.array(path)))
        total[text] = total.get(text, 0) + np.prod(probabilities[np.arange(5), path])
    found = prefix_beam_search(np.log(probabilities), n_beams=100)
    assert tuple(found) == max(total, key=total.get)


@pytest.mark.parametrize(("stride", "n_frames"), [(1, 50), (2, 25), (4, 13)])
def test_the_network_keeps_time(stride, n_frames):
    model = SpeechNetwork(MediaInput(1, (1, 20, 50), (-50.0,), (10.0,)), 5, 4, 8, 1, stride, 0.0)
    assert model(torch.randn(2, 1, 20, 50)).shape == (2, n_frames, 5)
    assert model.n_frames(50) == n_frames


def test_it_writes_letters_and_comes_back_from_its_state():
    train, y = rows_of(160, seed=0)
    valid, valid_y = rows_of(40, seed=1)
    valid_y[0] += "z"  # no training target has it
    told = []
    model = CTC(spec_of(train), epochs=25, learning_rate=6e-3, ema=0.9, **SMALL)
    kept = model.fit(train, y, valid, valid_y, goal(), told.append)
    assert 1 <= kept <= 25
    assert told[-1].valid_loss < told[0].valid_loss
    predicted = model.predict(valid)
    assert cer(valid_y, predicted) < 0.1
    again = CTC(spec_of(train), **SMALL)
    again.load_state_dict(model.state_dict())
    assert again.predict(valid).tolist() == predicted.tolist()


def test_the_same_seed_gives_the_same_weights():
    train, y = rows_of(24, seed=0)
    found = []
    for seed in (0, 0, 1):
        model = CTC(spec_of(train), epochs=1, **SMALL)
        model.fit(train, y, train, y, goal(seed), lambda step: None)
        found.append(model.state_dict()["model.head.1.weight"])
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()


def test_no_row_stays_empty():
    train, y = rows_of(8, seed=0)
    model = CTC(spec_of(train), epochs=1, **SMALL)
    model.fit(train, y, train, y, goal(), lambda step: None)
    state = model.state_dict()
    state["model.head.1.weight"] *= 0
    state["model.head.1.bias"] = np.array([9, 0, 0, 1, 0], dtype=np.float32)  # blanks, and then the third character
    model.load_state_dict(state)
    assert set(model.predict(train)) == {"2"}


def test_a_target_longer_than_its_sound_is_named():
    train, y = rows_of(4, seed=0)
    y[2] = "01" * 6 + "1"  # 13 letters and a repeat; 48 steps are 12 frames
    with pytest.raises(UsageError, match=r"`0101010101011` \(training row 3 of the fold\) has 13 .* take 14 .* has 12"):
        CTC(spec_of(train)).fit(train, y, train, y, goal(), lambda step: None)


def test_targets_or_sounds_that_are_not_there_are_refused():
    with pytest.raises(UsageError, match="model `ctc` reads sounds, and no column names any"):
        CTC(ModelSpec(1, (), 1))
    train, y = rows_of(4, seed=0)
    y[:] = ""
    with pytest.raises(UsageError, match="every training target is empty"):
        CTC(spec_of(train)).fit(train, y, train, y, goal(), lambda step: None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"stride": 3}, "`model.params.stride` is 3"),
        ({"n_beams": 0}, "`model.params.n_beams` is 0, it must be at least 1"),
        ({"dropout": 1.5}, r"`model.params.dropout` is 1.5, it must lie in \[0, 1\)"),
    ],
)
def test_parameters_out_of_range_are_refused(params, message):
    with pytest.raises(UsageError, match=message):
        CTC(ModelSpec(0, (), 1, media=MediaInput(1, (1, 16, 48), (-50.0,), (10.0,))), **params)


@pytest.mark.parametrize(
    ("form", "metric"),
    [("{:04}", "cer"), ("w{:04}", "cer"), ("turn the lights on in room w{:03}", "wer")],
)
def test_init_takes_what_is_said_for_strings(tmp_path, form, metric):
    write_words(tmp_path, [form.format(37 * i) for i in range(40)], 10)
    found = infer_contract(tmp_path, Given(), "speech").competition
    assert (found.problem_type, found.metric, found.template) == ("string", metric, "audio")


def test_numbers_without_a_leading_zero_are_amounts_unless_said_otherwise(tmp_path):
    write_words(tmp_path, [str(1000 + 37 * i) for i in range(40)], 10)
    assert infer_contract(tmp_path, Given(metric="rmse"), "speech").competition.problem_type == "regression"
    found = infer_contract(tmp_path, Given(problem_type="string"), "speech").competition
    assert (found.problem_type, found.metric) == ("string", "cer")


def test_classes_that_are_said_stay_classes(tmp_path):
    write_words(tmp_path, ["yes", "no", "stop", "go"] * 10, 8)
    assert infer_contract(tmp_path, Given(metric="accuracy"), "speech").competition.problem_type == "multiclass"


def test_tones_are_written_down_from_init_to_the_submission(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    words = sorted({word(random) for _ in range(900)}, key=lambda text: hash_of(text))[:260]
    hidden = write_words(tmp_path / "data", words, 60)
    folder = tmp_path / "project"
    assert main(["init", str(tmp_path / "data"), "--into", str(folder)]) == 0
    monkeypatch.chdir(folder)
    assert 'name = "ctc"' in (folder / "aicomp.toml").read_text()
    settings = ["workers=0", "split.splitter=holdout", "data.n_mels=24", "model.params.epochs=30"]
    settings += ["model.params.learning_rate=6e-3", "model.params.ema=0.9"]
    settings += [f"model.params.{name}={value}" for name, value in SMALL.items()]
    capsys.readouterr()
    assert main(["train", *(part for entry in settings for part in ("--set", entry)), "--json"]) == 0
    trained = json.loads(capsys.readouterr().out.splitlines()[-1])
    run = Run(folder / "runs" / trained["run"])
    assert cer(hidden, run.test_predictions()) < 0.2
    assert predict_run(Project.open(folder), run).values.tolist() == run.test_predictions().tolist()
    assert main(["submit", "--dry-run", "--json"]) == 0
    sent = pd.read_csv(json.loads(capsys.readouterr().out)["file"], dtype=str)["said"]
    assert sent.tolist() == run.test_predictions().tolist()
    assert sent.str.startswith("0").any()  # a leading zero is a letter like another


def hash_of(text):
    """An order that has nothing to do with the letters, the same in each process."""
    return sum(ord(c) * 7919**i for i, c in enumerate(text, 1)) % 1009
