"""Only what changed runs again, also when the project itself grows."""

import json
import shutil

import pytest
from project import METHOD

from emofuse import contracts, storage, tables
from emofuse.demo import corpora

pytestmark = pytest.mark.slow

CORPUS = "results/corpora/voices"
HEARS_OR_READS = {"recordings", "embeddings", "merge_embeddings", "transcripts", "merge_transcripts", "sentiment"}
HEARS_OR_READS |= {"text_embeddings", "merge_text_embeddings"}
COMPARES = {"evaluate", "telling", "figures_methods", "figures_experiment", "model", "examples", "report", "track"}

READER = '''
from emofuse.corpora.base import Listing, Reader


class Tapes(Reader):
    """A corpus on tapes."""

    layout = "a box of tapes"

    def is_at(self, path):
        return False

    def watched(self, path):
        return []

    def read(self, path):
        raise NotImplementedError
'''

PROTOCOL = '''

@protocol
def everyone_at_once(utterances: pd.DataFrame) -> Iterator[Fold]:
    """All in one fold."""
    yield from ()
'''

NORMALISATION = '''

@normalisation
def shouted(text: str) -> str:
    """Upper case."""
    return text.upper()
'''

TABLE = '''
TAPES = Contract("tapes", {"tape": NAME})
"""A row is a tape."""
'''


ADDITIONS = {
    "a method": ("fusion/loudest.py", METHOD),
    "a reader": ("corpora/tapes.py", READER),
    "a protocol": ("splits.py", PROTOCOL),
    "a normalisation": ("text/normalisation.py", NORMALISATION),
    "a table": ("contracts.py", TABLE),
}


@pytest.mark.parametrize("kind", ["audio", "project"])
def test_what_the_study_does_not_use_runs_nothing(kind, request):
    study = request.getfixturevalue(kind)
    for addition in ADDITIONS.values():
        study.append(*addition)
    assert study.planned() == set()


def test_a_new_method_in_the_study_runs_with_what_compares_methods(audio):
    audio.append(*ADDITIONS["a method"])
    audio.write_config(methods=audio.config["methods"] | {"loudest": None})
    assert audio.planned() == {"fuse loudest"} | COMPARES


WORDING = [
    ("tables.py", "should not be missing", "must not be missing"),
    ("tables.py", "should be a number between", "must be a number between"),
    ("storage.py", "no embeddings of utterance", "there are no embeddings of utterance"),
    ("corpora/base.py", "audio that cannot be used", "audio that is of no use"),
    ("fusion/base.py", "takes probabilities between 0 and 1", "wants probabilities between 0 and 1"),
    ("parts.py", "a whole number", "an integer"),
    ("text/transcription.py", 'desc="transcripts"', 'desc="Whisper writes"'),
    ("splits.py", "and is judged on the other emotions", "and is judged on all others"),
    ("fusion/search.py", '"""', '"""In other words: '),
    ("accuracy.py", "    right = ", "    # Why.\n    right = "),
]


@pytest.mark.parametrize("kind", ["audio", "project"])
def test_the_wording_of_errors_logs_progress_bars_docstrings_and_comments_runs_nothing(kind, request):
    study = request.getfixturevalue(kind)
    for file, old, new in WORDING:
        study.edit(f"workflow/emofuse/{file}", old, new)
    assert study.planned() == set()


def test_the_same_corpus_in_another_place_runs_nothing(audio_copy):
    (audio_copy.folder / "data").rename(audio_copy.folder / "elsewhere")
    audio_copy.write_config(data_dir="elsewhere")
    assert audio_copy.planned() == set()
    (audio_copy.folder / "linked").mkdir()
    (audio_copy.folder / "linked/voices").symlink_to(audio_copy.folder / "elsewhere/voices")
    audio_copy.write_config(data_dir="linked")
    assert audio_copy.planned() == set()


@pytest.mark.parametrize("kind", ["finished_audio", "finished"])
def test_a_project_that_was_copied_without_its_times_runs_nothing(kind, request, tmp_path):
    copied = request.getfixturevalue(kind).copy(tmp_path / "copy", shutil.copyfile)
    for file in sorted((copied.folder / "data").rglob("*")):
        file.touch()
    assert copied.planned() == set()


def test_published_scores_in_another_place_run_nothing(finished, tmp_path):
    moved = finished.copy(tmp_path / "copy")
    (moved.folder / "data").rename(moved.folder / "elsewhere")
    moved.write_config(data_dir="elsewhere")
    assert moved.planned() == set()


def test_how_a_stage_is_run_runs_nothing_again(audio):
    speech = audio.config["speech"] | {"embeddings": {"shard_size": 7, "budget": 1000}}
    transcripts = audio.config["transcripts"] | {"batch_size": 3, "shard_size": 31}
    sentiment = audio.config["sentiment"] | {"batch_size": 2}
    encoder = audio.config["text_expert"]["encoder"] | {"batch_size": 5, "shard_size": 9}
    text_expert = audio.config["text_expert"] | {"encoder": encoder}
    how = {"speech": speech, "transcripts": transcripts, "sentiment": sentiment, "text_expert": text_expert}
    audio.write_config(**how, device="auto")
    assert audio.planned() == set()


def test_two_studies_that_differ_in_how_never_recompute_each_others(audio):
    sizes = {"shard_size": 11, "batch_size": 5}
    audio.write_config(study="second", transcripts=audio.config["transcripts"] | sizes)
    rules = {job.split()[0] for job in audio.planned()}
    assert "speech_classifier" in rules and not rules & HEARS_OR_READS


