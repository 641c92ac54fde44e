"""The text expert learns from the training speakers' transcripts, and from nothing else."""

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from emofuse import contracts, storage, tables
from emofuse.tables import EMOTIONS, TEXT, InputError
from emofuse.text import expert
from emofuse.text.expert import Encoder, Tfidf, geometric_mean

WORDS = {"angry": "furious", "happy": "glad", "neutral": "table", "sad": "sorry"}
SPLITS = {"A": "train", "B": "train", "C": "train", "D": "validation", "E": "test"}


TFIDF = Tfidf(inverse_penalty=3.0, smoothing=0.1)


def predict(rows, experts=(TFIDF,), parts=4):
    """The expert on the tables that these rows of folds are joined from."""
    corpus = rows.drop_duplicates("utterance")
    read = expert.predict(
        by_fold(rows[["fold", "split", "utterance"]]),
        corpus[["utterance", "speaker", "emotion"]],
        corpus[["utterance", "text"]].dropna(),
        experts,
        parts=parts,
    )
    return pd.concat(read, ignore_index=True)


def make_rows(utterances=24, folds=("one",), splits=SPLITS):
    """What each speaker said: a word that tells the emotion, and some that do not."""
    random = np.random.default_rng(0)
    rows = [
        {
            "fold": fold,
            "split": split,
            "utterance": f"{speaker}{number:02d}",
            "speaker": speaker,
            "emotion": EMOTIONS[number % 4],
            "text": f"{random.choice(['so', 'and', 'well'])} {WORDS[EMOTIONS[number % 4]]} {number}",
        }
        for fold in folds
        for speaker, split in splits.items()
        for number in range(utterances)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("utterances", [80, 800])
@pytest.mark.parametrize("order", [0, 1])
def test_the_regression_goes_a_few_times_through_the_texts_to_the_optimum_in_any_order(utterances, order):
    rows = make_rows(utterances)
    words, both = TFIDF.candidates()["tfidf"]
    columns, weighed = (
        words.fit_transform(rows["text"]),
        dict(both.estimators)["weighed"].set_params(random_state=order),
    )
    optimum = clone(weighed).set_params(solver="newton-cg", tol=1e-10).fit(columns, rows["emotion"])
    weighed.fit(columns, rows["emotion"])
    np.testing.assert_allclose(weighed.predict_proba(columns), optimum.predict_proba(columns), atol=1e-5)
    assert weighed.n_iter_ < 100


def test_table():
    """Every row of the folds gets a distribution, and the table keeps its contract and the order of a fold's rows."""
    rows = make_rows(folds=("one", "two")).sample(frac=1, random_state=0, ignore_index=True)
    probabilities = predict(rows)
    tables.check(probabilities, contracts.TEXT_EXPERT, "text_expert.parquet")
    in_order = rows.sort_values("fold", kind="stable", ignore_index=True)[["fold", "split", "utterance"]]
    pd.testing.assert_frame_equal(probabilities[["fold", "split", "utterance"]], in_order)
    np.testing.assert_allclose(probabilities[TEXT].sum(axis=1), 1)


def test_words_are_learned():
    """Words that told the emotion of the training speakers tell it for other speakers."""
    rows = make_rows()
    predicted = predict(rows)[TEXT].to_numpy().argmax(axis=1)
    assert (np.array(EMOTIONS)[predicted] == rows["emotion"]).all()


def test_training_rows_are_read_by_an_expert_of_other_speakers():
    """What a speaker alone says carries no information about that speaker, and does about speakers who say it later."""
    rows = make_rows()
    own = (rows["speaker"] == "A") & (rows["emotion"] == "sad")
    rows["text"] = "well"
    rows.loc[own, "text"] = "well hippopotamus"
    test = rows["split"] == "test"
    rows.loc[test, "text"] = "well hippopotamus"
    probabilities = predict(rows, parts=3)
    np.testing.assert_allclose(probabilities.loc[own, TEXT], 0.25, atol=1e-3)
    assert (probabilities.loc[test, "text_sad"] > 0.5).all()


def test_each_training_speaker_is_left_out():
    """With as many parts as speakers, a training row is read by an expert of exactly the other ones."""
    rows = make_rows()
    probabilities = predict(rows, parts=3)
    train = rows[rows["split"] == "train"]
    for speaker in "ABC":
        others, own = train[train["speaker"] != speaker], train[train["speaker"] == speaker]
        reader = TFIDF.candidates()["tfidf"].fit(others["text"], others["emotion"])
        np.testing.assert_allclose(probabilities.loc[own.index, TEXT], reader.predict_proba(own["text"]), atol=1e-6)


def test_labels_of_validation_and_test_are_not_read():
    """Other labels of validation and test change nothing."""
    rows = make_rows()
    shuffled = rows.copy()
    held_out = shuffled["split"] != "train"
    shuffled.loc[held_out, "emotion"] = np.random.default_rng(1).permutation(shuffled.loc[held_out, "emotion"])
    assert (shuffled["emotion"] != rows["emotion"]).any()
    pd.testing.assert_frame_equal(predict(shuffled), predict(rows))


def test_the_order_of_the_tables_changes_nothing():
    """Rows of labels and transcripts are joined by their utterance."""
    rows = make_rows()
    corpus = rows.sample(frac=1, random_state=0)
    (shuffled,) = expert.predict(by_fold(rows[["fold", "split", "utterance"]]), corpus, corpus, [TFIDF], parts=4)
    pd.testing.assert_frame_equal(shuffled, predict(rows))


def test_folds_do_not_mix():
    """A fold's expert is the same whatever the other folds are, also where they share training rows."""
    swapped = SPLITS | {"D": "test", "E": "validation"}
    one, two = make_rows(), make_rows(folds=("two",), splits=swapped)
    three = make_rows(folds=("three",), splits=SPLITS | {"C": "test", "E": "train"})
    together = predict(pd.concat([one, two, three], ignore_index=True))
    for rows in (one, two, three):
        part = together[together["fold"] == rows["fold"][0]].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, predict(rows))


