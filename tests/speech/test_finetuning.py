"""Fine-tuning learns, starts again where it stopped, and gives the same bytes each time."""

import functools
import json
import os
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import ROOT, listed
from transformers import Trainer, TrainingArguments

from emofuse import accuracy, audio, contracts, provenance, tables
from emofuse.fusion.single import Speech
from emofuse.model import members
from emofuse.model.members import Member
from emofuse.model.stages import Stages
from emofuse.speech import encoder, finetuning, logits
from emofuse.tables import EMOTIONS, SPLITS, InputError, columns

LOGITS = columns("logit", EMOTIONS)


@pytest.fixture
def finetune(checkpoint, fold, utterances, recordings, tmp_path):
    training = {"crop": 0.5, "learning_rate": 1e-3, "batch_size": 8, "epochs": 4, "patience": 4, "class_weights": False}
    settings = training | {"seed": 1, "budget": 320_000, "device": "cpu"}

    def run(folder="a", heard=recordings, rows=fold, **changes):
        changed = settings | changes
        model = finetuning.finetune(checkpoint, rows, utterances, heard, tmp_path / folder, **changed)
        finetuning.keep(model, tmp_path / f"{folder}-kept")
        kept = {"budget": changed["budget"], "device": "cpu"}
        return finetuning.classify(tmp_path / f"{folder}-kept", rows, heard, **kept), model.chosen

    return run


def test_the_table_has_logits_for_each_utterance_of_the_fold(finetune, fold):
    speech, chosen = finetune(epochs=1)
    assert tables.check(speech, contracts.SPEECH_LOGITS, "speech.parquet").equals(speech)
    pd.testing.assert_frame_equal(speech[["fold", "split", "utterance"]], fold)
    assert chosen.keys() == {"epoch", "validation_UA", "emotions"}


def test_a_model_needs_no_test_utterance_and_is_a_checkpoint_of_the_public_kind(finetune, fold, recordings, tmp_path):
    expected, chosen = finetune("whole", epochs=1)
    source, target = fold[fold["split"] != "test"], fold[fold["split"] == "test"]
    speech, chosen_of_source = finetune("source", epochs=1, rows=source)
    assert chosen_of_source == chosen
    applied = finetuning.classify(tmp_path / "source-kept", target, recordings, budget=320_000, device="cpu")
    both = pd.concat([speech, applied]).set_index("utterance").loc[expected["utterance"]]
    np.testing.assert_allclose(both[LOGITS], expected[LOGITS], atol=1e-5)
    assert {path.name for path in (tmp_path / "source-kept").iterdir()} == set(finetuning.KEPT)
    again, _ = encoder.load(finetuning.AutoModel, {"path": str(tmp_path / "source-kept")})
    assert again.config.id2label == dict(enumerate(EMOTIONS))


def test_a_member_that_is_packaged_says_the_same(finetune, fold, recordings, tmp_path):
    expected, _ = finetune("a", epochs=1)
    method = Speech().fit(np.full((4, 7), 0.25), EMOTIONS)
    members.write(Member("one", tmp_path / "a-kept", 1.0, [], method, []), tmp_path / "model/one")
    voice = members.read(tmp_path / "model/one", "emofuse.fusion.single:Speech", {}).voice
    stages = Stages({"speech": {"classifier": "finetuning"}}, tmp_path / "model", "cpu", fetch=False)
    heard = fold[["utterance"]].merge(recordings, on="utterance")
    first, second = stages.voice([voice, voice])(heard)
    np.testing.assert_allclose(first, expected[LOGITS], atol=1e-6)
    assert (first == second).all()


def test_an_emotion_that_training_lacks_is_never_predicted(finetune, fold, utterances):
    is_sad = fold["utterance"].map(utterances.set_index("utterance")["emotion"]) == "sad"
    rows = fold[~(is_sad & (fold["split"] == "train"))]
    speech, chosen = finetune(epochs=1, rows=rows, class_weights=True)
    assert chosen["emotions"] == ["angry", "happy", "neutral"]
    assert (speech["logit_sad"] == logits.ABSENT).all()
    assert speech[LOGITS[:3]].abs().max(axis=None) < 100


def test_it_learns(finetune, fold, utterances):
    speech, chosen = finetune(epochs=24, learning_rate=3e-3, patience=24)
    assert chosen["validation_UA"] > 0.6  # chance is 0.25
    labels = logits.labels(fold, utterances)
    validation = fold["split"] == "validation"
    predicted = speech.loc[validation, LOGITS].to_numpy().argmax(axis=1)
    assert accuracy.unweighted_accuracy(labels[validation], predicted) == pytest.approx(chosen["validation_UA"])