def test_a_label_concerns_no_audio(audio_copy):
    manifest = audio_copy.folder / "data/voices/corpus.csv"
    manifest.write_text(manifest.read_text().replace("anna_sad_1.wav,anna,0,sad", "anna_sad_1.wav,anna,0,angry"))
    rules = {job.split()[0] for job in audio_copy.planned()}
    assert {"utterances", "folds", "speech_classifier", "scores", "wer", "text_expert"} <= rules
    assert not rules & HEARS_OR_READS and "references" not in rules


def test_an_utterance_that_leaves_or_enters_concerns_the_audio_of_one_shard(audio_copy):
    folder = audio_copy.folder / "data/voices"
    rows = (folder / "corpus.csv").read_text()
    (left,) = [row for row in rows.splitlines(keepends=True) if row.startswith("bert_sad_1.wav")]
    shutil.copy(folder / "bert_sad_1.wav", folder / "berta.wav")
    # The same as if the label left the four, or entered them.
    for now, utterance in (
        (rows.replace(left, ""), "bert_sad_1"),
        (rows + left.replace("bert_sad_1", "berta"), "berta"),
    ):
        (folder / "corpus.csv").write_text(now)
        jobs = audio_copy.planned("shard")
        (shard,) = tables.shard_numbers([utterance], 3)
        heard = {job for job in jobs if job.split()[0] in ("embeddings", "transcripts")}
        assert heard == {f"embeddings {shard}", f"transcripts {shard}"}
        assert {"recordings", "merge_embeddings", "merge_transcripts", "sentiment"} <= jobs

    audio_copy.run("--until", "merge_embeddings")
    (merged,) = (audio_copy.folder / CORPUS / "embeddings").glob("*.safetensors")
    recordings = tables.read(contracts.RECORDINGS, audio_copy.folder / CORPUS / "recordings.parquet")
    assert storage.names(merged) == recordings["utterance"].tolist() and "berta" in storage.names(merged)
    assert not [job for job in audio_copy.planned() if job.startswith(("embeddings", "merge_embeddings"))]


def test_a_reference_transcript_concerns_the_word_errors_alone(audio_copy):
    manifest = audio_copy.folder / "data/voices/corpus.csv"
    header, first, *others = manifest.read_text().splitlines()
    manifest.write_text("\n".join([header, f"{first} indeed", *others]) + "\n")
    assert audio_copy.planned() == {"references", "wer", "report", "track"}


@pytest.fixture(scope="module")
def acted(finished_audio, tmp_path_factory):
    """A study of both known layouts, whose labels have been read."""
    project = finished_audio.copy(tmp_path_factory.mktemp("acted") / "copy")
    shutil.rmtree(project.folder / "results")
    made = {
        "iemocap": (corpora.write_iemocap, {"turns": 2}),
        "msp_improv": (corpora.write_msp_improv, {"sentences": 1}),
    }
    for reader, (write, size) in made.items():
        write(project.folder / "data" / reader, 0, 0.7, **size)
    project.config = project.config | {
        "study": "acted",
        "corpora": {name: {"reader": name, "path": name, "partial": True} for name in made},
        "experiments": {name: {"train": name, "test": name} for name in made},
        "model": None,
    }
    project.write_config()
    project.tables = [
        f"results/corpora/{name}/{table}.parquet" for name in made for table in ("utterances", "references")
    ]
    project.run("--", *project.tables)
    return project


@pytest.mark.parametrize(
    ("corpus", "pattern"),
    [
        ("iemocap", "Session1/dialog/transcriptions/Ses01F_impro01.txt"),
        ("msp_improv", "Human_transcriptions/All_human_transcriptions/*-F01-*.txt"),
    ],
)
def test_a_transcript_in_a_corpuss_own_file_concerns_the_references_alone(acted, corpus, pattern):
    kept = {file: file.read_text() for file in (acted.folder / "data" / corpus).glob(pattern)}
    try:
        for file, text in kept.items():
            file.write_text(text.replace(".", " indeed."))
        assert acted.planned("corpus", targets=acted.tables) == {f"references {corpus}"}
    finally:
        for file, text in kept.items():
            file.write_text(text)
    assert acted.planned(targets=acted.tables) == set()


def test_other_versions_of_packages_run_nothing_and_are_told(audio_copy):
    for record in (audio_copy.folder / "results/logs/embeddings").rglob("*.json"):
        content = json.loads(record.read_text())
        assert content["versions"]["torch"] and content["seconds"] > 0
        record.write_text(json.dumps(content | {"versions": {"torch": "0.1", "python": "2.7"}}))
    done = audio_copy.snakemake("--dry-run")
    assert "Nothing to be done" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "--forcerun" in line]
    assert line.startswith("embeddings: made with python 2.7 (") and "torch 0.1 (" in line
    assert line.endswith("to make its results anew: --forcerun embeddings")
    anew = audio_copy.snakemake("--dry-run", "--forcerun", "embeddings")
    assert "embeddings: corpus voices, shard 2" in anew.stdout


def test_a_refactoring_is_accepted_by_touch(audio_copy):
    audio_copy.edit("workflow/emofuse/speech/classifier.py", "max_iter=1000", "max_iter=1001")
    assert audio_copy.planned() != set()
    audio_copy.run("--touch")
    assert audio_copy.planned() == set()


def test_a_users_own_profile_composes_with_the_default(audio):
    profile = audio.folder / "mine"
    profile.mkdir(exist_ok=True)
    (profile / "config.yaml").write_text("quiet: [progress]\nset-threads:\n  recordings: 1\n")
    audio.edit("workflow/scripts/embeddings.py", '"""', '"""Docstring. ')
    assert "Nothing to be done" in audio.run("--dry-run", "--profile", str(profile))
