"""A packaged model says of a study's recordings what the study says, from the audio files on."""

import base64
import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from helpers import by_fold

from emofuse import contracts, scores, splits, tables
from emofuse.evaluation.metrics import metrics_of
from emofuse.evaluation.statistics import comparison_of
from emofuse.fusion import folds
from emofuse.model import flavor, keeping, package
from emofuse.model.model import Model
from emofuse.model.served import AUDIO_ROOT
from emofuse.model.stages import Stages
from emofuse.speech import classifier
from emofuse.study import Study
from emofuse.tables import PROBABILITY, InputError
from emofuse.text import expert

pytestmark = pytest.mark.slow

FOLDS = ["anna", "cora"]
WARY = '''
from emofuse.fusion.selection import Entropy


class Wary(Entropy):
    """A method as somebody would add it."""
'''
PEEKING = '''
from emofuse.fusion.base import FusionMethod, normalised, sentiment


class Peeking(FusionMethod):
    """It reads words that it does not select."""

    reads_words = False

    def _predict_proba(self, scores):
        return normalised(sentiment(scores)[:, [0, 2, 1, 0]] + 1e-3)

    def _selected(self, scores):
        return scores[:, 0] > 2
'''
ALL = {"experiment": "voices", "method": "bayes_text", "training": "all"}
METHODS = {
    "speech": None,
    "paper": {"fit_on": ["train", "validation"], "parameters": {"steps": 20}},
    "entropy": {"parameters": {"search": "exact"}},
    "pareto": {"estimator": "entropy_varentropy", "parameters": {"search": "exact", "budget": 0.5}},
    "stacking": None,
    "bayes_text": None,
    "context": None,
    "cascade_text": {"parameters": {"budget": 0.4}},
    "wary": {"estimator": "wary.py:Wary", "parameters": {"search": "exact"}},
    "peeking": {"estimator": "peeking.py:Peeking"},
}


