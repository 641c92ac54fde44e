"""Published scores are read as they are, or refused with everything that is wrong with them."""

import shutil

import numpy as np
import pandas as pd
import pytest
from helpers import make_release, published, read_scores

from emofuse import contracts, tables
from emofuse.corpora import base
from emofuse.corpora.released import FOLDS, LABELS, Released
from emofuse.scores import published as joined
from emofuse.tables import SENTIMENT, SPEECH, InputError

TEST = f"{FOLDS}/fold_0/test-predictions-raw.csv"
VALIDATION = f"{FOLDS}/fold_0/val-predictions-raw.csv"


@pytest.fixture
def release(tmp_path):
    return make_release(tmp_path / "release", speakers=4, utterances=16)


def edit(path, row, **values):
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, value in values.items():
        frame.loc[row, column] = value
    frame.to_csv(path, index=False)


def problems(root, folds=None):
    with pytest.raises(InputError) as caught:
        Released().read_published(root, folds)
    return "\n".join(caught.value.problems)


def test_it_gives_utterances_scores_and_transcripts(release):
    reader = Released()
    assert reader.gives == "scores"
    utterances = base.utterances_of(base.list_corpus(reader, release), "iemocap")
    utterances = tables.check(utterances, contracts.UTTERANCES, "utterances")
    assert len(utterances) == 4 * 16
    assert utterances.groupby("speaker")["session"].unique().str[0].to_dict() == {
        "Ses01F": "Session1",
        "Ses01M": "Session1",
        "Ses02F": "Session2",
        "Ses02M": "Session2",
    }
    release = reader.read_published(release)
    scores = tables.check(release.scores, contracts.PUBLISHED, "published")
    assert len(scores) == 4 * len(utterances)
    order = scores.assign(split=scores["split"].map(tables.SPLITS.index))
    pd.testing.assert_frame_equal(order.sort_values(["fold", "split", "utterance"]), order)
    transcripts = tables.check(release.transcripts, contracts.TRANSCRIPTS, "transcripts")
    assert transcripts["utterance"].tolist() == utterances["utterance"].tolist()
    assert transcripts[["mean_log_probability", "no_speech_probability"]].isna().all(axis=None)


def test_the_folds_are_named_without_reading_scores(release):
    for file in (release / FOLDS).glob("*/*.csv"):
        frame = pd.read_csv(file, usecols=["ID"])
        frame.to_csv(file, index=False)
    assert Released().folds(release) == ["Ses01F", "Ses01M", "Ses02F", "Ses02M"]


def test_the_folds_that_are_asked_for_are_read_and_checked(release):
    edit(release / TEST, 0, sentiment="mixed")
    scores = Released().read_published(release, ["Ses02M"]).scores
    assert set(scores["fold"]) == {"Ses02M"}
    assert "sentiment is 'mixed'" in problems(release, ["Ses01F"])
    assert problems(release, ["Ses02MM"]) == (
        "'Ses02MM' is no fold; should be one of Ses01F, Ses01M, Ses02F, Ses02M; did you mean 'Ses02M'?"
    )


def test_a_broken_fold_that_is_not_asked_for_blocks_no_other(release):
    (release / TEST).unlink()
    assert set(Released().read_published(release, ["Ses02M"]).scores["fold"]) == {"Ses02M"}
    assert problems(release) == f"{release / TEST}: no such file"
    assert problems(release, ["Ses02M", "Ses01F"]) == (
        f"{release / TEST}: no such file\n'Ses01F' is no fold; should be one of Ses01M, Ses02F, Ses02M; "
        "did you mean 'Ses02F'?"
    )


def test_emotions_that_the_config_leaves_out_have_no_scores(release, tmp_path):
    reader = Released()
    listed = base.list_corpus(reader, release, emotions={"H": None})
    utterances = base.utterances_of(listed, "iemocap")
    published = reader.read_published(release)
    tables.write(published.scores, contracts.PUBLISHED, tmp_path / "published.parquet")
    table = tables.Folds(contracts.PUBLISHED, tmp_path / "published.parquet")
    scores = pd.concat(joined([table], utterances, reader.folds(release)))
    assert set(scores["utterance"]) == set(utterances["utterance"])
    assert set(utterances["emotion"]) == {"angry", "neutral", "sad"}
    assert len(scores) == 4 * len(utterances)