def test_experts_are_those_that_a_study_names_in_its_order():
    settings = {
        "encoder": {"layers": [-1], "c": [1.0]},
        "tfidf": {"inverse_penalty": 3.0, "smoothing": 0.1},
    }
    assert expert.make_experts(settings, ["a"]) == [Encoder(**settings["encoder"], embeddings=["a"]), TFIDF]


def test_what_is_trained_names_its_fold_and_its_candidate(caplog):
    caplog.set_level("INFO")
    rows = make_rows(folds=("one", "two"))
    corpus = rows.drop_duplicates("utterance")
    trained = list(expert.train(by_fold(rows), corpus, corpus, [TFIDF], parts=2))
    assert [of_fold.fold for of_fold in trained] == ["one", "two"]
    assert [one.name for of_fold in trained for one in of_fold.experts] == [*TFIDF.candidates()] * 2
    assert caplog.messages == [
        f"fold {of_fold.fold}: tfidf, log loss {of_fold.experts[0].loss:.4f} on speakers that were left out"
        for of_fold in trained
    ]


def unbalanced(rows):
    """Three times as many sad rows as of any other emotion."""
    return rows[(rows["emotion"] == "sad") | (rows.index % 3 == 0)]


@pytest.mark.filterwarnings("ignore:The max_iter was reached")  # there is nothing to learn
def test_of_texts_that_say_nothing_each_emotion_is_as_likely_however_often_it_was_met():
    rows = unbalanced(make_rows().assign(text="well"))
    (of_fold,) = expert.train(by_fold(rows), rows, rows, [TFIDF], parts=3)
    words, both = of_fold.experts[0].reader
    for each in both.estimators_:
        np.testing.assert_allclose(each.predict_proba(words.transform(["well"])), 0.25, atol=1e-4)


def test_in_the_log_loss_all_emotions_weigh_the_same():
    rows = unbalanced(make_rows())
    (of_fold,) = expert.train(by_fold(rows), rows, rows, [TFIDF], parts=3)
    (one,) = of_fold.experts
    right = one.unseen[np.arange(len(of_fold.train)), of_fold.train["emotion"].map(EMOTIONS.index)]
    losses = pd.Series(-np.log(right)).groupby(of_fold.train["emotion"].to_numpy()).mean()
    assert one.loss == pytest.approx(losses.mean())


def test_states_that_say_nothing_make_each_emotion_as_likely(tmp_path):
    rows = unbalanced(make_rows())
    storage.write(np.ones((len(rows), 1, 2), np.float32), list(rows["utterance"]), tmp_path / "states.safetensors")
    read = predict(rows, [Encoder((0,), (1.0,), [tmp_path / "states.safetensors"])])
    np.testing.assert_allclose(read[TEXT], 0.25, atol=1e-3)


