"""A study answers what rules, report and tracking ask of it, from its config and its corpora's labels alone."""

import datetime
import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from helpers import make_release
from project import METHODS, audio_study, study

from emofuse import tables
from emofuse.logs import made_with_others
from emofuse.study import Study
from emofuse.tables import InputError

ROWS = [
    {"path": f"{speaker}_{emotion}.wav", "speaker": speaker, "session": session, "emotion": emotion, "transcript": "hi"}
    for session, pair in (("1", ("anna", "bert")), ("2", ("cora", "dirk")))
    for speaker in pair
    for emotion in ("angry", "happy", "neutral", "sad")
]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def list_voices(rows=ROWS, name="data/voices/corpus.csv"):
    from pathlib import Path

    Path(name).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(name, index=False)


@pytest.fixture
def voices(here):
    list_voices()
    return Study.load(audio_study())


def problems(config):
    with pytest.raises(InputError) as caught:
        Study.load(config).check()
    return caught.value.problems


def test_runs_in_a_database_that_is_gone_or_broken_are_made_anew(voices, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    record, database = Path("results/audio/tracking.json"), Path("results/mlflow.db")
    assert not list(voices.not_in_database())
    tables.write_json({}, record)
    assert list(voices.not_in_database()) == [("results/mlflow.db: gone; its runs are made anew", [str(record)])]
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("CREATE TABLE runs (name); CREATE INDEX names ON runs (name)")
        assert not list(voices.not_in_database())
        connection.execute("BEGIN EXCLUSIVE")
        assert not list(voices.not_in_database())  # a sync is at work
    for content in (b"", database.read_bytes()[:5000], b"no database " * 999):
        database.write_bytes(content)
        assert list(voices.not_in_database()) == [("results/mlflow.db: broken; its runs are made anew", [str(record)])]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert not list(voices.not_in_database())


def test_an_experiment_runs_the_folds_of_the_config_else_all(voices):
    assert voices.experiments["voices"].folds == ["anna", "bert", "cora"]
    experiments = {"voices": {"train": "voices", "test": "voices"}}
    assert Study.load(audio_study(experiments=experiments)).experiments["voices"].folds == [
        "anna",
        "bert",
        "cora",
        "dirk",
    ]


def test_the_folds_of_published_scores_are_those_that_are_there(here):
    make_release(here / "data/Emotion-Recognition", speakers=2)
    assert Study.load(study()).experiments["made"].folds == ["Ses01F", "Ses01M"]


def test_a_study_is_read_once_and_remembered(voices, monkeypatch):
    def fail(*_):
        raise AssertionError("read again")

    assert voices.corpora["voices"].contents["count"] == 16
    again = Study.load(audio_study())
    monkeypatch.setattr("emofuse.completion.complete", fail)
    monkeypatch.setattr("emofuse.corpora.base.list_corpus", fail)
    again = Study.load(audio_study())
    assert again.corpora["voices"].contents["count"] == 16
    assert again.experiments["voices"].folds == ["anna", "bert", "cora"]


def test_jobs_read_what_the_study_kept_of_labels_as_they_are_now(voices):
    assert voices.corpora["voices"].contents
    before = Path(voices.corpora["voices"].kept)
    assert before.exists()
    list_voices([{**ROWS[0], "emotion": "happy"}, *ROWS[1:]])
    corpus = Study.load(audio_study()).corpora["voices"]
    assert corpus.contents and Path(corpus.kept).exists() and not before.exists()
    assert Study.load(audio_study()).corpora["voices"].kept == corpus.kept


def test_what_is_remembered_follows_the_labels(voices):
    before = voices.corpora["voices"].contents
    list_voices([{**ROWS[0], "emotion": "happy"}, *ROWS[1:]])
    after = Study.load(audio_study()).corpora["voices"].contents
    assert after["utterances"] != before["utterances"]
    assert (after["recordings"], after["references"]) == (before["recordings"], before["references"])
    list_voices([{**ROWS[0], "transcript": "ho"}, *ROWS[1:]])
    after = Study.load(audio_study()).corpora["voices"].contents
    assert after["references"] != before["references"]
    assert (after["recordings"], after["utterances"]) == (before["recordings"], before["utterances"])


def test_a_recipe_knows_neither_the_place_of_a_corpus_nor_the_order_of_keys(voices):
    recipe = voices.corpus_recipe("recordings", "voices")
    assert "data" not in json.dumps({key: value for key, value in recipe.items() if key != "reader"})
    assert list(recipe) == sorted(recipe)
    assert recipe["code"] != voices.corpus_recipe("utterances", "voices")["code"]


def test_published_scores_and_variants_have_folders_of_their_own(here):
    corpora = {
        "a": {"reader": "manifest", "path": "a.csv"},
        "b": {"reader": "manifest", "path": "b.csv", "emotions": {"exc": None}},
        "c": {"reader": "released", "path": "c"},
    }
    folders = {
        name: corpus.folder
        for name, corpus in Study.load(
            audio_study(
                corpora=corpora | {"voices": {"reader": "manifest", "path": "voices/corpus.csv", "partial": True}}
            )
        ).corpora.items()
    }
    assert folders["a"] == "a" and folders["c"] == "c-published" and folders["voices"] == "voices"
    assert re.fullmatch("b-[0-9a-f]{8}", folders["b"])


def test_of_shards_that_were_begun_the_number_stays(voices, here):
    paths = voices.shards(voices.embeddings, "voices", 10, "safetensors")
    assert [path.split("/")[-1] for path in paths] == ["0-of-2.safetensors", "1-of-2.safetensors"]
    begun = here / paths[1]
    begun.parent.mkdir(parents=True)
    begun.touch()
    begun.with_name(".0-of-2.4711.safetensors").touch()  # a job is writing it
    assert voices.shards(voices.embeddings, "voices", 3, "safetensors") == paths


def shards_of(rows, shards=5):
    """The shards that rows of the manifest fall into."""
    names = [row["path"].removesuffix(".wav") for row in rows]
    return {str(shard) for shard in tables.shard_numbers(names, shards)}


def test_what_a_shard_hears_depends_on_no_utterance_of_other_shards(here):
    corpora = {
        "voices": {"reader": "manifest", "path": "voices/corpus.csv", "emotions": {"bored": None}, "partial": True}
    }

    def recipes(rows):
        list_voices(rows)
        study = Study.load(audio_study(corpora=corpora))
        (folder, corpus), *_ = study.corpus_of_folder.items()
        return {shard: study.shard_recipe("transcripts", folder, shard, "5") for shard in corpus.contents_of_shards(5)}

    def differ(one, other):
        return {shard for shard in one | other if one.get(shard) != other.get(shard)}

    before = recipes(ROWS)
    assert recipes([{**ROWS[0], "emotion": "happy", "transcript": "ho"}, *ROWS[1:]]) == before
    left = recipes([{**ROWS[0], "emotion": "bored"}, *ROWS[1:]])
    assert differ(before, left) == shards_of([ROWS[0]])
    assert recipes(ROWS) == before  # the label enters the four again
    new = {**ROWS[0], "path": "berta_sad.wav"}  # by name between others
    assert differ(before, recipes([*ROWS, new])) == shards_of([new])


def test_what_a_shard_hears_depends_on_what_decides_whether_audio_is_used(voices):
    def recipe(**keys):
        study = Study.load(audio_study(corpora={"voices": {"reader": "manifest", "path": "voices/corpus.csv"} | keys}))
        (folder,) = study.corpus_of_folder
        return study.shard_recipe("embeddings", folder, "0", "2")

    assert recipe()["min_duration"] != recipe(min_duration=0.5)["min_duration"]
    assert recipe()["rejects"] != recipe(rejects="leave_out")["rejects"]


def test_a_shard_that_no_utterance_falls_into_is_not_heard(voices):
    paths = voices.shards(voices.embeddings, "voices", 1, "safetensors")
    heard = {path.split("/")[-1] for path in paths}
    assert heard == {f"{shard}-of-16.safetensors" for shard in shards_of(ROWS, 16)} and len(heard) < 16


def test_keys_tell_checkpoints_and_settings_apart(voices):
    assert voices.embeddings.startswith("results/corpora/{corpus}/embeddings/wav2vec2-")
    other = Study.load(audio_study(transcripts={"checkpoint": {"path": "checkpoints/whisper.pt"}, "language": "de"}))
    assert other.transcripts != voices.transcripts and other.embeddings == voices.embeddings
    batch = {"checkpoint": {"path": "checkpoints/whisper.pt"}, "batch_size": 3}
    assert Study.load(audio_study(transcripts=batch)).transcripts == voices.transcripts


def test_text_embeddings_lie_beside_the_transcripts_that_they_are_of(voices, here):
    (own,) = voices.experiments["voices"].text_embeddings
    place = voices.transcripts.format(corpus="voices").replace("/transcripts/", "/text_embeddings/")
    assert own.startswith(f"{place}/sentiment-")
    make_release(here / "data/Emotion-Recognition", speakers=2)
    encoder = {"checkpoint": {"name": "a/b", "revision": "main"}, "shard_size": 20}
    made = Study.load(study(text_expert={"experts": ["encoder"], "encoder": encoder}))
    (of_published,) = made.experiments["made"].text_embeddings
    assert of_published.startswith("results/corpora/made-published/text_embeddings/published/b-")
    shards = made.shards_of_text("made-published", "published")
    assert shards == [f"{of_published}/{shard}-of-{len(shards)}.safetensors" for shard in range(len(shards))]
    assert len(shards) > 1
    assert made.experiments["made"].models["text_expert"]["encoder"]["checkpoint"] == "a/b@main"
    unread = Study.load(
        study(methods={"speech": None, "mean": None}, text_expert={"experts": ["encoder"], "encoder": encoder})
    )
    assert not unread.uses_encoder and unread.experiments["made"].text_embeddings == []


def test_only_the_experts_that_are_named_count_in_the_recipe(voices):
    recipe = voices.text_expert_recipe(["anna"])
    assert recipe["experts"].keys() == {"tfidf", "encoder"} and recipe["experts"]["encoder"].keys() == {"layers", "c"}
    words = Study.load(audio_study(text_expert={"encoder": {"layers": [0]}})).text_expert_recipe(["anna"])
    assert words["experts"] == {"tfidf": recipe["experts"]["tfidf"]}
    assert words == Study.load(audio_study(text_expert={})).text_expert_recipe(["anna"])


def test_methods_say_what_they_read_and_what_they_are(here):
    make_release(here / "data/Emotion-Recognition", speakers=2)
    made = Study.load(study())
    assert made.ceilings == ["oracle"]
    assert list(made.fronts) == ["pareto"]
    assert made.uses_text_expert
    experiment = made.experiments["made"]
    assert [name for name in METHODS if experiment.text_expert(name)] == ["bayes_text"]
    assert any("oracle: " in note for note in made.notes)
    assert any("sentiment" in note for note in made.notes)


def test_every_file_of_a_method_is_named_once(here):
    make_release(here / "data/Emotion-Recognition", speakers=2)
    files = Study.load(study()).files
    assert len(files) == len(set(files))
    assert "results/small/made/fusion/paper/predictions.parquet" in files
    assert "results/small/made/leaderboard.md" in files
    assert not any("speech/plane" in file for file in files)


def test_the_report_tells_experiments_and_corpora_in_the_order_of_the_config(here):
    for name in ("zoe", "amy"):
        list_voices(name=f"data/{name}/corpus.csv")
    corpora = {name: {"reader": "manifest", "path": f"{name}/corpus.csv"} for name in ("zoe", "amy", "unused")}
    experiments = {
        "second": {"train": "zoe", "test": "amy", "protocol": "cross_corpus"},
        "first": {"train": "amy", "test": "amy"},
    }
    asked = Study.load(audio_study(corpora=corpora, experiments=experiments))
    recipe = asked.recipe(
        "report",
        experiments=[experiment.chapter for experiment in asked.experiments.values()],
        corpora=asked.corpus_chapters,
    )
    assert [chapter["name"] for chapter in recipe["experiments"]] == ["second", "first"]
    described = ["trained on", "validated and fitted on", "tested on", "protocol"]
    assert [name for name, _ in recipe["experiments"][0]["facts"]] == described
    assert [chapter["name"] for chapter in recipe["corpora"]] == ["zoe", "amy"]
    assert {path for chapter in recipe["corpora"] for path in chapter["files"].values()} <= set(asked.files)


def test_what_is_missing_is_a_source_and_what_exists_is_none(voices, here):
    assert voices.corpora["voices"].source == []
    (here / "data/voices/corpus.csv").unlink()
    assert Study.load(audio_study()).corpora["voices"].source == ["data/voices/corpus.csv"]


def test_a_corpus_that_was_read_and_is_gone_is_a_problem(voices, here):
    voices.check()
    (here / "results/corpora/voices").mkdir(parents=True)
    (here / "data/voices/corpus.csv").unlink()
    assert problems(audio_study()) == [
        "corpora.voices.path: data/voices/corpus.csv: no such file or folder; should be where data_dir says"
    ]


def test_a_fold_that_is_not_asked_for_blocks_nothing(here):
    # Only one speaker of the second session is ever sad: folds that test that speaker train without sadness.
    rows = [row for row in ROWS if row["emotion"] != "sad" or row["speaker"] == "dirk"]
    list_voices(rows)
    asked = {"voices": {"train": "voices", "test": "voices", "folds": ["anna", "bert"]}}
    Study.load(audio_study(experiments=asked)).check()
    (problem,) = problems(audio_study(experiments={"voices": {"train": "voices", "test": "voices", "folds": ["dirk"]}}))
    assert problem == "experiments.voices: fold dirk: train has no utterance that is sad; should have all four"


PAIR = {
    "voices": {"reader": "manifest", "path": "voices/corpus.csv"},
    "others": {"reader": "manifest", "path": "others/corpus.csv"},
}


def list_both():
    list_voices()
    others = [{**row, "path": f"o_{row['path']}", "condition": "read"} for row in ROWS]
    list_voices(others, "data/others/corpus.csv")


def cross(**keys):
    """A study whose first corpus trains and whose second tests."""
    experiment = {"train": "voices", "test": "others", "protocol": "cross_corpus"} | keys
    return audio_study(corpora=PAIR, experiments={"across": experiment})


def test_an_experiment_across_corpora_has_a_fold_per_session_of_its_source_and_says_so(here):
    list_both()
    made = Study.load(cross())
    made.check()
    (experiment,) = made.experiments.values()
    assert experiment.is_cross and experiment.folds == ["1", "2"]
    assert [corpus.name for corpus in experiment.sources] == ["voices"] and experiment.test.name == "others"
    said = dict(experiment.chapter["facts"])
    assert said["trained on"] == said["validated and fitted on"] == "voices"
    assert said["tested on"] == "all of others"
    assert said["protocol"].startswith("cross corpus: Train on a source and test on all of a target; each session")
    assert (experiment.runs["train"], experiment.runs["test"]) == ("voices", "others")


def test_experiments_that_train_on_the_same_utterances_share_their_speech_models(here):
    list_both()
    corpora = PAIR | {"third": {"reader": "manifest", "path": "others/corpus.csv"}}
    keys = {"protocol": "cross_corpus", "train": "voices"}
    experiments = {
        "within": {"train": "voices", "test": "voices"},
        "one": keys | {"test": "others"},
        "other": keys | {"test": "third", "conditions": {"test": ["read"]}},
        "restricted": keys | {"test": "others", "conditions": ["read"]},
        "pooled": keys | {"train": ["voices", "third"], "test": "others"},
        "balanced": keys | {"train": ["voices", "third"], "test": "others", "balance": "corpora"},
    }
    of = {
        name: e.source
        for name, e in Study.load(audio_study(corpora=corpora, experiments=experiments)).experiments.items()
    }
    assert of["within"] == "within"
    assert of["one"] == of["other"] == "voices"
    assert re.fullmatch("voices-[0-9a-f]{8}", of["restricted"])
    assert of["pooled"] == "voices+third" and re.fullmatch(r"voices\+third-[0-9a-f]{8}", of["balanced"])


def test_what_is_wrong_across_corpora_is_said_before_anything_runs(here):
    list_both()
    assert problems(cross(conditions={"test": ["raed"]}, folds=["1", "3"])) == [
        "experiments.across: conditions: 'raed' is no condition of others; should be one of read; did you mean 'read'?"
    ]
    assert problems(cross(folds=["1", "3"])) == ["experiments.across: folds: '3' is no fold; should be one of 1, 2"]


def test_emotions_that_are_not_trained_are_noted(here):
    list_both()
    list_voices([row for row in ROWS if row["emotion"] != "sad"])
    made = Study.load(cross())
    made.check()
    assert "across: each fold: train has no utterance that is sad, and none is tested" in made.notes
    assert "across: others: 4 of 16 utterances in no fold" in made.notes


def list_folds(rows, name="data/folds.csv"):
    pd.DataFrame(rows, columns=["fold", "split", "utterance"]).to_csv(name, index=False)


def test_a_list_of_folds_counts_by_its_content_and_not_by_its_place(here):
    list_voices()
    split = {"anna": "train", "bert": "validation", "cora": "test"}
    names = [row["path"].removesuffix(".wav") for row in ROWS]
    rows = [("official", split[name[:4]], name) for name in names if name[:4] in split]
    list_folds(rows)
    experiment = {"train": "voices", "test": "voices", "protocol": "given", "table": "folds.csv"}

    def made(**keys):
        return Study.load(audio_study(experiments={"e": experiment | keys}, methods={"speech": None, "mean": None}))

    first = made()
    first.check()
    assert first.experiments["e"].folds == ["official"]
    assert "e: voices: 4 of 16 utterances in no fold" in first.notes
    recipe = first.experiments["e"].folds_recipe
    shutil.copy("data/folds.csv", "data/moved.csv")
    assert made(table="moved.csv").experiments["e"].folds_recipe == recipe
    list_folds([*rows, ("official", "test", "anna_mad")])
    assert made().experiments["e"].folds_recipe != recipe
    with pytest.raises(InputError) as caught:
        made().check()
    assert caught.value.problems == [
        "experiments.e: data/folds.csv: row 12: utterance is 'anna_mad', which no corpus of the experiment has"
    ]
    with pytest.raises(InputError) as caught:
        made(table="absent.csv").check()
    assert caught.value.problems == ["experiments.e: data/absent.csv: no such file"]


def test_a_fold_that_does_not_exist_is_named_with_the_nearest(here):
    list_voices()
    asked = {"voices": {"train": "voices", "test": "voices", "folds": ["anna", "berta"]}}
    assert problems(audio_study(experiments=asked)) == [
        "experiments.voices: folds: 'berta' is no fold; should be one of anna, bert, cora, dirk; did you mean 'bert'?"
    ]


def test_missing_references_are_said_at_once_and_may_be_filled_in(here):
    list_voices([{**row, "transcript": "" if row["speaker"] == "anna" else "hi"} for row in ROWS])
    words = audio_study()["transcripts"] | {"source": "reference"}
    (problem,) = problems(audio_study(transcripts=words))
    assert "corpora.voices: 4 utterances have no reference transcript (anna_angry, anna_happy, anna_neutral" in problem
    assert "transcripts.fill_in: true" in problem
    Study.load(audio_study(transcripts=words | {"fill_in": True})).check()


def test_a_corpus_that_the_workflow_makes_needs_its_folds_named(here):
    corpora = {"voices": {"reader": "manifest", "path": "voices.csv", "utterances": 30}}
    made = {"data_dir": "results/synthetic/corpora", "corpora": corpora}
    experiments = {"voices": {"train": "voices", "test": "voices"}}
    (problem,) = problems(audio_study(**made, experiments=experiments))
    assert problem.startswith("experiments.voices: folds is missing")
    named = Study.load(audio_study(**made))
    named.check()
    assert named.corpora["voices"].source == ["results/synthetic/corpora/voices.csv.sha256"]
    assert len(named.shards(named.embeddings, "voices", 20, "safetensors")) == 2


def test_values_that_no_json_holds_are_refused_as_any_other(here):
    made = audio_study(study=datetime.date(2024, 1, 1), evaluation={"confidence": float("nan")})
    said = "\n".join(problems(made))
    assert "study is datetime.date(2024, 1, 1); should be a text" in said
    assert "evaluation.confidence is nan" in said
    (problem,) = problems(audio_study(methods=METHODS | {1: {"estimator": "mean"}}))
    assert problem == "config: methods.1 is 1; should be a text"


def test_the_order_of_methods_is_remembered(voices):
    turned = dict(reversed(audio_study()["methods"].items()))
    assert list(Study.load(audio_study(methods=turned)).methods) == list(turned) != list(voices.methods)


def test_other_audio_under_the_same_labels_is_told_apart_and_moved_audio_is_not(voices, here):
    folder = here / "data/voices"
    before = voices.corpora["voices"].contents["recordings"]
    for row in ROWS:
        (folder / row["path"]).write_bytes(b"12345")
    shutil.copytree(folder, here / "moved/voices")
    shutil.copytree(folder, here / "noisy/voices")
    (here / "noisy/voices" / ROWS[0]["path"]).write_bytes(b"123456")
    clean, noisy = (
        Study.load(audio_study(data_dir=place)).corpora["voices"].contents["recordings"] for place in ("moved", "noisy")
    )
    assert len({before, clean, noisy}) == 3
    shutil.copytree(folder, here / "again/voices")
    assert Study.load(audio_study(data_dir="again")).corpora["voices"].contents["recordings"] == clean


def test_folds_that_are_not_asked_for_are_not_read_of_published_scores(here):
    root = make_release(here / "data/Emotion-Recognition", speakers=2)
    experiments = {"one": {"train": "made", "test": "made", "folds": ["Ses01F"]}}
    one, whole = Study.load(study(experiments=experiments)), Study.load(study())
    assert one.corpora["made"].folds == ["Ses01F"] and whole.corpora["made"].folds is None
    assert one.corpora["made"].folder != whole.corpora["made"].folder
    assert one.corpus_recipe("published", one.corpora["made"].folder)["folds"] == ["Ses01F"]
    assert root.is_dir()


def test_records_of_jobs_that_the_study_does_not_have_say_nothing(voices, here):
    kept = ["embeddings/" + voices.embeddings.format(corpus="voices").removeprefix("results/corpora/") + "/0-of-3"]
    kept += ["recordings/voices", "fuse/audio/voices/entropy", "report/audio/report"]
    dropped = ["fuse/audio/voices/gone", "embeddings/voices/embeddings/other-1/0-of-3", "finetune/audio/voices/anna"]
    for place in [*kept, *dropped, "report/second/report"]:
        path = here / "results/logs" / f"{place}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    records = list(voices.records())
    assert sorted(str(path.relative_to("results/logs").with_suffix("")) for _, path in records) == sorted(kept)
    assert {rule for rule, _ in records} == {"embeddings", "recordings", "fuse", "report"}
    assert list(made_with_others(records)) == []


def test_experiments_that_test_one_corpus_are_compared(here):
    list_voices()
    list_voices(name="data/others/corpus.csv")
    corpora = {name: {"reader": "manifest", "path": f"{name}/corpus.csv"} for name in ("voices", "others")}
    crossing = {"train": "others", "test": "voices", "protocol": "cross_corpus"}
    within = {"train": "voices", "test": "voices"}

    def compared(**experiments):
        made = Study.load(audio_study(corpora=corpora, experiments=experiments))
        return made, {target: [experiment.name for experiment in several] for target, several in made.tested.items()}

    made, names = compared(within=within, back=crossing | {"train": "voices", "test": "others"}, cross=crossing)
    assert names == {"voices": ["within", "cross"], "others": ["back"]}
    paths = {"results/audio/across.parquet", "results/audio/leaderboard.md", "results/audio/figures/across.png"}
    assert paths <= set(made.files)
    assert {f"results/audio/cross/{name}" for name in ("shift.parquet", "figures/shift.png")} <= set(made.files)
    assert "results/audio/within/shift.parquet" not in made.files
    made, names = compared(within=within)
    assert names == {} and made.across == {} and not paths & set(made.files)


@pytest.fixture
def two_targets(here):
    corpora = ("voices", "calls", "plays")
    for corpus in corpora:
        rows = [row | {"path": f"{corpus}_{row['path']}", "speaker": f"{corpus}_{row['speaker']}"} for row in ROWS]
        list_voices(rows, f"data/{corpus}/corpus.csv")
    cross = {"train": "voices", "protocol": "cross_corpus"}
    experiments = {corpus: cross | {"test": corpus} for corpus in corpora[1:]} | {"voices": WITHIN}
    return audio_study(
        corpora={corpus: {"reader": "manifest", "path": f"{corpus}/corpus.csv"} for corpus in corpora},
        experiments=experiments,
    )


WITHIN = {"train": "voices", "test": "voices", "folds": ["anna"]}


def test_what_the_voice_says_of_two_targets_is_of_the_same_models_whatever_the_scaling(two_targets):
    experiments = Study.load(two_targets).experiments
    shared = [f"results/audio/sources/voices/training/{fold}/speech.parquet" for fold in ("1", "2")]
    for target in ("calls", "plays"):
        assert experiments[target].speech() == [*shared, f"results/audio/{target}/speech/training.parquet"]
    others = [path.replace("training", "speaker") for path in experiments["calls"].speech()]
    assert experiments["calls"].speech("speaker") == others
    assert experiments["voices"].speech() == ["results/audio/voices/folds/anna/speech.parquet"]


def test_fine_tuned_models_are_shared_and_each_fold_hears_the_target(two_targets):
    speech = two_targets["speech"] | {"classifier": "finetuning"}
    calls = Study.load(two_targets | {"speech": speech}).experiments["calls"]
    shared = [f"results/audio/sources/voices/finetuned/{fold}/speech.parquet" for fold in ("1", "2")]
    assert calls.speech() == [*shared, *(f"results/audio/calls/finetuned/{fold}/speech.parquet" for fold in ("1", "2"))]


def test_nothing_that_a_source_depends_on_is_of_the_target(two_targets):
    restricted = {"train": None, "test": ["improvised"]}
    changed = {name: entry for name, entry in two_targets["experiments"].items() if name != "plays"}
    changed |= {"plays": two_targets["experiments"]["plays"] | {"conditions": restricted, "speakers_may_repeat": True}}
    study = Study.load(two_targets | {"experiments": changed})
    calls, plays = (study.experiments[name] for name in ("calls", "plays"))
    assert calls.source == plays.source == "voices"
    assert calls.source_folds_recipe == plays.source_folds_recipe


def across(**changes):
    """A study that tests on another corpus than it trains on, with adaptations."""
    list_voices()
    others = [row | {"path": f"other_{row['path']}", "speaker": f"other_{row['speaker']}"} for row in ROWS]
    list_voices(others, "data/others/corpus.csv")
    corpora = {name: {"reader": "manifest", "path": f"{name}/corpus.csv"} for name in ("voices", "others")}
    experiments = {
        "within": {"train": "voices", "test": "voices"},
        "to_others": {"train": "voices", "test": "others", "protocol": "cross_corpus"},
    }
    adaptations = {"standardise": None, "few": {"adaptation": "speakers", "methods": ["bayes_text"]}}
    return audio_study(corpora=corpora, experiments=experiments) | {"adaptations": adaptations} | changes


def test_adaptations_are_of_experiments_across_corpora_alone(here):
    study = Study.load(across())
    within, to_others = study.experiments["within"], study.experiments["to_others"]
    assert (within.adaptations, within.gains, within.chapter["adaptation"]) == ({}, {}, None)
    folder = "results/audio/to_others"
    assert to_others.adaptations["few"]["scores"] == f"{folder}/scores.parquet"
    assert to_others.adaptations["standardise"]["scores"] == f"{folder}/adaptation/standardise/scores.parquet"
    assert {f"{folder}/adaptation/few/predictions.parquet", f"{folder}/figures/adaptation.png"} <= set(to_others.files)
    assert len(to_others.files) == len(set(to_others.files))


def test_a_fine_tuned_encoder_leaves_out_what_standardises_embeddings_and_says_so(here):
    study = Study.load(across(speech=across()["speech"] | {"classifier": "finetuning"}))
    assert list(study.adaptations) == list(study.experiments["to_others"].adaptations) == ["few"]
    assert "standardise: left out, since a fine-tuned encoder has no embeddings to standardise" in study.notes


def test_an_adaptation_depends_on_its_own_methods(here):
    def recipe(**changes):
        return Study.load(across(**changes)).experiments["to_others"].adaptation_recipe("few")

    methods = across()["methods"]
    before = recipe()
    assert recipe(methods=methods | {"entropy": {"parameters": {"search": "exact", "objective": "WA"}}}) == before
    assert recipe(methods=methods | {"bayes_text": {"parameters": {"smoothing": 2.0}}}) != before
    assert recipe(speech=across()["speech"] | {"regression": {"class_weights": True}})["class_weights"]


def test_a_target_with_too_few_speakers_is_named(here):
    few = {"adaptation": "speakers", "parameters": {"k": [1, 4]}}
    assert problems(across(adaptations={"few": few})) == [
        "experiments.to_others: adaptations.few: k is 4, but the target has 4 speakers; "
        "should be less, so that some are left to test"
    ]


def test_a_corpus_without_dialogs_has_no_method_that_reads_them(here):
    """Which is said before anything runs; turns whose place is not known are none."""
    list_voices(rows=[row | {"dialog": "talk"} for row in ROWS])
    asked = audio_study(methods={"speech": {}, "context": {}, "cascade": {}})
    assert problems(asked) == [
        "experiments.voices: voices tells of no utterance in which dialog it is and when it begins there; "
        "context, cascade should be left out, since they read the neighbours in a dialog"
    ]
    list_voices(rows=[row | {"dialog": "talk", "turn_start": number} for number, row in enumerate(ROWS)])
    Study.load(asked).check()


@pytest.mark.parametrize("name", ["voices", "calls"])
def test_a_model_of_all_speakers_is_that_of_the_first_source_fold(two_targets, name):
    two_targets["experiments"]["voices"] = WITHIN | {"folds": ["voices_anna"]}
    model = {"experiment": name, "method": "bayes_text"}
    study = Study.load(two_targets | {"model": model | {"training": "all"}})
    study.check()
    (whole,) = study.wholes.values()
    assert study.learned is whole and whole.name == "sources/voices" and whole.folds == ["1"]
    calls = study.experiments["calls"]
    assert whole.source_folds_recipe == calls.source_folds_recipe
    shared = calls.files_of_models("training", "speech.safetensors")
    assert whole.files_of_models("training", "speech.safetensors") == shared[:1], "the same model"
    assert whole.speech() == ["results/audio/sources/voices/training/1/speech.parquet"]
    recipe, of_folds = study.model_recipe, Study.load(two_targets | {"model": model}).model_recipe
    assert (recipe["training"], recipe["folds"]) == ("all", ["1"])
    assert of_folds["folds"] == study.experiments[name].folds and of_folds["training"] == "folds"


def test_what_keeps_all_speakers_from_training_is_said(here):
    list_voices([row | {"session": 1, "speaker": "eve"} for row in ROWS])
    one_speaker = audio_study(
        corpora={"voices": {"reader": "manifest", "path": "voices/corpus.csv"}},
        experiments={"voices": WITHIN | {"folds": None}},
        model={"experiment": "voices", "method": "entropy", "training": "all"},
    )
    assert any(
        problem.startswith("model.training is 'all': voices: has 1 speaker") for problem in problems(one_speaker)
    )