def test_the_table_keeps_its_contract_and_names_folds_after_the_speaker_tested(release):
    scores = read_scores(release)
    tables.check(scores[list(contracts.SCORES.columns)], contracts.SCORES, "scores")
    spoken = scores.drop_duplicates("utterance")
    tables.check(spoken[list(contracts.SPOKEN.columns)], contracts.SPOKEN, "spoken")
    assert set(scores["fold"]) == {"Ses01F", "Ses01M", "Ses02F", "Ses02M"}
    assert set(scores["condition"]) == {"improvised", "scripted"}
    assert {"Ses01F_impro01", "Ses02M_script01"} < set(scores["dialog"])
    assert scores["turn_start"].tolist() == [float(name[-3:]) for name in scores["utterance"]]
    for fold, part in scores.groupby("fold"):
        assert set(part.loc[part["split"] == "test", "speaker"]) == {fold}


def test_the_rest_of_the_sentiment_is_spread_evenly(release):
    edit(release / TEST, 0, sentiment="positive", sentiment_score="0.6")
    first = pd.read_csv(release / TEST)["ID"][0]
    scores = read_scores(release).set_index(["split", "utterance"]).query("fold == 'Ses01F'")
    assert np.allclose(scores.loc[("test", first), SENTIMENT].astype(float), [0.2, 0.2, 0.6])


def test_words_that_look_like_missing_values_stay_words(release):
    first = pd.read_csv(release / TEST)["ID"][0]
    for file in (release / FOLDS).glob("*/*.csv"):
        edit(file, pd.read_csv(file)["ID"] == first, transcription=" None")
    scores = read_scores(release)
    said = scores.loc[(scores["fold"] == "Ses01F") & (scores["utterance"] == first), "transcript"]
    assert said.tolist() == ["None"]


def test_the_folds_that_a_release_holds_are_used(release):
    for file in (release / FOLDS / "fold_2").iterdir():
        file.unlink()
    (release / FOLDS / "fold_2").rmdir()
    assert set(read_scores(release)["fold"]) == {"Ses01F", "Ses01M", "Ses02M"}
    watched = Released().watched(release)
    assert len(watched) == 1 + 3 * 3
    assert watched == sorted(watched)


def test_every_problem_of_every_file_is_named_at_once(release):
    edit(release / TEST, 0, **{"0_Score": "nan"})
    edit(release / TEST, 1, **{"1_Score": "-0.5"})
    edit(release / TEST, 2, **{"0_Score": "0.9", "1_Score": "0.9", "2_Score": "0", "3_Score": "0"})
    edit(release / TEST, 3, sentiment="mixed")
    edit(release / TEST, 4, sentiment_score="0.2")
    ids = pd.read_csv(release / TEST)["ID"]
    edit(release / TEST, 6, ID=ids[5])
    edit(release / VALIDATION, 0, ID=ids[7])
    edit(release / VALIDATION, 1, ID="Ses09X_new")
    (release / FOLDS / "fold_1" / "train-predictions-raw.csv").unlink()
    edited = release / FOLDS / "fold_3" / "test-predictions-raw.csv"
    pd.read_csv(edited).drop(columns="sentiment").to_csv(edited, index=False)

    text = problems(release)
    assert f"{release / TEST}: line 2 ({ids[0]}): 0_Score is 'nan'; should be a probability between 0 and 1" in text
    assert f"line 3 ({ids[1]}): 1_Score is '-0.5'" in text
    assert f"line 4 ({ids[2]}): 0_Score … 3_Score sum to 1.8000; should be 1 within 0.001" in text
    assert "line 5 " in text and "sentiment is 'mixed'; should be one of negative, neutral, positive" in text
    assert "sentiment_score is '0.2'; the largest of three should be at least 1/3" in text
    assert f"line 8 ({ids[5]}): appears in this file already" in text
    assert f"({ids[7]}): is in val-predictions-raw.csv too; should be in one split of a fold" in text
    assert f"(Ses09X_new): has no label in {LABELS}" in text
    assert "fold_1/train-predictions-raw.csv: no such file" in text
    assert "fold_3/test-predictions-raw.csv: column 'sentiment' is missing; has ID" in text


