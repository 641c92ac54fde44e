"""The command `emofuse predict`: what it asks a model, what it prints and writes, and how it ends.

A stand-in takes the place of the model: it hears nothing, and answers alike for every utterance.
"""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from emofuse import __main__ as command
from emofuse import tables
from emofuse.contracts import PREDICTED
from emofuse.tables import PROBABILITY, InputError

ANSWER = {
    "emotion": "sad",
    **dict(zip(PROBABILITY, (0.1, 0.1, 0.2, 0.6), strict=True)),
    "entropy": 1.0,
    "varentropy": 0.25,
    "selected": True,
    "text": "höre\x1b[2J\nmich " + " ".join(["lange"] * 9),
    "mean_log_probability": -0.5,
    "confidence": 0.734,
}


class StandIn:
    asked: dict

    @classmethod
    def load(cls, folder, **options):
        if folder == "changed":
            raise InputError(["changed/model.json: was changed since the model was made"])
        cls.asked = {"folder": folder, **options}
        return cls()

    def predict(self, utterances, *, progress, **options):
        type(self).asked |= options
        rows = [
            {
                **row,
                "end": row["start"] + row["duration"],
                "selected": False,
                **(ANSWER if pd.isna(row["problem"]) else {}),
            }
            for chunk in progress([utterances])
            for row in chunk.to_dict("records")
        ]
        return tables.check(pd.DataFrame(rows, columns=list(PREDICTED.columns)), PREDICTED, "predictions")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "emofuse.model.model", SimpleNamespace(Model=StandIn))
    for name in command.ALONE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", 0.5 * np.sin(np.arange(40_000) / 10), 16_000)
    (tmp_path / "bad\x1b.wav").write_text("no audio")
    yield tmp_path
    for name in command.ALONE:
        os.environ.pop(name, None)


def test_a_table_is_printed(capsys):
    assert command.main(["predict", "model", "a.wav"]) == command.WELL
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "recording    from      to  emotion  confidence  words  text",
        "a.wav      0:00.0  0:02.5  sad             73%  yes    höre�[2J�mich" + 9 * " lange",
    ]
    assert err == ""


def test_a_narrow_terminal_has_short_lines_and_the_end_of_long_names():
    row = {"recording": "interviews/of/last/year/anna.wav", "start": 3599.96, "end": 3601.0} | ANSWER
    table = pd.DataFrame([row], columns=list(PREDICTED.columns))
    assert command.lines(table, 64) == [
        "recording                 from       to  emotion  confidence  w…",
        "…f/last/year/anna.wav  60:00.0  60:01.0  sad             73%  y…",
    ]


def test_a_problem_is_said_and_the_rest_is_answered(capsys):
    assert command.main(["predict", "model", ".", "missing.wav"]) == command.PROBLEMS
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["recording", "a.wav"]
    assert err.splitlines() == [
        "emofuse: bad�.wav: unreadable (Format not recognised.)",
        "emofuse: missing.wav: no such file",
    ]


def test_nothing_but_problems_is_no_table(capsys):
    assert command.main(["predict", "model", "missing.wav"]) == command.PROBLEMS
    assert capsys.readouterr().out == ""


READERS = {
    "out.csv": pd.read_csv,
    "out.jsonl": lambda path: pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()]),
    "out.parquet": pd.read_parquet,
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_holds_every_row(here, name, capsys):
    assert command.main(["predict", "model", ".", "--output", name]) == command.PROBLEMS
    assert capsys.readouterr().out == ""
    table = READERS[name](here / name)
    assert list(table["recording"]) == ["a.wav", "bad\x1b.wav"]
    assert list(table["emotion"].fillna("")) == ["sad", ""]
    assert list(table["problem"].fillna("")) == ["", "unreadable (Format not recognised.)"]
    assert table["selected"].tolist() == [True, False]
    np.testing.assert_array_equal(table[PROBABILITY], [[0.1, 0.1, 0.2, 0.6], [np.nan] * 4])
    assert "\n" in table["text"][0]
    assert {path.name for path in here.iterdir()} == {"a.wav", "bad\x1b.wav", name}


def test_every_file_has_a_writer():
    assert {name.removeprefix("out") for name in READERS} == set(command.WRITERS)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], {}),
        (["--never-transcribe"], {"words": "never"}),
        (["--always-transcribe"], {"words": "always"}),
        (["--budget", "0.1"], {"budget": 0.1}),
        (["--device", "cpu"], {"device": "cpu"}),
        (["--fetch"], {"fetch": True}),
    ],
)
def test_options_reach_the_model(arguments, asked, capsys):
    command.main(["predict", "model", "a.wav", *arguments])
    usual = {"folder": "model", "device": "auto", "fetch": False, "words": "selected", "budget": None}
    assert StandIn.asked == usual | asked
    assert ("HF_HUB_OFFLINE" in os.environ) != ("--fetch" in arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["predict", "model"], "the following arguments are required: RECORDING"),
        (["predict", "model", "a.wav", "--output", "out.txt"], "'out.txt' ends in '.txt'; should end in one of .csv"),
        (["predict", "model", "a.wav", "--output", "no/out.csv"], "'no/out.csv' cannot be written; should be a file"),
        (["predict", "model", "a.wav", "--budget", "10"], "'10'; should be a share between 0 and 1, such as 0.1"),
        (["predict", "model", "a.wav", "--budget", "few"], "'few'; should be a share between 0 and 1"),
        (["predict", "model", "a.wav", "--never-transcribe", "--always-transcribe"], "not allowed with argument"),
        (["predict", "model", "a.wav", "--device", "tpu"], "invalid choice: 'tpu'"),
    ],
)
def test_wrong_use_is_refused_before_any_work(arguments, said, capsys, monkeypatch):
    monkeypatch.setattr(StandIn, "load", None)
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == command.REFUSED
    assert said in capsys.readouterr().err


def test_a_model_that_is_refused_is_no_traceback(capsys):
    assert command.main(["predict", "changed", "a.wav", "--output", "out.csv"]) == command.REFUSED
    assert capsys.readouterr().err.startswith("emofuse: 1 problem with the input:\n  - changed/model.json: was changed")


def test_nothing_is_written_if_writing_fails(here, capsys, monkeypatch):
    (here / "out.csv").write_text("of before")

    def fail(table, path):
        path.write_text("half")
        raise OSError("the disk is full")

    monkeypatch.setitem(command.WRITERS, ".csv", fail)
    assert command.main(["predict", "model", "a.wav", "--output", "out.csv"]) == command.REFUSED
    assert (here / "out.csv").read_text() == "of before"
    assert not list(here.glob(".out*"))


def test_help_is_fast():
    code = (
        "import sys; from emofuse.__main__ import main\n"
        "try: main(['predict', '--help'])\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "assert not {'torch', 'pandas', 'numpy', 'tqdm'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--never-transcribe" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 85


def test_what_is_predicted_keeps_its_digits(here):
    table = pd.DataFrame({"probability_sad": [1 / 3]})
    for name, read in READERS.items():
        command.WRITERS[f".{name.split('.')[1]}"](table, here / name)
        np.testing.assert_allclose(read(here / name)["probability_sad"], 1 / 3, rtol=1e-14)
