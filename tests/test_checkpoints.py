"""Checkpoints come from this machine, hold nothing but tensors, and are fetched by one command beforehand."""

import hashlib
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import encoders
import numpy as np
import pytest
import torch
import whisper
import yaml
from transformers import AutoModel, AutoModelForAudioClassification, Wav2Vec2Config, Wav2Vec2Model

from emofuse import checkpoints
from emofuse.configuration import WAV2VEC2, XLM_R
from emofuse.tables import InputError
from emofuse.text import transcription

ROOT = Path(__file__).parent.parent
HUB = {"name": "facebook/wav2vec2-base", "revision": "main"}
COMMIT = "0123456789" * 4


class Planted:
    """What an attacker would put into a pickle: code that runs when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def pretrained(tmp_path):
    """A checkpoint as pre-training leaves it: with a quantiser, without a classification head."""
    return encoders.make(tmp_path / "pretrained", "wav2vec2 for pre-training")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a stage used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "the format before torch 1.6"])
def test_a_public_folder_loads_with_the_same_weights(pretrained, zipped, no_network):
    expected = checkpoints.load_model(AutoModel, pretrained).state_dict()
    encoders.as_public(Path(pretrained["path"]), _use_new_zipfile_serialization=zipped)
    files = {path.name for path in Path(pretrained["path"]).iterdir()}
    assert files == {"config.json", "preprocessor_config.json", "pytorch_model.bin"}
    loaded = checkpoints.load_model(AutoModel, pretrained)
    assert not loaded.training
    assert loaded.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.state_dict().items())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_planted_pickle_is_refused_and_does_not_run(pretrained, tmp_path, zipped):
    encoders.as_public(Path(pretrained["path"]))
    file = Path(pretrained["path"], "pytorch_model.bin")
    weights = torch.load(file, weights_only=True) | {"planted": Planted(tmp_path / "it ran")}
    torch.save(weights, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="refused, holds more than tensors"):
        checkpoints.load_model(AutoModel, pretrained)
    assert not (tmp_path / "it ran").exists()
    torch.load(file, weights_only=False)  # what would have happened
    assert (tmp_path / "it ran").exists()


def test_code_in_a_checkpoint_is_refused(pretrained):
    file = Path(pretrained["path"], "config.json")
    config = json.loads(file.read_text()) | {"model_type": "mine", "auto_map": {"AutoModel": "code.Model"}}
    file.write_text(json.dumps(config))
    Path(pretrained["path"], "code.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(InputError, match="cannot be loaded"):
        checkpoints.load_model(AutoModel, pretrained)


def test_weights_that_are_missing_are_named_unless_they_are_new(pretrained):
    with pytest.raises(InputError, match=r"lacks weights of Wav2Vec2ForSequenceClassification: classifier\.bias"):
        checkpoints.load_model(AutoModelForAudioClassification, pretrained)
    model = checkpoints.load_model(AutoModelForAudioClassification, pretrained, new=("classifier.", "projector."))
    assert model.classifier.out_features == 2
    Wav2Vec2Model(Wav2Vec2Config(**encoders.SMALL | {"num_hidden_layers": 2})).save_pretrained(pretrained["path"])
    config = Path(pretrained["path"], "config.json")
    config.write_text(config.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3'))
    with pytest.raises(InputError, match=r"lacks weights of Wav2Vec2Model: encoder\.layers\.2"):
        checkpoints.load_model(AutoModel, pretrained)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_checkpoint_is_named(pretrained, name):
    file = Path(pretrained["path"], name)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match="pretrained: cannot be loaded"):
        checkpoints.load_model(AutoModel, pretrained)


def test_a_damaged_bin_is_named(pretrained):
    encoders.as_public(Path(pretrained["path"]))
    file = Path(pretrained["path"], "pytorch_model.bin")
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(InputError, match="pretrained: cannot be loaded"):
        checkpoints.load_model(AutoModel, pretrained)


@pytest.mark.parametrize("revision", ["main", "refs/pr/7", COMMIT])
def test_a_missing_checkpoint_names_the_command(revision, tmp_path, monkeypatch, no_network):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError) as error:
        checkpoints.load_model(AutoModel, HUB | {"revision": revision})
    assert error.value.problems == [
        f"checkpoint facebook/wav2vec2-base at revision {revision} is not on this machine; "
        "fetch it where there is a network: make fetch CONFIG=<the study's config>"
    ]
    with pytest.raises(InputError, match="should be a folder with a checkpoint"):
        checkpoints.load_processor(AutoModel, {"path": str(tmp_path / "nowhere")})


def test_whisper_models_by_name_and_by_file(tmp_path, monkeypatch, no_network):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"Whisper model large-v3 is not on this machine; .*make fetch"):
        checkpoints.whisper_file({"name": "large-v3"})
    with pytest.raises(InputError, match=r"no model 'huge'; should be one of tiny\.en, tiny"):
        checkpoints.whisper_file({"name": "huge"})
    with pytest.raises(InputError, match=r"mine\.pt: no such file"):
        checkpoints.whisper_file({"path": "mine.pt"})
    file = tmp_path / "whisper" / "large-v3.pt"
    file.parent.mkdir()
    file.touch()
    assert checkpoints.whisper_file({"name": "large-v3"}) == file
    assert checkpoints.whisper_file({"path": str(file)}) == file


def test_whisper_is_fetched_into_its_own_cache_and_its_sha_is_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    weights = tmp_path / "published" / hashlib.sha256(b"weights").hexdigest() / "tiny.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    monkeypatch.setitem(whisper._MODELS, "tiny", weights.as_uri())
    assert checkpoints.fetch({"name": "tiny"}) == checkpoints.whisper_file({"name": "tiny"})
    weights.write_bytes(b"others!")
    checkpoints.whisper_file({"name": "tiny"}).unlink()
    with pytest.raises(RuntimeError, match="SHA256"):
        checkpoints.fetch({"name": "tiny"})


def test_whispers_own_file_has_its_published_sha(tmp_path, monkeypatch):
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setitem(whisper._MODELS, "tiny", f"https://host/models/{digest}/tiny.pt")
    file = tmp_path / "tiny.pt"
    file.write_bytes(b"weights")
    checkpoints.check_whisper_file(file)
    file.write_bytes(b"others!")
    other = hashlib.sha256(b"others!").hexdigest()
    with pytest.raises(InputError, match=rf"tiny\.pt: has the SHA-256 {other}; should have {digest}, as Whisper's own"):
        checkpoints.check_whisper_file(file)
    with pytest.raises(InputError, match=r"should have .* fetch it again, or give a model of your own another name"):
        transcription.load_model({"path": str(file)}, "cpu")
    checkpoints.check_whisper_file(file.rename(tmp_path / "mine.pt"))


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda file: file.stem)
def test_a_shipped_study_names_commits_each_with_its_date(file):
    text = file.read_text()
    for checkpoint in checkpoints.named_in(yaml.safe_load(text)):
        if "revision" in checkpoint:
            assert re.search(rf"revision: {checkpoint['revision']} # main.* on \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)
            assert re.fullmatch("[0-9a-f]{40}", checkpoint["revision"])
            assert checkpoint in (WAV2VEC2, XLM_R)


class FakeHub(http.server.BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as its client asks for: one repository at one commit."""

    folder: Path
    served: list[str]

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        path = self.path.split("?")[0]
        files = [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": file.name}
            for file in sorted(self.folder.iterdir())
        ]
        headers = {}
        if path.startswith("/api/models/facebook/wav2vec2-base/tree/"):
            body = json.dumps(files).encode()
        elif path.startswith("/api/models/facebook/wav2vec2-base"):
            siblings = [{"rfilename": file["path"]} for file in files]
            body = json.dumps({"id": HUB["name"], "sha": COMMIT, "siblings": siblings}).encode()
        else:
            name = path.rsplit("/", 1)[1]
            body = (self.folder / name).read_bytes()
            headers = {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
            if with_body:
                self.served.append(name)
        self.send_response(200)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "model.safetensors"])