def test_labels_that_are_not_understood_are_named(release):
    edit(release / LABELS, 0, label="X")
    edit(release / LABELS, 1, condition="sung")
    edit(release / LABELS, 2, filename="u1")
    ids = pd.read_csv(release / LABELS)["filename"]
    first, second, third = base.list_corpus(Released(), release).problems
    file = release / LABELS
    assert first == f"{file}: line 3 ({ids[1]}): condition is 'sung'; should be one of impro, script"
    assert second == f"{file}: line 4 (u1): filename is 'u1'; should begin with Ses and two digits"
    assert third.startswith(f"{file}: line 2: emotion is 'X'; should be one of A, H, N, S")


def test_an_utterance_with_two_labels_is_named(release):
    labels = pd.read_csv(release / LABELS)
    pd.concat([labels, labels[:1]]).to_csv(release / LABELS, index=False)
    (problem,) = base.list_corpus(Released(), release).problems
    assert f"line {len(labels) + 2}: utterance {labels['filename'][0]!r} is listed already" in problem


def test_a_fold_that_tests_several_speakers_is_named(release):
    edit(release / TEST, 0, ID=pd.read_csv(release / VALIDATION)["ID"][0])
    right = "should be one, after whom the fold is named"
    assert f"{release / TEST}: speakers are Ses01F (15 rows), Ses01M (1 rows); {right}" in problems(release)


def test_two_folds_of_one_speaker_are_named(release):
    (release / FOLDS / "fold_1/test-predictions-raw.csv").write_bytes((release / TEST).read_bytes())
    assert "tests Ses01F, as fold_0 does; should be another speaker" in problems(release)


@pytest.mark.parametrize(("source", "target"), [("val", "train"), ("train", "test"), ("test", "val")])
def test_an_utterance_in_another_split_has_its_speaker_on_both_sides(release, source, target):
    from_file, to_file = (release / FOLDS / f"fold_0/{split}-predictions-raw.csv" for split in (source, target))
    header, moved, *rest = from_file.read_text().splitlines(keepends=True)
    from_file.write_text(header + "".join(rest))
    to_file.write_text(to_file.read_text() + moved)
    line, name = len(to_file.read_text().splitlines()), moved.split(",")[0]
    place = f"{to_file}: line {line} ({name}): "
    said = problems(release).splitlines()
    assert f"{place}its speaker is in {from_file.name} too; should be in one split of a fold" in said
    right = f"{place}should be of the speaker whom the other rows test and after whom the fold is named"
    assert (right in said) == (target == "test")
    assert len(said) == (3 if target == "test" else 1)
    if target == "test":
        with pytest.raises(InputError, match=r"Ses02F \(1 rows\)" if name.startswith("Ses02F") else "1 rows"):
            Released().folds(release)


def test_an_utterance_that_a_fold_lacks_is_named(release):
    lines = (release / VALIDATION).read_text().splitlines(keepends=True)
    (release / VALIDATION).write_text("".join(lines[:-5]))
    names = [line.split(",")[0] for line in lines[-5:]]
    missing = f"is missing; should be in one of a fold's files, as all utterances of {LABELS}"
    folder = (release / VALIDATION).parent
    assert problems(release).splitlines() == [
        *(f"{folder}: {name} {missing}" for name in sorted(names)[:3]),
        f"{release}: and 2 more, 5 in all: {missing}",
    ]


def test_a_quotation_mark_swallows_no_row(release):
    lines = (release / TEST).read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace(" WORD", '" WORD')
    lines[3] = lines[3].replace(" WORD", '"WORD', 1)
    (release / TEST).write_text("".join(lines))
    first, second = problems(release).splitlines()
    assert first.startswith(f"{release / TEST}: line 3: should be a row by itself, each quotation mark closed in it (")
    assert second.startswith(f"{release / TEST}: line 4: should be a row by itself")


def test_rows_of_another_length_are_named(release):
    lines = (release / TEST).read_text().splitlines()
    lines[1] += ",1"
    lines[2] = lines[2].rpartition(",")[0]
    (release / TEST).write_text("\n".join([*lines, "", ""]))
    assert problems(release).splitlines() == [
        f"{release / TEST}: line 2: has 9; should have 8 fields, as the first line has",
        f"{release / TEST}: line 3: has 7; should have 8 fields, as the first line has",
        f"{release / TEST}: line 18: has 0; should have 8 fields, as the first line has",
    ]


@pytest.mark.parametrize("file", [TEST, VALIDATION, LABELS])
def test_a_file_without_rows_is_named(release, file):
    whole = (release / file).read_text()
    (release / file).write_text(whole.splitlines(keepends=True)[0])
    assert problems(release) == f"{release / file}: has a header alone; should have a row per utterance"
    (release / file).write_text("")
    assert problems(release) == f"{release / file}: is empty; should have a row per utterance"


