"""A study runs from audio to a report; what a corpus gives is computed once, in shards, and outlives a crash."""

import os
import shutil
import signal

import pandas as pd
import pytest
from helpers import ROOT

from emofuse import contracts, provenance, storage, tables
from emofuse.model import keeping

pytestmark = pytest.mark.slow

CORPUS = "results/corpora/voices"
EXPERIMENT = "results/audio/voices"
SHARDS = ("0", "1", "2")
FOLDS = ("anna", "bert", "cora")
METHODS = ("speech", "oracle", "entropy", "bayes_text")

ACOUSTIC = {f"embeddings {shard}" for shard in SHARDS} | {"merge_embeddings"}
CLASSIFIERS = {f"speech_classifier {fold}" for fold in FOLDS}
WHISPER = {f"transcripts {shard}" for shard in SHARDS} | {"merge_transcripts"}
ENCODED = {"text_embeddings 0", "text_embeddings 1", "merge_text_embeddings", "text_expert"}
READ = {"sentiment", "wer"} | ENCODED
"""What follows from other transcripts, before the scores."""
SCORED = {"spoken", "scores"}
EVALUATION = {"evaluate", "telling", "figures_methods", "figures_experiment", "report", "track", "model", "examples"}
TOLD = {"fuse bayes_text"} | EVALUATION
"""What follows from another text expert."""
FUSION = {f"fuse {method}" for method in METHODS} | EVALUATION


def planned(project):
    return project.planned("method", "fold", "shard")


def changed(project, section, **keys):
    """A section of the config with other values."""
    return {section: project.config[section] | keys}


def other_whisper(project):
    """A config with another Whisper checkpoint."""
    shutil.copy(project.folder / "checkpoints/whisper.pt", project.folder / "checkpoints/other.pt")
    return changed(project, "transcripts", checkpoint={"path": "checkpoints/other.pt"})


def other_encoder(project):
    """A config with another speech checkpoint."""
    shutil.copytree(project.folder / "checkpoints/wav2vec2", project.folder / "checkpoints/other", dirs_exist_ok=True)
    return changed(project, "speech", checkpoint={"path": "checkpoints/other"})


def only(project, pattern):
    """The one file or folder of this pattern."""
    (match,) = project.folder.glob(pattern)
    return match


def test_a_run_makes_everything(finished_audio):
    folder = finished_audio.folder
    utterances = tables.read(contracts.UTTERANCES, folder / CORPUS / "utterances.parquet")
    assert len(utterances) == 48
    for stage, ending in (("embeddings", "safetensors"), ("transcripts", "parquet")):
        merged = only(finished_audio, f"{CORPUS}/{stage}/*.{ending}")
        shards = sorted(path.name for path in merged.with_suffix("").iterdir())
        assert shards == [f"{shard}-of-3.{ending}" for shard in SHARDS]
    transcripts = tables.read(contracts.TRANSCRIPTS, only(finished_audio, f"{CORPUS}/transcripts/*.parquet"))
    assert list(transcripts["utterance"]) == list(utterances["utterance"])
    read = only(finished_audio, f"{CORPUS}/text_embeddings/*/*.safetensors")
    assert storage.names(read) == list(transcripts["utterance"]) and len(list(read.with_suffix("").iterdir())) == 2
    tables.read(contracts.WER, only(finished_audio, f"{CORPUS}/wer/*.parquet"))
    tables.read(contracts.RECORDINGS, folder / CORPUS / "recordings.parquet")
    tables.read(contracts.REFERENCES, folder / CORPUS / "references.parquet")
    scores = tables.read(contracts.SCORES, folder / EXPERIMENT / "scores.parquet")
    assert sorted(scores["fold"].unique()) == list(FOLDS)
    assert (scores.groupby("fold").size() == len(utterances)).all()
    assert sorted(tables.read_json(folder / EXPERIMENT / "calibration.json")["temperature"]) == list(FOLDS)
    for method in METHODS:
        tables.read(contracts.PREDICTIONS, folder / EXPERIMENT / "fusion" / method / "predictions.parquet")
    assert "<dt>word error rate</dt>" in (folder / "results/audio/report.html").read_text(encoding="utf-8")
    tracked = tables.read_json(folder / "results/audio/tracking.json")
    assert len(tracked["runs"]) == len(METHODS) * (1 + len(FOLDS)) and tracked["model"]["status"] == "written"
    keeping.check_seal(folder / "results/audio/model")
    examples = (folder / "results/audio/examples.txt").read_text(encoding="utf-8")
    assert len(examples.splitlines()) == 4 and examples in finished_audio.output