def test_same_seed_same_numbers_and_another_seed_others(finetune):
    first, second, other = finetune("a", epochs=2), finetune("b", epochs=2), finetune("c", epochs=2, seed=2)
    pd.testing.assert_frame_equal(first[0], second[0], check_exact=True)
    assert first[1] == second[1]
    assert not np.allclose(first[0][LOGITS], other[0][LOGITS])


class Crash(Exception):
    pass


def crash_when(monkeypatch, method, condition):
    original = getattr(Trainer, method)

    @functools.wraps(original)
    def crashing(self, *args, **kwargs):
        if condition(self):
            raise Crash
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, method, crashing)


@pytest.fixture
def finetune_until(finetune, monkeypatch):
    """Fine-tuning that crashes in a step, as that step begins or in another method of the trainer."""

    def run(step, *args, method="training_step", **changes):
        with monkeypatch.context() as patch:
            crash_when(patch, method, lambda trainer: trainer.state.global_step == step)
            with pytest.raises(Crash):
                finetune(*args, **changes)

    return run


@pytest.mark.parametrize(
    ("method", "step"),
    [("training_step", 8), ("_save_rng_state", 6)],
    ids=["within the third epoch", "while the second checkpoint is written"],
)
def test_after_a_crash_it_goes_on_and_ends_as_if_nothing_had_happened(
    finetune, finetune_until, monkeypatch, method, step
):
    expected, chosen = finetune("whole")
    finetune_until(step, "crashed", method=method)
    steps = []
    with monkeypatch.context() as patch:
        crash_when(patch, "training_step", lambda trainer: steps.append(trainer.state.global_step))
        resumed, chosen_after = finetune("crashed")
    assert 0 < len(steps) < 12  # 4 epochs of 3 steps
    pd.testing.assert_frame_equal(resumed, expected, check_exact=True)
    assert chosen_after == chosen


def test_after_a_crash_when_training_had_ended_it_only_classifies(finetune, monkeypatch):
    expected, _ = finetune("ended")
    crash_when(monkeypatch, "training_step", lambda trainer: True)
    pd.testing.assert_frame_equal(finetune("ended")[0], expected, check_exact=True)


def test_patience_ends_training_and_the_best_epoch_is_kept(finetune, monkeypatch, tmp_path):
    uas = iter([0.3, 0.5, 0.4, 0.5, 0.2, 0.9])
    monkeypatch.setattr(accuracy, "unweighted_accuracy", lambda *_: next(uas))
    _, chosen = finetune(epochs=6, patience=2)
    assert chosen == {"epoch": 2, "validation_UA": 0.5, "emotions": list(EMOTIONS)}
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["checkpoint-12", "checkpoint-6"]


def test_weights_are_saved_as_safetensors_and_state_is_loaded_without_unpickling(
    finetune, finetune_until, monkeypatch, tmp_path
):
    finetune_until(4)
    assert (tmp_path / "a/checkpoint-3/model.safetensors").is_file()
    loads = []
    original = torch.load

    def recording(*args, **kwargs):
        loads.append(kwargs.get("weights_only"))
        return original(*args, **kwargs)

    monkeypatch.setattr(torch, "load", recording)
    finetune()
    assert loads and all(loads)


@pytest.fixture
def mixed(monkeypatch):
    """The mixed precision of a GPU, on a CPU."""
    monkeypatch.setattr(
        finetuning, "TrainingArguments", lambda **given: TrainingArguments(**given | {"bf16": True, "use_cpu": True})
    )


def test_in_mixed_precision_training_is_in_half_and_validation_in_whole(
    finetune, mixed, fold, recordings, monkeypatch, tmp_path
):
    dtypes, validated = set(), []
    predict, product = finetuning.predict, torch.nn.functional.linear

    def linear(hidden, *weights):
        result = product(hidden, *weights)
        dtypes.add(result.dtype)
        return result

    def predicting(*args):
        before = dtypes.copy()
        dtypes.clear()
        validated.append(predict(*args))
        assert dtypes == {torch.float32}
        dtypes.update(before)
        return validated[-1]

    monkeypatch.setattr(torch.nn.functional, "linear", linear)
    monkeypatch.setattr(finetuning, "predict", predicting)
    _, chosen = finetune(epochs=2)
    assert torch.bfloat16 in dtypes
    # The last call classified the whole fold with the model that was kept.
    of_fold = validated.pop()
    validation = (fold["split"] == "validation").to_numpy()
    np.testing.assert_allclose(validated[chosen["epoch"] - 1], of_fold[validation], atol=1e-5)