def test_what_the_command_fetched_a_stage_finds_without_a_network(pretrained, tmp_path, weights):
    folder = Path(pretrained["path"])
    expected = checkpoints.load_model(AutoModel, pretrained).state_dict()["encoder.layers.0.final_layer_norm.weight"]
    safe = (folder / "model.safetensors").read_bytes()
    encoders.as_public(folder)
    if weights == "model.safetensors":
        (folder / weights).write_bytes(safe)
    (folder / "flax_model.msgpack").write_bytes(b"the same weights for another framework")
    served = []
    handler = type("Hub", (FakeHub,), {"folder": folder, "served": served})
    (tmp_path / "study.yaml").write_text(json.dumps({"speech": {"checkpoint": HUB}}))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # Offline is what other tests in this process have set, for the stages.
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")} | {
            "HF_HOME": str(tmp_path / "hub"),
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "HF_HUB_DISABLE_XET": "1",
        }
        fetch = (
            "import sys, json; from emofuse import checkpoints\n"
            "for named in checkpoints.named_in(json.load(open(sys.argv[1]))): print(checkpoints.fetch(named))"
        )
        done = subprocess.run(
            [sys.executable, "-c", fetch, str(tmp_path / "study.yaml")], env=environment, capture_output=True, text=True
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(COMMIT)
    assert sorted(served) == sorted(["config.json", "preprocessor_config.json", weights])
    stage = (
        "import sys, numpy, transformers; from emofuse import checkpoints\n"
        f"model = checkpoints.load_model(transformers.AutoModel, {HUB!r})\n"
        "numpy.save(sys.argv[1], model.state_dict()['encoder.layers.0.final_layer_norm.weight'])"
    )
    subprocess.run([sys.executable, "-c", stage, str(tmp_path / "embeddings.npy")], env=environment, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "embeddings.npy"), expected)


@pytest.mark.parametrize("script", ["embeddings", "finetune", "finetuned_target_speech", "transcripts", "sentiment"])
def test_stages_that_load_models_are_offline_before_anything_is_imported(script):
    code = (ROOT / "workflow" / "scripts" / f"{script}.py").read_text()
    first = code.index("\nfrom emofuse")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        assert code.index(f'os.environ["{name}"] = "1"') < first


def test_each_checkpoint_of_a_config_is_named_once():
    config = {
        "corpora": {"a": {"speech": {"checkpoint": HUB}}, "b": {"speech": {"checkpoint": HUB}}},
        "text": [{"checkpoint": {"name": "large-v3"}}, {"checkpoint": {"path": "results/checkpoints/small"}}],
        "methods": {"paper": None, "name": "other"},
    }
    assert checkpoints.named_in(config) == [HUB, {"name": "large-v3"}]


@pytest.mark.parametrize("name", ["no such", "a/b/c"])
def test_a_name_that_the_hub_could_not_have_is_refused(name):
    with pytest.raises(InputError, match="should be named as on the hub, owner/name, or by path"):
        checkpoints.folder({"name": name, "revision": "main"})


@pytest.mark.parametrize("change", [{"hidden_size": "abc"}, {"conv_stride": 5}, {"hidden_act": "nope"}])
def test_a_damaged_configuration_is_bad_input(pretrained, change):
    path = Path(pretrained["path"], "config.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="cannot be loaded"):
        checkpoints.load_model(AutoModel, pretrained)