def test_words_of_one_letter_words_with_an_apostrophe_and_pairs_count_and_a_word_that_is_repeated_counts_less():
    words = TFIDF.candidates()["tfidf"][0].fit(["I I I don't"])
    assert set(words.get_feature_names_out()) == {"i", "don't", "i i", "i don't"}
    weight = dict(zip(words.get_feature_names_out(), words.transform(["I I I don't"]).toarray()[0], strict=True))
    assert weight["i"] / weight["don't"] == pytest.approx(1 + np.log(3))


def test_no_expert_reads_what_is_in_no_fold():
    asked = []

    class Recorded(Tfidf):
        def inputs(self, transcripts):
            asked.append(list(transcripts["utterance"]))
            return super().inputs(transcripts)

    rows = make_rows()
    more = rows.assign(utterance="more-" + rows["utterance"])
    list(expert.train(by_fold(rows), pd.concat([more, rows]), pd.concat([rows, more]), [Recorded(*TFIDF)], parts=2))
    assert asked == [list(rows["utterance"])]


def test_missing_transcripts():
    """A missing transcript is an empty one; it says little, and nothing fails."""
    rows = make_rows()
    gone = rows.index % 5 == 0
    missing, empty = rows.copy(), rows.copy()
    missing.loc[gone, "text"] = None
    empty.loc[gone, "text"] = ""
    probabilities = predict(missing)
    pd.testing.assert_frame_equal(probabilities, predict(empty))
    np.testing.assert_allclose(probabilities.loc[gone, TEXT], 0.25, atol=0.1)


def test_fold_without_test_rows():
    """A fold may have training rows only."""
    assert len(predict(make_rows(splits={"A": "train", "B": "train"}))) == 48


def test_an_emotion_that_is_not_trained_is_never_expected():
    """A source may lack an emotion; the others are told as before."""
    rows = make_rows()
    rows = rows[rows["emotion"] != "happy"]
    probability = predict(rows)
    assert probability["text_happy"].eq(0).all()
    np.testing.assert_allclose(probability[TEXT].sum(axis=1), 1)
    told = np.array(EMOTIONS)[probability[TEXT].to_numpy().argmax(axis=1)]
    assert (told == rows["emotion"].to_numpy()).mean() > 0.9


@pytest.fixture
def make_encoder(tmp_path):
    """An encoder of three layers of two features, which tell the emotion with less and less noise."""

    def make(rows, layers=(-1,), c=(0.1,), noise=(100.0, 3.0, 0.5)):
        corpus = rows.drop_duplicates("utterance")
        angle = np.pi / 2 * corpus["emotion"].map(EMOTIONS.index).to_numpy()
        told = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None]  # (utterances, 1, 2)
        blurred = told + np.random.default_rng(1).normal(size=(len(corpus), 3, 2)) * np.array(noise)[:, None]
        path = tmp_path / "encoder.safetensors"
        storage.write(blurred.astype(np.float32), list(corpus["utterance"]), path)
        return Encoder(layers, c, [path])

    return make


def accuracy(rows, probabilities, split="test"):
    is_of = (rows["split"] == split).to_numpy()
    told = np.array(EMOTIONS)[probabilities[TEXT].to_numpy().argmax(axis=1)]
    return (told == rows["emotion"])[is_of].mean()


def test_states_are_learned(make_encoder):
    """The layers that a study names are read, counted from either end, and their states side by side."""
    rows = make_rows()
    read = {layers: predict(rows, [make_encoder(rows, layers)]) for layers in [(0,), (2,), (-1,), (1, 2)]}
    tables.check(read[1, 2], contracts.TEXT_EXPERT, "text_expert.parquet")
    assert accuracy(rows, read[0,]) < 0.5 < 0.7 < accuracy(rows, read[2,])
    pd.testing.assert_frame_equal(read[-1,], read[2,])
    assert not read[1, 2].equals(read[2,])


def test_states_are_standardised(make_encoder):
    """However wide a layer's states are, they count the same."""
    rows = make_rows()
    narrow = predict(rows, [make_encoder(rows, (2,))])
    encoder = make_encoder(rows, (2,))
    names = list(rows["utterance"])
    wide = storage.read_layer(encoder.embeddings, 2, names) * [1000, 0.001] + 10
    storage.write(wide[:, None].astype(np.float32), names, encoder.embeddings[0])
    np.testing.assert_allclose(predict(rows, [encoder._replace(layers=(0,))])[TEXT], narrow[TEXT], atol=0.01)


