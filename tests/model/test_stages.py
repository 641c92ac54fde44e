"""Checkpoints that a model refers to are the study's, are on this machine, or are fetched if the user says so."""

import encoders
import pytest

from emofuse import checkpoints, provenance
from emofuse.model.stages import Stages
from emofuse.places import checkpoint_files
from emofuse.tables import InputError
from emofuse.text import transcription


def voice(checkpoint, folder, **options):
    described = {"speech": {"classifier": "embeddings", "checkpoint": checkpoint, "precision": "float32"}}
    return Stages(described, folder, "cpu", **{"fetch": False} | options).voice([])


def test_a_local_checkpoint_that_has_changed_since_the_study_is_refused(tmp_path):
    checkpoint = encoders.make(tmp_path / "wav2vec2")
    checkpoint["digest"] = provenance.file_digest(checkpoint_files(checkpoint))
    voice(checkpoint, tmp_path)
    voice(checkpoint | {"path": "wav2vec2"}, tmp_path)  # a copy, within the model's folder
    with (tmp_path / "wav2vec2/config.json").open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match="wav2vec2: is not the checkpoint that the study used; should be as it was"):
        voice(checkpoint, tmp_path)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    fetched = []
    monkeypatch.setattr(checkpoints, "fetch", fetched.append)
    return fetched


def test_a_checkpoint_of_the_hub_is_fetched_if_the_user_says_so_and_else_named(hub, tmp_path):
    checkpoint = {"name": "owner/encoder", "revision": "0" * 40}
    with pytest.raises(InputError, match=r"owner/encoder at 0+ is not on this machine; emofuse predict --fetch"):
        voice(checkpoint, tmp_path)
    assert hub == []
    with pytest.raises(InputError):  # what stands in for the hub has nothing to give
        voice(checkpoint, tmp_path, fetch=True)
    assert hub == [checkpoint]


def test_a_file_that_holds_no_whisper_is_named(tmp_path):
    (tmp_path / "whisper.safetensors").write_bytes(b"none")
    for name in ("whisper", "absent"):
        with pytest.raises(InputError, match=rf"{name}\.safetensors: is not a Whisper model that was kept"):
            transcription.load_kept(tmp_path / f"{name}.safetensors", "cpu")