class Packaged:
    """Models of the finished study, in which the speakers of a session talk to each other."""

    def __init__(self, project, folder):
        self.project, self.folder, self.made = project, folder, {}
        corpus = project.folder / "results/corpora/voices"
        self.experiment = project.folder / "results/audio/voices"
        (transcripts,) = (corpus / "transcripts").glob("*.parquet")
        (embeddings,) = (corpus / "text_embeddings").glob("*/*.safetensors")
        recordings = tables.read(contracts.RECORDINGS, corpus / "recordings.parquet")
        utterances = tables.read(contracts.UTTERANCES, corpus / "utterances.parquet")
        utterances["dialog"], utterances["turn_start"] = utterances["session"], np.arange(float(len(utterances)))
        self.transcripts = tables.read(contracts.TRANSCRIPTS, transcripts).set_index("utterance")
        heard = recordings.merge(utterances, on="utterance")
        self.recordings = heard.assign(
            recording=heard["path"],
            path=[str(project.folder / "data/voices" / path) for path in heard["path"]],
            start=0.0,
            problem=None,
        )[["recording", "path", "start", "duration", "speaker", "dialog", "turn_start", "problem", "utterance"]]
        self.text_expert = self.experiment / "text_expert.parquet"
        with tables.writing_folds(contracts.SCORES, folder / "scores.parquet") as write:
            for of_fold in tables.Folds(contracts.SCORES, self.experiment / "scores.parquet", only=FOLDS):
                write(of_fold)
        spoken = tables.read(contracts.SPOKEN, self.experiment / "spoken.parquet").drop(
            columns=["dialog", "turn_start"]
        )
        spoken = spoken.merge(utterances[["utterance", "dialog", "turn_start"]], on="utterance")
        tables.write(spoken, contracts.SPOKEN, folder / "spoken.parquet")
        tables.write(utterances, contracts.UTTERANCES, folder / "utterances.parquet")
        for name, code in {"wary": WARY, "peeking": PEEKING}.items():
            (folder / f"{name}.py").write_text(code)
        self.corpus_files = {"transcripts": [str(transcripts)], "text_embeddings": [str(embeddings)]}
        models = [self.experiment / "folds" / fold / "speech" for fold in FOLDS]
        self.files = {
            **{name: str(folder / f"{name}.parquet") for name in ("scores", "spoken")},
            "calibration": str(self.experiment / "calibration.json"),
            "folds": str(self.experiment / "folds.parquet"),
            "models": [f"{path}.safetensors" for path in models],
            "chosen": [f"{path}.json" for path in models],
            "text_expert": str(self.text_expert),
        }

    @cached_property
    def files_of_all(self):
        """As the rules would write them of the first fold without a target."""
        study, folder = Study.load(self.config("bayes_text") | {"model": ALL}, "all", self.folder), self.folder / "all"
        corpus = self.project.folder / "results/corpora/voices"
        (embeddings,), (sentiment,) = corpus.glob("embeddings/*.safetensors"), corpus.glob("sentiment/*/*.parquet")
        utterances = tables.read(contracts.UTTERANCES, self.folder / "utterances.parquet")
        written, text_embeddings = self.transcripts.reset_index(), self.corpus_files["text_embeddings"]
        of_folds = splits.source_folds(
            splits.cross_corpus, utterances, **study.learned.source_folds_recipe["splitting"]
        )
        fold = of_folds[of_folds["fold"].isin(study.learned.folds)]
        voice = classifier.fit([embeddings], fold, utterances, **study.config["speech"]["regression"])
        speech = classifier.predict(voice, [embeddings], fold, utterances)
        said = tables.read(contracts.SENTIMENT_LOGITS, sentiment)
        spoken = scores.spoken(utterances, written, scores.sentiments(said))
        tables.write(speech, contracts.SPEECH_LOGITS, folder / "speech.parquet")
        voice_of = [tables.Folds(contracts.SPEECH_LOGITS, folder / "speech.parquet")]
        ((joined, temperatures),) = scores.voices(voice_of, spoken, "spoken.parquet", calibration=True)
        recipe = study.model_recipe["text_experts"]
        experts = expert.make_experts(recipe["experts"], text_embeddings)
        (read,) = expert.predict([fold], utterances, written, experts, parts=recipe["parts"])
        files = {name: folder / f"{name}.parquet" for name in ("scores", "spoken", "folds", "text_expert")}
        files |= {"calibration": folder / "calibration.json", "models": folder / "speech.safetensors"}
        files |= {"chosen": folder / "speech.json"}
        tables.write(joined, contracts.SCORES, files["scores"])
        tables.write(spoken, contracts.SPOKEN, files["spoken"])
        tables.write(of_folds, contracts.FOLDS, files["folds"])
        tables.write(read, contracts.TEXT_EXPERT, files["text_expert"])
        tables.write_json({"temperature": temperatures}, files["calibration"])
        classifier.write(voice, files["models"], files["chosen"])
        return {name: [str(path)] if name in ("models", "chosen") else str(path) for name, path in files.items()}

    def config(self, method):
        config = copy.deepcopy(self.project.config)
        config["experiments"]["voices"]["folds"] = FOLDS
        methods = {"speech": None, "stacking": None, method: METHODS[method]}
        return config | {"study": "packaged", "methods": methods, "model": {"experiment": "voices", "method": method}}

    def predictions(self, recipe, method):
        """The table as rule fuse would write it."""
        table = scores.Scores(self.folder / "scores.parquet", self.folder / "spoken.parquet", [self.text_expert])
        predictions = []
        arguments = recipe["entry"], recipe["path"], recipe["seed"], method, 2, predictions.append, lambda inner: None
        folds.run(table, *arguments)
        return pd.concat(predictions, ignore_index=True)

    def model(self, method, training="folds"):
        """The folder of a model, made once, and the predictions of the study."""
        if (method, training) not in self.made:
            config = self.config(method)
            config["model"]["training"] = training
            recipe = Study.load(config, method, self.folder).model_recipe
            of_study = {
                name: self.predictions(recipe | {"entry": entry, "path": path}, name)
                for name, entry, path in [
                    ("speech", {"fit_on": ["validation"], "parameters": {}}, "emofuse.fusion.single:Speech"),
                    (method, recipe["entry"], recipe["path"]),
                ]
            }
            place = self.folder / training / method
            tables.write(of_study[method], contracts.PREDICTIONS, place / "predictions.parquet")
            of_folds = {name: by_fold(predictions) for name, predictions in of_study.items()}
            compared = comparison_of(of_folds, [], confidence=0.95, resamples=100, seed=0)
            tables.write(compared, contracts.COMPARISON, place / "comparison.parquet")
            tables.write(metrics_of(of_folds), contracts.METRICS, place / "metrics.parquet")
            files = self.files if training == "folds" else self.files_of_all
            given = package.Given(
                **files | {"text_expert": [files["text_expert"]] if recipe["text_experts"] else []},
                **{name: str(place / f"{name}.parquet") for name in ("predictions", "comparison", "metrics")},
                utterances=[str(self.folder / "utterances.parquet")],
                **self.corpus_files,
            )
            with keeping.making(place / "model") as folder:
                package.write(folder, recipe, given)
                flavor.write(folder)
            self.made[method, training] = place / "model", of_study[method]
        return self.made[method, training]