def test_a_long_stage_shows_its_progress_in_its_log_and_on_the_terminal(finished_audio):
    for stage in ("embeddings", "transcripts"):
        log = only(finished_audio, f"results/logs/{stage}/voices/{stage}/*/2-of-3.log").read_text(encoding="utf-8")
        for place in (log, finished_audio.output):
            assert f"{stage}: 100%" in place


def test_nothing_runs_twice(finished_audio):
    assert planned(finished_audio) == set()


def test_another_whisper_runs_no_acoustic_stage(audio):
    audio.write_config(**other_whisper(audio))
    assert planned(audio) == WHISPER | READ | SCORED | FUSION


def test_other_weights_under_the_same_name_run_again(audio):
    path = audio.folder / "checkpoints/whisper.pt"
    kept = path.read_bytes()
    path.write_bytes(kept[:-1])
    try:
        assert planned(audio) == WHISPER | READ | SCORED | FUSION
    finally:
        path.write_bytes(kept)
    assert planned(audio) == set()


def test_another_encoder_runs_no_text_stage(audio):
    audio.write_config(**other_encoder(audio))
    assert planned(audio) == ACOUSTIC | CLASSIFIERS | {"scores"} | FUSION


@pytest.mark.parametrize("section", [{"normalisation": "paper"}, {"checkpoint": {"path": "checkpoints/mood"}}])
def test_another_reading_of_sentiment_transcribes_nothing(audio, section):
    shutil.copytree(audio.folder / "checkpoints/sentiment", audio.folder / "checkpoints/mood", dirs_exist_ok=True)
    audio.write_config(**changed(audio, "sentiment", **section))
    assert planned(audio) == {"sentiment"} | SCORED | FUSION


def test_what_is_regressed_or_calibrated_runs_no_model(audio):
    audio.write_config(**changed(audio, "speech", regression={"c": [0.01, 1.0]}))
    assert planned(audio) == CLASSIFIERS | {"scores"} | FUSION
    audio.write_config(**changed(audio, "speech", calibration=False))
    assert planned(audio) == {"scores"} | FUSION


def test_another_text_expert_runs_no_model(audio):
    encoder = audio.config["text_expert"]["encoder"] | {"c": [0.1]}
    audio.write_config(**changed(audio, "text_expert", encoder=encoder))
    assert planned(audio) == {"text_expert"} | TOLD
    audio.write_config(**changed(audio, "text_expert", experts=["encoder"]))
    assert planned(audio) == {"text_expert"} | TOLD


def test_a_fusion_setting_runs_no_model(audio):
    audio.write_config(**changed(audio, "methods", entropy={"parameters": {"search": "exact", "budget": 0.3}}))
    assert planned(audio) == {"fuse entropy", "front"} | EVALUATION


def test_a_new_method_runs_alone(audio):
    audio.write_config(**changed(audio, "methods", mean=None))
    assert planned(audio) == {"fuse mean"} | EVALUATION


def test_a_new_fold_runs_alone(audio):
    experiment = audio.config["experiments"]["voices"] | {"folds": [*FOLDS, "dirk"]}
    audio.write_config(experiments={"voices": experiment})
    assert planned(audio) == {"speech_classifier dirk", "scores", "text_expert"} | FUSION