def test_after_a_crash_in_mixed_precision_it_goes_on(finetune, finetune_until, mixed):
    expected, chosen = finetune("whole", epochs=2)
    finetune_until(4, "crashed", epochs=2)
    resumed, chosen_after = finetune("crashed", epochs=2)
    pd.testing.assert_frame_equal(resumed, expected, check_exact=True)
    assert chosen_after == chosen


def test_training_that_scaled_gradients_goes_on_where_none_are_scaled(finetune, finetune_until, tmp_path):
    expected, _ = finetune("whole", epochs=2)
    finetune_until(4, "scaled", epochs=2)
    torch.save({"scale": 65536.0}, tmp_path / "scaled/checkpoint-3/scaler.pt")  # as float16 leaves it
    pd.testing.assert_frame_equal(finetune("scaled", epochs=2)[0], expected, check_exact=True)


@pytest.mark.gpu
def test_on_a_gpu_training_in_mixed_precision_goes_on_and_a_cpu_says_the_same(
    finetune, finetune_until, fold, recordings, tmp_path
):
    expected, _ = finetune("whole", device="auto")
    finetune_until(8, "crashed", device="auto")
    resumed, _ = finetune("crashed", device="auto")
    # Some of a GPU's sums have no fixed order.
    np.testing.assert_allclose(resumed[LOGITS], expected[LOGITS], atol=0.05)
    on_gpu = finetuning.classify(tmp_path / "whole-kept", fold, recordings, budget=320_000, device="auto")
    np.testing.assert_allclose(on_gpu[LOGITS], expected[LOGITS], atol=1e-3)


def test_a_class_that_is_rare_weighs_more():
    loss = finetuning._loss(np.array([0, 0, 0, 1, 2, 3]), class_weights=True)

    class Outputs:
        logits = torch.zeros(2, 4).log_softmax(1) + torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]])

    plain = finetuning._loss(np.array([0, 0, 0, 1, 2, 3]), class_weights=False)
    # The first utterance is of the frequent class and well recognised; weighing it less makes the loss larger.
    assert loss(Outputs, torch.tensor([0, 1])) > plain(Outputs, torch.tensor([0, 1]))


def test_whole_utterances_are_classified_the_same_in_batches_and_one_by_one(make_checkpoint, recordings):
    model, extractor = finetuning._with_new_head(*encoder.load(finetuning.AutoModel, make_checkpoint()), EMOTIONS)
    together = finetuning.predict(model, extractor, recordings, budget=200_000)
    alone = finetuning.predict(model, extractor, recordings, budget=1)
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_parts_of_a_file_train_and_are_classified_as_files_of_their_own(finetune, as_parts):
    files, _ = finetune("files", epochs=1)
    parts, _ = finetune("parts", heard=as_parts, epochs=1)
    # Samples of 16 bits, a second time.
    np.testing.assert_allclose(parts[LOGITS], files[LOGITS], atol=1e-3)


@pytest.fixture
def training_folder(fold, utterances, relative, checkpoint, tmp_path):
    arguments = {
        "recipe": {"training": {"crop": 6.0}, "seed": [0, "voices"]},
        "fold": fold,
        "utterances": utterances,
        "recordings": relative,
        "checkpoint": [f"{checkpoint['path']}/model.safetensors"],
    }
    return lambda **changes: finetuning.training_folder(tmp_path, **arguments | changes)


def test_training_goes_on_from_its_own_checkpoints_wherever_the_corpus_lies(training_folder, utterances, relative):
    # Neither the corpus's folder nor the device is an argument; nor does the order of the tables count.
    assert training_folder(utterances=utterances[::-1], recordings=relative[::-1]) == training_folder()