@pytest.fixture(scope="module")
def packaged(finished_audio, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finished_audio.folder)
        yield Packaged(finished_audio, tmp_path_factory.mktemp("packaged"))


@pytest.fixture(scope="module")
def written():
    """What Whisper has written down, by utterance: once for all models."""
    return {}


@pytest.fixture
def asked(written, monkeypatch):
    """The utterances that a model lets Whisper write down."""
    names, transcripts = [], Stages.transcripts

    def once(stages):
        def work(rows):
            names.extend(rows["utterance"])
            new = rows[~rows["utterance"].isin(written)]
            if len(new):
                written.update(transcripts(stages)(new).set_index("utterance").to_dict("index"))
            known = {name: written[name] for name in rows["utterance"]}
            return pd.DataFrame.from_dict(known, orient="index").rename_axis("utterance").reset_index()

        return work

    monkeypatch.setattr(Stages, "transcripts", once)
    return names


@pytest.mark.parametrize("method", [method for method in METHODS if method != "peeking"])
def test_a_member_says_what_its_fold_says(packaged, asked, method):
    folder, predictions = packaged.model(method)
    of_fold = predictions[predictions["fold"] == "anna"].set_index("utterance")
    talk = packaged.recordings[packaged.recordings["speaker"].isin(["anna", "bert"])]
    model = Model.load(folder, device="cpu")
    said = model.predict(talk, members=["anna"])
    tables.check(said, contracts.PREDICTED, method)
    selected = talk["utterance"][said["selected"].to_numpy()]
    assert sorted(asked) == sorted(selected), "no other utterance is written down"
    said = said.set_index(talk["utterance"]).loc[of_fold.index]
    assert said["problem"].isna().all()
    np.testing.assert_allclose(said[PROBABILITY], of_fold[PROBABILITY], rtol=0, atol=1e-6)
    np.testing.assert_allclose(said[["entropy", "varentropy"]], of_fold[["entropy", "varentropy"]], atol=1e-6)
    assert (said["emotion"] == of_fold["predicted"]).all() and (said["selected"] == of_fold["selected"]).all()
    of_study = packaged.transcripts.loc[of_fold.index[of_fold["selected"]]]
    own = said[said["selected"]]
    assert (own["text"] == of_study["text"]).all() and said.loc[~said["selected"], "text"].isna().all()
    np.testing.assert_allclose(own["mean_log_probability"], of_study["mean_log_probability"], atol=1e-4)


def test_the_tests_above_meet_methods_that_select_some_and_not_all(packaged):
    shares = {packaged.model(method)[1]["selected"].mean() for method in ("entropy", "cascade_text", "wary")}
    assert any(0 < share < 1 for share in shares)


def test_members_answer_together(packaged, asked):
    model = Model.load(packaged.model("stacking")[0], device="cpu")
    rows = packaged.recordings.iloc[:6]
    alone = [model.predict(rows, members=[fold])[PROBABILITY].to_numpy() for fold in FOLDS]
    mean = np.exp(np.mean(np.log(alone), axis=0))
    together = model.predict(rows)
    np.testing.assert_allclose(together[PROBABILITY], mean / mean.sum(axis=1, keepdims=True), atol=1e-6)
    assert together["confidence"].between(0, 1).all()


FRESH = """
import json, sys
import pandas as pd
from emofuse.model.model import Model
from emofuse.model.served import AUDIO_ROOT
model = Model.load(sys.argv[1], device="cpu")
rows = pd.read_parquet(sys.argv[2])
model.predict(rows, words="never")
print(json.dumps("whisper" in sys.modules))
print(model.predict(rows).to_json(orient="records", double_precision=15))
"""