@pytest.mark.parametrize(
    ("file", "old", "new", "reruns"),
    [
        (
            "text/transcription.py",
            "TEMPERATURES = (0.0, 0.2",
            "TEMPERATURES = (0.0, 0.1",
            WHISPER | READ | SCORED,
        ),
        ("text/sentiment.py", ".double()", ".float()", {"sentiment"} | SCORED),
        ("text/embeddings.py", "is_text.sum(1)", "is_text.sum(1).float()", ENCODED | TOLD),
        ("text/wer.py", 'result["words"] > 0', 'result["words"] > 1', {"wer"}),
        ("speech/embeddings.py", "initargs=(1,)", "initargs=(2,)", ACOUSTIC | CLASSIFIERS | {"scores"}),
        ("speech/classifier.py", "max_iter=1000", "max_iter=2000", CLASSIFIERS | {"scores"}),
    ],
)
def test_an_edit_of_the_library_reruns_what_reaches_it(audio, file, old, new, reruns):
    audio.edit(f"workflow/emofuse/{file}", old, new)
    assert planned(audio) == reruns | (FUSION if "scores" in reruns else {"report", "track"})


def test_a_second_study_shares_what_depends_on_the_corpus_alone(audio):
    audio.write_config(study="second")
    assert planned(audio) == {"folds", "text_expert", "front"} | SCORED | CLASSIFIERS | FUSION


def test_a_model_of_all_speakers_is_made_of_one_fold_without_a_target(audio):
    audio.write_config(model={"experiment": "voices", "method": "bayes_text", "training": "all"})
    jobs = audio.planned("fold", "experiment", targets=["results/audio/model/digests.json"])
    joined = {f"{rule} sources/voices" for rule in ("spoken", "scores", "text_expert")}
    assert jobs == {"source_folds", "speech_classifier 0", "model"} | joined


def test_reference_transcripts_run_no_whisper(audio_copy):
    audio_copy.write_config(**changed(audio_copy, "transcripts", source="reference"), model=None)
    of_model = {"model", "examples"}
    assert planned(audio_copy) == {"reference_transcripts", "sentiment"} | SCORED | ENCODED | FUSION - of_model
    audio_copy.run(f"{CORPUS}/transcripts/reference.parquet")
    transcripts = tables.read(contracts.TRANSCRIPTS, audio_copy.folder / CORPUS / "transcripts/reference.parquet")
    listed = pd.read_csv(audio_copy.folder / "data/voices/corpus.csv")
    assert sorted(transcripts["text"]) == sorted(listed["transcript"])


def test_finetuning_runs_in_the_place_of_embeddings(audio_copy):
    speech = {"classifier": "finetuning", "training": {"epochs": 1, "crop": 1.0}}
    audio_copy.write_config(**changed(audio_copy, "speech", **speech))
    assert planned(audio_copy) == {f"finetune {fold}" for fold in FOLDS} | {"scores"} | FUSION
    written = [f"{EXPERIMENT}/finetuned/{fold}/speech.parquet" for fold in ("anna", "bert")]
    audio_copy.run("--cores", "8", "--", *written)  # side by side: each fold trains in a folder of its own
    assert not [path for path in (audio_copy.folder / "results").rglob("*") if "{" in path.name]
    for path in written:
        assert len(tables.read(contracts.SPEECH_LOGITS, audio_copy.folder / path)) == 48
    assert not {"finetune anna", "finetune bert"} & planned(audio_copy)


def test_a_shard_that_fails_costs_no_other_shard(audio_copy):
    recordings = tables.read(contracts.RECORDINGS, audio_copy.folder / CORPUS / "recordings.parquet")
    lost = audio_copy.folder / "data/voices" / tables.shard(recordings, 1, 3)["path"].iloc[0]
    first = only(audio_copy, f"{CORPUS}/transcripts/*.parquet")
    audio_copy.write_config(**other_whisper(audio_copy))

    lost.rename(lost.with_suffix(".lost"))
    done = audio_copy.snakemake("--keep-going", "--until", "merge_transcripts")
    assert done.returncode != 0
    assert lost.name in done.stdout
    shards = only(audio_copy, f"{CORPUS}/transcripts/other-*")
    assert sorted(path.name for path in shards.iterdir()) == ["0-of-3.parquet", "2-of-3.parquet"]
    times = {path: path.stat().st_mtime_ns for path in shards.iterdir()}

    lost.with_suffix(".lost").rename(lost)
    assert planned(audio_copy) == {"transcripts 1", "merge_transcripts"} | SCORED | READ | FUSION
    audio_copy.run("--until", "merge_transcripts")
    assert {path: path.stat().st_mtime_ns for path in times} == times
    # The same weights under another name: what two runs put together is what one run gave.
    assert shards.with_suffix(".parquet").read_bytes() == first.read_bytes()