def test_the_script_hears_each_corpus_in_its_own_folder(
    finetune, corpus, utterances, relative, root, fold, checkpoint, tmp_path
):
    expected, chosen = finetune(epochs=1, seed=provenance.seed(0, "voices"))
    is_test = (corpus["speaker"] == "s2").to_numpy()
    inputs, roots = {"recordings": [], "utterances": []}, []
    for name, part in (("source", ~is_test), ("target", is_test)):
        roots.append(str(tmp_path / name))
        shutil.copytree(root, roots[-1])
        for kind, contract, table in (
            ("recordings", contracts.RECORDINGS, relative),
            ("utterances", contracts.UTTERANCES, utterances),
        ):
            inputs[kind].append(tmp_path / f"{name}_{kind}.parquet")
            tables.write(table[part], contract, inputs[kind][-1])
    tables.write(fold, contracts.FOLDS, tmp_path / "folds.parquet")
    training = {"crop": 0.5, "learning_rate": 1e-3, "batch_size": 8, "epochs": 1, "patience": 4, "class_weights": False}
    resources = {"device": "cpu", "budget": 320_000, "root": os.pathsep.join(roots), "folder": str(tmp_path / "begun")}
    job = SimpleNamespace(
        input=listed(
            inputs
            | {"folds": tmp_path / "folds.parquet", "checkpoint": [Path(checkpoint["path"], "model.safetensors")]}
        ),
        output=listed(
            {
                "speech": tmp_path / "speech.parquet",
                "chosen": tmp_path / "speech.json",
                "model": tmp_path / "speech/model.safetensors",
            }
        ),
        params=SimpleNamespace(
            recipe={"checkpoint": checkpoint, "training": training, "seed": [0, "voices"], "splits": SPLITS}
        ),
        resources=SimpleNamespace(**resources),
        wildcards=SimpleNamespace(fold="s2"),
        log=[tmp_path / "finetune.log"],
        threads=1,
    )
    runpy.run_path(str(ROOT / "workflow/scripts/finetune.py"), {"snakemake": job})
    pd.testing.assert_frame_equal(tables.read(contracts.SPEECH_LOGITS, job.output.speech), expected, check_exact=True)
    assert tables.read_json(job.output.chosen) == chosen
    assert not (tmp_path / "begun").exists()


def test_no_training_goes_on_from_that_of_another(training_folder, fold, utterances, relative, tmp_path):
    (tmp_path / "other.safetensors").write_bytes(b"other")
    changes = [
        {"recipe": {"training": {"crop": 3.0}, "seed": [0, "voices"]}},
        {"fold": fold[1:]},
        {"utterances": utterances.assign(emotion=["sad", *utterances["emotion"][1:]])},
        {"recordings": relative.assign(path=["other.wav", *relative["path"][1:]])},
        {"recordings": relative.assign(start=0.05)},
        {"checkpoint": [tmp_path / "other.safetensors"]},
    ]
    folders = {training_folder(), *(training_folder(**change) for change in changes)}
    assert len(folders) == 1 + len(changes)


def test_long_utterances_are_cut_at_random_places_and_short_ones_repeated():
    torch.manual_seed(0)
    samples = np.arange(100, dtype=np.float32)
    starts = {finetuning.cut(samples, 90)[0] for _ in range(200)}
    assert starts == set(range(11))
    np.testing.assert_array_equal(finetuning.cut(samples, 250), np.r_[samples, samples, samples[:50]])


def test_training_hears_crops_and_validation_whole_utterances(finetune, monkeypatch):
    lengths = {"train": set(), "whole": set()}
    cut, inputs = finetuning.cut, encoder.inputs
    monkeypatch.setattr(finetuning, "cut", lambda *args: lengths["train"].add(len(cut(*args))) or cut(*args))
    monkeypatch.setattr(
        encoder, "inputs", lambda heard, device: lengths["whole"].update(map(len, heard)) or inputs(heard, device)
    )
    finetune(epochs=1)
    assert lengths["train"] == {audio.RATE // 2}
    assert len(lengths["whole"]) > 30


def test_the_log_of_epochs_is_in_the_state(finetune, tmp_path):
    finetune(epochs=2)
    state = json.loads((tmp_path / "a/checkpoint-6/trainer_state.json").read_text())
    assert [entry["epoch"] for entry in state["log_history"] if "eval_UA" in entry] == [1, 2]


def test_the_head_of_another_task_is_left_behind(make_checkpoint):
    """Ready-made emotion classifiers have four labels too, in an order of their own."""
    checkpoint = make_checkpoint()
    model = finetuning.AutoModelForAudioClassification.from_pretrained(checkpoint["path"], num_labels=4)
    torch.nn.init.constant_(model.classifier.bias, 7)
    model.save_pretrained(checkpoint["path"])
    fresh, _ = finetuning._with_new_head(*encoder.load(finetuning.AutoModel, checkpoint), EMOTIONS)
    assert fresh.classifier.bias.abs().max() < 1
    assert list(fresh.config.id2label.values()) == list(EMOTIONS)
    torch.testing.assert_close(fresh.wav2vec2.state_dict(), model.wav2vec2.state_dict())


def test_an_encoder_with_an_adapter_is_refused(make_checkpoint):
    loaded = encoder.load(finetuning.AutoModel, make_checkpoint(add_adapter=True))
    with pytest.raises(InputError, match="cannot be fine-tuned"):
        finetuning._with_new_head(*loaded, EMOTIONS)


def test_a_machine_with_many_gpus_trains_a_fold_on_one(tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning.TrainingArguments, "n_gpu", property(lambda arguments: 4))
    assert finetuning._arguments(tmp_path, 0, 1e-5, 8, 1, "cpu")._n_gpu == 1