def test_states_of_a_training_speaker_are_read_by_an_expert_of_other_speakers(make_encoder):
    """States that tell nothing are learned by heart, and yet training rows are read no better than chance."""
    rows = make_rows(utterances=400)
    probabilities = predict(rows, [make_encoder(rows, (0,), c=(100.0,))])
    assert 0.18 < accuracy(rows, probabilities, "train") < 0.32


def test_training_speakers_that_are_left_out_choose_the_penalty(make_encoder):
    """The strength with the lowest log loss on them is used, and no label of validation or test has a say."""
    rows = make_rows()
    strengths = (1e-4, 0.1, 1e6)
    encoder = make_encoder(rows, (1, 2))
    each = {c: predict(rows, [encoder._replace(c=(c,))]) for c in strengths}
    train = (rows["split"] == "train").to_numpy()
    of = rows["emotion"].map(EMOTIONS.index).to_numpy()[train]
    loss = {c: -np.log(read[TEXT].to_numpy()[train][np.arange(train.sum()), of]).mean() for c, read in each.items()}
    best = min(strengths, key=loss.get)
    assert best == 0.1  # neither the first nor the last, by value or by name
    chosen = predict(rows, [encoder._replace(c=strengths)])
    pd.testing.assert_frame_equal(chosen, each[best])
    shuffled = rows.assign(emotion=rows["emotion"].where(train, "sad"))
    pd.testing.assert_frame_equal(predict(shuffled, [encoder._replace(c=strengths)]), chosen)


def test_several_experts_are_combined_by_their_geometric_mean(make_encoder):
    """For rows of every split, in whatever order they are named; an emotion that is not trained stays impossible."""
    rows = make_rows()
    rows = rows[rows["emotion"] != "happy"].reset_index(drop=True)
    encoder = make_encoder(rows)
    words, states = (predict(rows, [one])[TEXT].to_numpy() for one in (TFIDF, encoder))
    expected = np.sqrt(words * states)
    expected /= expected.sum(axis=1, keepdims=True)
    for experts in ([TFIDF, encoder], [encoder, TFIDF]):
        np.testing.assert_allclose(predict(rows, experts)[TEXT], expected, atol=1e-12)


DISTRIBUTIONS = st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(any), min_size=1, max_size=3)


@given(DISTRIBUTIONS)
def test_a_geometric_mean_is_a_distribution_that_all_agree_with(drawn):
    """It sums to 1, one alone is itself, and two emotions whose order all agree on are in that order."""
    each = [np.array([one]) / sum(one) for one in drawn]
    mean = geometric_mean(each)
    np.testing.assert_allclose(mean.sum(), 1)
    np.testing.assert_allclose(geometric_mean(each[:1]), each[0], atol=1e-12)
    for low, high in np.ndindex(4, 4):
        if all(one[0, low] <= one[0, high] for one in each):
            assert mean[0, low] <= mean[0, high] * (1 + 1e-12)


def test_layers_that_an_encoder_does_not_have(make_encoder):
    """Each is named, with those that it has."""
    rows = make_rows()
    encoder = make_encoder(rows, (-4, 0, 3))
    with pytest.raises(InputError) as error:
        predict(rows, [encoder])
    has = f"{encoder.embeddings[0]} has 3 layers: should be one of -3 to 2"
    assert error.value.problems == [f"layers holds -4; {has}", f"layers holds 3; {has}"]


def test_bad_input():
    """Every fold's problem is named, before anything is trained."""
    one = make_rows()
    one.loc[one["split"] == "train", "text"] = [None, "...", ""] * 24
    two = make_rows(folds=("two",), splits={"F": "train", "G": "test"})
    two = two[(two["emotion"] == "sad") | (two["split"] != "train")]
    with pytest.raises(InputError) as error:
        predict(pd.concat([one, two], ignore_index=True))
    assert error.value.problems == [
        "fold one: the training rows hold no transcript with a word; the text expert has nothing to learn from",
        "fold two: the training rows hold 1 emotion; the text expert needs at least 2",
        "fold two: the training rows hold 1 speaker; the text expert needs at least 2",
    ]