def test_a_killed_run_goes_on_where_it_was(audio_copy):
    first = only(audio_copy, f"{CORPUS}/embeddings/*.safetensors")
    audio_copy.write_config(**other_encoder(audio_copy))

    running = audio_copy.start("--cores", "1", "--until", "merge_embeddings")
    for line in running.stdout:
        if "Finished jobid" in line:
            break
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    shards = only(audio_copy, f"{CORPUS}/embeddings/other-*")
    (done,) = shards.iterdir()

    audio_copy.run("--unlock")
    assert planned(audio_copy) == ACOUSTIC - {f"embeddings {done.stem[0]}"} | CLASSIFIERS | {"scores"} | FUSION
    audio_copy.run("--until", "merge_embeddings")
    assert shards.with_suffix(".safetensors").read_bytes() == first.read_bytes()


def test_a_checkpoint_that_was_not_fetched_is_not_fetched_by_a_stage(audio):
    missing = {"name": "facebook/wav2vec2-base", "revision": "main"}
    audio.write_config(**changed(audio, "speech", checkpoint=missing))
    done = audio.snakemake(
        "--cores", "1", "--until", "embeddings", HF_HOME=str(audio.folder / "empty"), HF_HUB_OFFLINE="0"
    )
    assert done.returncode != 0
    assert "facebook/wav2vec2-base at revision main is not on this machine" in done.stdout
    assert "make fetch CONFIG=" in done.stdout


def test_every_stage_that_loads_a_checkpoint_turns_the_network_off_first():
    loading = set()
    for script in sorted((ROOT / "workflow/scripts").glob("*.py")):
        if any(module == "emofuse.checkpoints" for module, _ in provenance.reach(script)):
            loading.add(script.stem)
            if script.stem != "fetch":
                text = script.read_text(encoding="utf-8")
                for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
                    assert text.index(f'os.environ["{name}"] = "1"') < text.index("from emofuse"), script.name
    assert loading == {
        "embeddings",
        "examples",
        "fetch",
        "finetune",
        "finetuned_target_speech",
        "model",
        "reference_transcripts",
        "sentiment",
        "text_embeddings",
        "transcripts",
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("new.wav,eve,sadd,hello", "emotion is 'sadd'; should be one of angry, happy, neutral, sad"),
        ("anna_sad_0.wav,eve,sad,hello", "utterance 'anna_sad_0' is listed already"),
    ],
)
def test_a_corpus_that_went_bad_is_not_called_up_to_date(audio, line, said):
    manifest = audio.folder / "data/voices/corpus.csv"
    header, *rows = before = manifest.read_text().splitlines()
    columns = header.split(",")
    values = dict(zip(("path", "speaker", "emotion", "transcript"), line.split(","), strict=True))
    try:
        manifest.write_text("\n".join([*before, ",".join(values.get(name, "") for name in columns)]) + "\n")
        done = audio.snakemake()
        assert done.returncode != 0
        assert said in done.stdout
        assert "Nothing to be done" not in done.stdout
    finally:
        manifest.write_text("\n".join([header, *rows]) + "\n")


def test_a_corpus_that_was_moved_away_is_missed(audio):
    audio.write_config(data_dir="nowhere")
    done = audio.snakemake("--dry-run")
    assert done.returncode != 0
    assert "nowhere/voices/corpus.csv: no such file or folder" in done.stdout


def test_a_fold_that_the_corpus_does_not_give_is_named_before_anything_runs(audio):
    experiments = {"voices": audio.config["experiments"]["voices"] | {"folds": ["anna", "berta"]}}
    audio.write_config(experiments=experiments)
    done = audio.snakemake("--dry-run")
    assert done.returncode != 0
    assert "experiments.voices: folds: 'berta' is no fold; should be one of anna, bert, cora, dirk" in done.stdout
