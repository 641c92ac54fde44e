"""A corpus's own transcripts take the place of Whisper's, and Whisper fills in what they lack where it may."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import ROOT

from emofuse import contracts, tables
from emofuse.tables import InputError
from emofuse.text import reference


def references(*texts):
    return pd.DataFrame({"utterance": [f"u{number}" for number in range(len(texts))], "reference": list(texts)})


def by_whisper(utterances):
    """As :func:`emofuse.text.transcription.transcribe` answers: in an order of its own."""
    return pd.DataFrame(
        {
            "utterance": utterances[::-1],
            "text": [f"heard {name}" for name in utterances[::-1]],
            "mean_log_probability": -0.5,
            "no_speech_probability": 0.1,
        }
    )


def test_references_take_the_place_of_transcripts():
    transcripts = reference.transcripts(references("Yes.", ""), "references.parquet")
    checked = tables.check(transcripts, contracts.TRANSCRIPTS, "transcripts.parquet")
    assert checked["text"].tolist() == ["Yes.", ""]
    assert checked[["mean_log_probability", "no_speech_probability"]].isna().all(axis=None)


def test_all_missing_references_are_said_at_once():
    with pytest.raises(InputError) as error:
        reference.transcripts(references("Yes.", *[None] * 7), "references.parquet")
    assert error.value.problems == [
        "references.parquet: 7 of 8 utterances have no reference transcript (u1, u2, u3, u4, u5, …); "
        "should each have one, or the config should say transcripts.fill_in: true, so that Whisper transcribes them"
    ]
    with pytest.raises(InputError, match=r"1 of 2 utterances have no reference transcript \(u1\); should"):
        reference.transcripts(references("Yes.", None), "references.parquet")


def test_whisper_fills_in_the_missing_ones_and_no_other():
    transcripts = reference.transcripts(references(None, "Yes.", None), "references.parquet", by_whisper)
    checked = tables.check(transcripts, contracts.TRANSCRIPTS, "transcripts.parquet")
    assert checked["utterance"].tolist() == ["u0", "u1", "u2"]
    assert checked["text"].tolist() == ["heard u0", "Yes.", "heard u2"]
    # A probability tells who said it.
    np.testing.assert_array_equal(checked["mean_log_probability"], [-0.5, np.nan, -0.5])


def test_whisper_may_fill_in_everything():
    transcripts = reference.transcripts(references(None, None), "references.parquet", by_whisper)
    checked = tables.check(transcripts, contracts.TRANSCRIPTS, "transcripts.parquet")
    assert checked["text"].tolist() == ["heard u0", "heard u1"]
    assert (checked["mean_log_probability"] == -0.5).all()


def test_whisper_is_not_asked_where_nothing_is_missing():
    asked = []
    reference.transcripts(references("Yes.", "No."), "references.parquet", asked.append)
    assert not asked


SCRIPT = """
import runpy, sys
from types import SimpleNamespace
from helpers import listed
snakemake = SimpleNamespace(
    input=listed({"references": sys.argv[2]}),
    output=[sys.argv[3]],
    params=SimpleNamespace(recipe={"fill_in": True}),
    resources=SimpleNamespace(),
    log=[sys.argv[4]],
)
runpy.run_path(sys.argv[1], {"snakemake": snakemake})
sys.exit("torch" in sys.modules or "whisper" in sys.modules)
"""


def test_whisper_is_not_even_loaded_where_nothing_is_missing(tmp_path):
    tables.write(references("Yes.", "No."), contracts.REFERENCES, tmp_path / "references.parquet")
    files = [tmp_path / name for name in ("references.parquet", "transcripts.parquet", "job.log")]
    script = ROOT / "workflow/scripts/reference_transcripts.py"
    # Not sys.path, to which MLflow adds the code of each model that it loads.
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "workflow")])
    subprocess.run([sys.executable, "-c", SCRIPT, script, *files], check=True, env=os.environ | {"PYTHONPATH": path})
    assert tables.read(contracts.TRANSCRIPTS, files[1])["text"].tolist() == ["Yes.", "No."]