def test_a_fresh_process_says_the_same_of_one_recording_and_loads_no_whisper_before_it_needs_it(packaged, tmp_path):
    folder, predictions = packaged.model("wary")
    selected = predictions.loc[predictions["selected"], "utterance"].iloc[:3]
    rows = packaged.recordings[packaged.recordings["utterance"].isin(selected)].drop(columns="utterance")
    moved = folder.rename(tmp_path / "moved")
    try:
        among = Model.load(moved, device="cpu").predict(rows)
        rows.iloc[[1]].to_parquet(tmp_path / "one.parquet")
        command = [sys.executable, "-c", FRESH, str(moved), str(tmp_path / "one.parquet")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        imported, said = map(json.loads, done.stdout.splitlines())
        keeping.check_seal(moved)  # nothing was added by its use
    finally:
        moved.rename(folder)
    assert imported is False
    there, here = pd.DataFrame(said).iloc[0], among.iloc[1]
    assert there["emotion"] == here["emotion"] and there["text"] == here["text"]
    np.testing.assert_allclose(there[PROBABILITY].astype(float), here[PROBABILITY].astype(float), atol=1e-6)


PYFUNC = """
import sys
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
import emofuse
assert emofuse.__file__.startswith(sys.argv[1]), emofuse.__file__
print(model.predict([{"path": path} for path in sys.argv[2:]]).to_json(orient="records", double_precision=15))
"""


def assert_same(said, expected):
    """Rows of JSON say what a table of predictions does."""
    for row, (_, one) in zip(said, expected.iterrows(), strict=True):
        np.testing.assert_allclose([row[name] for name in PROBABILITY], one[PROBABILITY].astype(float), atol=1e-6)
        assert (row["emotion"], row["selected"]) == (one["emotion"], one["selected"])
        assert row["text"] == (None if pd.isna(one["text"]) else one["text"])


@pytest.fixture(scope="module")
def three(packaged):
    """A model that selects some, three recordings, and what it says of them."""
    folder, predictions = packaged.model("wary")
    selected = predictions.loc[predictions["selected"], "utterance"]
    asked = packaged.recordings["utterance"].isin(selected.iloc[:2])
    rows = pd.concat([packaged.recordings[asked], packaged.recordings[~asked].iloc[:1]]).drop(columns="utterance")
    rows = rows.assign(speaker=None, dialog=None, turn_start=np.nan)
    return folder, rows, Model.load(folder, device="cpu").predict(rows)


def test_mlflow_loads_it_with_the_library_that_it_ships(packaged, three, tmp_path):
    folder, rows, said = three
    moved = shutil.copytree(folder, tmp_path / "moved")
    root = packaged.project.folder / "data/voices"
    command = [sys.executable, "-c", PYFUNC, str(moved), *rows["recording"]]
    # Not the library that is tested: its own.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {AUDIO_ROOT: str(root)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert_same(json.loads(done.stdout.splitlines()[-1]), said)
    keeping.check_seal(moved)  # no bytecode was written into it


OUTSIDE = ["../outside.wav", "link.wav", "/etc/passwd", "../no/such/file.wav"]


def ask(address, request):
    """The status and the answer of a server."""
    data = request if isinstance(request, bytes) else json.dumps(request).encode()
    asked = urllib.request.Request(f"{address}/invocations", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def serving(folder, port, root):
    command = [str(Path(sys.executable).with_name("mlflow")), "models", "serve", "-m", str(folder)]
    command += ["--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {AUDIO_ROOT: str(root), "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = (root.parent / "server.log").open("wb")
    return subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=root.parent, start_new_session=True)


def test_mlflow_serves_it_and_trusts_no_request(packaged, three, tmp_path):
    folder, rows, said = three
    root = tmp_path / "audio"
    root.mkdir()
    shutil.copy(rows["path"].iloc[0], root / "inside.wav")
    shutil.copy(rows["path"].iloc[1], tmp_path / "outside.wav")
    (root / "link.wav").symlink_to(tmp_path / "outside.wav")
    audio = [base64.b64encode(Path(path).read_bytes()).decode() for path in rows["path"]]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    address, process = f"http://127.0.0.1:{port}", serving(folder, port, root)
    try:
        for _ in range(600):
            assert process.poll() is None, (tmp_path / "server.log").read_text()[-2000:]
            with suppress(OSError), urllib.request.urlopen(f"{address}/ping", timeout=5):
                break
            time.sleep(0.25)
        recordings = [{"path": "inside.wav"}, {"audio": audio[1]}, {"audio": audio[2]}, {"audio": audio[2][:40]}]
        status, answer = ask(address, {"inputs": recordings})
        *answered, broken = answer["predictions"]
        assert status == 200
        assert_same(answered, said)
        assert [row["recording"] for row in answered] == ["inside.wav", "1", "2"]
        assert broken["problem"] and broken["emotion"] is None and broken["recording"] == "3"
        status, answer = ask(address, {"inputs": recordings[:3], "params": {"words": "never"}})
        assert status == 200 and not any(row["selected"] for row in answer["predictions"])
        refused = {
            "valid JSON": b"{",
            "is no base64": {"inputs": [{"audio": "%"}]},
            "Extra inputs are not permitted": {"inputs": [{"audio": audio[0], "sound": "x"}]},
            "either audio or path": {"inputs": [{}]},
            "words is 'no'": {"inputs": [{"audio": audio[0]}], "params": {"words": "no"}},
            "budget": {"inputs": [{"audio": audio[0]}], "params": {"budget": 2.0}},
            **{f"path is {path!r}, which leads out": {"inputs": [{"path": path}]} for path in OUTSIDE},
        }
        for reason, request in refused.items():
            status, answer = ask(address, request)
            assert status == 400 and reason in answer["message"], (reason, answer)
        keeping.check_seal(folder)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def test_a_folder_with_a_planted_file_is_not_served(packaged, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [*sys.path])  # to which MLflow adds the model's own code
    planted = shutil.copytree(packaged.model("speech")[0], tmp_path / "planted")
    (planted / "members" / "extra.txt").write_text("planted")
    with pytest.raises(InputError, match=r"extra\.txt: is not named in digests\.json"):
        mlflow.pyfunc.load_model(str(planted))


def test_a_model_has_the_same_bytes_each_time(packaged, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        shutil.copy(packaged.model("wary")[0] / package.DESCRIPTION, tmp_path / name)
        flavor.write(tmp_path / name)
    assert not subprocess.run(["diff", "-r", tmp_path / "first", tmp_path / "second"]).returncode


def test_the_command_says_what_it_can_and_why_not_for_the_rest(three, tmp_path):
    folder, rows, said = three
    for path in rows["path"].iloc[:2]:
        shutil.copy(path, tmp_path)
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    names = [Path(path).name for path in rows["path"].iloc[:2]]
    command = [sys.executable, "-m", "emofuse", "predict", str(folder), *names, "broken.wav", "--output", "said.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "emofuse: broken.wav: unreadable" in done.stderr
    *answered, broken = map(json.loads, (tmp_path / "said.jsonl").read_text().splitlines())
    assert_same(answered, said.iloc[:2])
    assert broken["emotion"] is None and broken["problem"].startswith("unreadable")


def test_what_cannot_be_used_gets_a_reason_and_the_others_their_answer(packaged, asked, tmp_path):
    model = Model.load(packaged.model("speech")[0], device="cpu")
    rows = packaged.recordings.iloc[:4].copy()
    (tmp_path / "noise.wav").write_bytes(b"no audio")
    rows.iloc[0, rows.columns.get_loc("path")] = str(tmp_path / "noise.wav")
    rows.iloc[1, rows.columns.get_loc("problem")] = "lasts for hours"
    rows.iloc[2, rows.columns.get_loc("duration")] = 100.0
    said = model.predict(rows)
    assert said["problem"].str.contains("unreadable|lasts for hours|should last until 100 s").tolist()[:3] == [True] * 3
    assert said["emotion"].notna().tolist() == [False, False, False, True]
    assert said[PROBABILITY].notna().all(axis=1).tolist() == [False, False, False, True]
    nothing = model.predict(rows.iloc[:2])
    assert nothing["emotion"].isna().all() and len(model.predict(rows.iloc[:0])) == 0
    with pytest.raises(InputError, match="column 'path' is missing"):
        model.predict(rows.drop(columns="path"))


def test_an_utterance_that_whisper_cannot_hear_gets_a_reason(packaged, asked, monkeypatch):
    folder, _ = packaged.model("stacking")
    lost = packaged.recordings["path"].iloc[1]

    def refuse(stages):
        def work(rows):
            if (rows["path"] == lost).any():
                raise InputError(["lasts 40 s; should be at most 30 s"])
            return before(rows)

        before = transcripts(stages)
        return work

    transcripts = Stages.transcripts
    monkeypatch.setattr(Stages, "transcripts", refuse)
    said = Model.load(folder, device="cpu").predict(packaged.recordings.iloc[:4])
    assert said["problem"].tolist()[1] == "lasts 40 s; should be at most 30 s"
    assert said["emotion"].isna().tolist() == [False, True, False, False]


def test_words_and_budgets_are_asked_of_methods_that_have_them(packaged, asked):
    speech, stacking, cascade = (
        Model.load(packaged.model(name)[0], device="cpu") for name in ("speech", "stacking", "cascade_text")
    )
    rows = packaged.recordings.iloc[:4]
    with pytest.raises(InputError, match="words is 'never'; stacking reads the words of utterances; should be"):
        stacking.predict(rows, words="never")
    with pytest.raises(InputError, match=r"budget is 0\.1; stacking has no front"):
        stacking.predict(rows, budget=0.1)
    with pytest.raises(InputError, match="budget is 2; should be a share between 0 and 1"):
        cascade.predict(rows, budget=2)
    with pytest.raises(InputError, match="members: 'dirk' is none of this model; should be one of anna, cora"):
        speech.predict(rows, members=["dirk"])
    assert not asked
    always = speech.predict(rows, words="always")
    assert always["text"].notna().all() and not always["selected"].any()
    assert (always[PROBABILITY] == speech.predict(rows)[PROBABILITY]).all(axis=None)
    assert not cascade.predict(rows, words="never")["selected"].any()
    assert not cascade.predict(rows, budget=0)["selected"].any()
    assert cascade.predict(rows, budget=1)["selected"].all()


def test_the_card_says_what_it_was_trained_on_and_what_to_expect(packaged):
    folder, _ = packaged.model("cascade_text")
    card = (folder / "README.md").read_text()
    assert card.startswith("# packaged / voices / cascade_text\n")
    assert "| anna | train | voices | 2 | 24 |" in card and "| all utterances | 0." in card
    assert "| transcripts | checkpoints/whisper.safetensors | unknown |" in card
    rows = tables.read(contracts.FOLDS, folder / package.TRAINED_ON)
    assert set(rows["fold"]) == set(FOLDS) and "test" not in set(rows["split"])


def test_a_method_that_reads_words_which_it_does_not_select_is_refused(packaged):
    with pytest.raises(InputError, match=r"fold anna: the method, fitted again and told no words but those .* fuse$"):
        packaged.model("peeking")
    assert not (packaged.folder / "folds/peeking/model").exists()
    with pytest.raises(InputError, match=r"fold 0: the method, fitted again and told no words .* say the same$"):
        packaged.model("peeking", "all")


def test_one_model_of_all_speakers_says_what_its_fold_says_of_validation(packaged, asked):
    folder, _ = packaged.model("bayes_text", "all")
    rows = tables.read(contracts.FOLDS, folder / package.TRAINED_ON)
    speakers = rows.merge(packaged.recordings, on="utterance").groupby("split")["speaker"].unique()
    assert {split: sorted(names) for split, names in speakers.items()} == {
        "train": ["cora", "dirk"],
        "validation": ["anna", "bert"],
    }
    heard = packaged.recordings[packaged.recordings["speaker"] == "anna"]
    said = Model.load(folder, device="cpu").predict(heard).set_index(heard["utterance"])
    files = packaged.files_of_all
    table = scores.Scores(files["scores"], files["spoken"], [files["text_expert"]])
    entry, path = {"parameters": {}, "fit_on": ["validation"]}, "emofuse.fusion.combination:BayesText"
    ((_, part, method),) = folds.fitted(table, entry, path, [], "bayes_text")
    of_fold = folds.predict(method, part[part["utterance"].isin(heard["utterance"])], folds.around(part))
    expected = of_fold.set_index("utterance").loc[heard["utterance"], PROBABILITY]
    np.testing.assert_allclose(said[PROBABILITY], expected, rtol=0, atol=1e-6)
    card = (folder / "README.md").read_text()
    assert "The member is 0, the first by name of the folds in which one session" in card
    assert "each of which kept speakers for its test. This model was not tested" in card
    assert "answer together" not in card and "| 0 | train | voices | 2 | 24 |" in card