def test_a_column_that_appears_twice_is_named(release):
    (release / TEST).write_text((release / TEST).read_text().replace("transcription", "ID", 1))
    assert f"{release / TEST}: column 'ID' appears twice; has ID, ID, sentiment" in problems(release)


def test_a_copied_folder_is_named(release):
    copied = shutil.copytree(release / FOLDS / "fold_0", release / FOLDS / "fold_0_backup")
    (release / FOLDS / "fold_0.zip").write_bytes(b"")
    right = "should be named fold_ and a number, or, as a copy of one, lie elsewhere"
    assert problems(release) == f"{copied}: is no fold; {right}"
    with pytest.raises(InputError, match=right):
        Released().folds(release)


def refused_or_the_same(root, file, whole, size, original, folds=None):
    """Cut a file and read the release: what was read before, or a problem that names a file."""
    file.write_bytes(whole[:size])
    try:
        read = Released().read_published(root, folds)
    except InputError as error:
        assert all(str(root) in problem or "is no fold" in problem for problem in error.problems)
    else:
        pd.testing.assert_frame_equal(read.scores, original.scores)
        pd.testing.assert_frame_equal(read.transcripts, original.transcripts)
    finally:
        file.write_bytes(whole)


@pytest.mark.faults
def test_a_file_that_is_cut_anywhere_is_refused(tmp_path, thorough):
    release = make_release(tmp_path / "release", speakers=4, utterances=6)
    names = {f"fold_{number}": [name] for number, name in enumerate(Released().folds(release))}
    originals = {folder: Released().read_published(release, folds) for folder, folds in names.items()}
    for number, file in enumerate(Released().watched(release)):
        whole, folder = file.read_bytes(), file.parent.name if file.parent.name in names else "fold_0"
        ends = [size for size, byte in enumerate(whole) if byte == ord("\n")]
        cuts = range(number, len(whole), 19 if thorough else 999)
        for size in {*cuts, *ends[:1], ends[-2], ends[-2] + 1, ends[-1]}:
            refused_or_the_same(release, file, whole, size, originals[folder], names[folder])


@pytest.mark.faults
def test_a_published_file_that_is_cut_anywhere_is_refused(tmp_path, thorough):
    root = tmp_path / "release"
    for file in (LABELS, TEST, TEST.replace("test-", "val-"), TEST.replace("test-", "train-")):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(published() / file, root / file)
    original = Released().read_published(root)
    random = np.random.default_rng(0)
    for file in Released().watched(root):
        whole = file.read_bytes()
        ends = np.flatnonzero(np.frombuffer(whole, dtype=np.uint8) == ord("\n"))
        share = 20 if thorough else 1
        for size in [*random.integers(len(whole), size=share), *(random.choice(ends, size=share) + 1)]:
            refused_or_the_same(root, file, whole, size, original)


def test_a_transcript_that_differs_between_folds_is_named(release):
    edit(release / TEST, 0, transcription="SOMETHING ELSE")
    first = pd.read_csv(release / TEST)["ID"][0]
    assert f"({first}): has another transcription in another fold; should be the same in all" in problems(release)


def test_a_folder_that_is_no_release_says_what_it_should_hold(release, tmp_path):
    (problem,) = base.list_corpus(Released(), tmp_path).problems
    assert problem == (
        f"{tmp_path}: should be a clone of the authors' repository, which holds {LABELS} and {FOLDS}/fold_0 …; "
        f"{release} holds it"
    )
    with pytest.raises(InputError, match="no such file"):
        Released().folds(tmp_path)


def test_a_file_that_is_no_csv_is_named(release):
    (release / TEST).write_bytes(b"\xff\xfe\x00")
    assert f"{release / TEST}: cannot be read as CSV" in problems(release)


def test_the_published_scores_are_read_to_the_last_row():
    scores = read_scores(published())
    folds = scores["fold"].nunique()
    assert Released().folds(published()) == scores["fold"].unique().tolist()
    # 5531 utterances a fold, as in the paper and on the usual four-class count of IEMOCAP.
    assert (scores.groupby("fold").size() == 5531).all()
    assert scores["utterance"].nunique() == 5531
    assert len(scores) == folds * 5531
    assert np.allclose(scores[SPEECH].sum(axis=1), 1, atol=1e-3)
