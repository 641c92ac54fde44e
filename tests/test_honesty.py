"""No label of a test speaker decides anything, from the manifest to the last adaptation."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold

from emofuse import contracts, scores, splits, storage, tables
from emofuse.corpora import base
from emofuse.corpora.manifest import Manifest
from emofuse.evaluation.choice import choose
from emofuse.fusion import folds as fusion
from emofuse.fusion.adaptation.run import Method
from emofuse.fusion.adaptation.run import run as adapt
from emofuse.parts import ADAPTATION, METHOD, known
from emofuse.speech import classifier
from emofuse.tables import EMOTIONS, SENTIMENTS
from emofuse.text import expert, reference

METHODS = {
    "speech": {"fit_on": ["validation"], "parameters": {}},
    "paper": {"fit_on": ["train", "validation"], "parameters": {"steps": 10}},
    "entropy_varentropy": {"fit_on": ["validation"], "parameters": {"search": "exact", "budget": 0.3}},
    "bayes_text": {"fit_on": ["validation"], "parameters": {}},
    "stacking": {"fit_on": ["validation"], "parameters": {}},
    "context_text": {"fit_on": ["validation"], "parameters": {}},
    "cascade_text": {"fit_on": ["validation"], "parameters": {"budget": 0.2}},
}
ADAPTATIONS = {"prior": {}, "share": {}, "speakers": {"k": [1], "draws": 2}}
TESTED = "S1"
WORDS = {"angry": "hate stop", "happy": "love great", "neutral": "table door", "sad": "lost alone"}


class Corpus(NamedTuple):
    """A corpus of two speakers per session, whose voices and words tell the emotion more often than not.

    Attributes:
        name: of the corpus
        manifest: what its labels say
        heard: the state of each of two layers, (utterances, 2, 6)
        logits: of the sentiments, (utterances, 3)
    """

    name: str
    manifest: pd.DataFrame
    heard: np.ndarray
    logits: np.ndarray


def make_corpus(name, sessions, seed):
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [
            (f"{name}_{session}{sex}_{number:02d}", f"{sex}{session}", f"S{session}", number, emotion)
            for session in range(sessions)
            for sex in "FM"
            for number, emotion in enumerate(np.tile(EMOTIONS, 5))
        ],
        columns=["utterance", "speaker", "session", "turn_start", "emotion"],
    )
    place = rows["emotion"].map(EMOTIONS.index).to_numpy()
    heard = random.normal(size=(len(rows), 2, 6)).astype(np.float32)
    heard[np.arange(len(rows)), :, place] += 1.5
    said = [WORDS[EMOTIONS[p] if random.random() < 0.7 else random.choice(EMOTIONS)] for p in place]
    logits = random.normal(size=(len(rows), 3)) + np.eye(3)[[0, 2, 1, 0]][place]
    manifest = rows.assign(path=rows["utterance"] + ".wav", dialog=name + rows["session"], transcript=said)
    return Corpus(name, manifest, heard, logits)


def read_corpus(corpus, file):
    """The tables that the stages before any fold make of a corpus."""
    corpus.manifest.to_csv(file, index=False)
    listed = base.list_corpus(Manifest(), file)
    base.report(listed)
    utterances = base.utterances_of(listed, corpus.name)
    assert list(utterances["utterance"]) == list(corpus.manifest["utterance"])
    transcripts = reference.transcripts(base.references(listed, utterances), str(file), None)
    of_sentiment = dict(zip(tables.columns("logit", SENTIMENTS), corpus.logits.T, strict=True))
    return utterances, transcripts, utterances[["utterance"]].assign(**of_sentiment)


def study(folder, corpora):
    """All that a study learns and predicts: of one corpus within it, of two across them."""
    of_corpora = [read_corpus(corpus, folder / f"{corpus.name}.csv") for corpus in corpora]
    utterances = [of_corpus[0] for of_corpus in of_corpora]
    files = [folder / f"{corpus.name}.safetensors" for corpus in corpora]
    for corpus, file in zip(corpora, files, strict=True):
        storage.write(corpus.heard, list(corpus.manifest["utterance"]), file)
    together, transcripts, sentiment = (pd.concat(parts, ignore_index=True) for parts in zip(*of_corpora, strict=True))
    if len(corpora) == 1:
        folds = splits.folds(splits.leave_one_session_out, *utterances, only=[TESTED])
        trains = folds[folds["split"] != "test"]
    else:
        folds = splits.folds(splits.cross_corpus, *utterances)
        trains = splits.source_folds(splits.cross_corpus, utterances[0], conditions=None, balance=None)
    learned, said, speech = {"folds": folds.to_dict("list")}, [], []
    for name, fold in folds.groupby("fold"):
        fitted = classifier.fit(
            files[:1],
            # Within a corpus the stage hands over the test rows, too.
            fold if len(corpora) == 1 else trains[trains["fold"] == name],
            utterances[0],
            c=[0.01, 0.1],
            class_weights=False,
            scaling="speaker",  # which looks at the target most
        )
        learned[f"speech {name}"] = [fitted.chosen, {key: value.tolist() for key, value in fitted.arrays.items()}]
        is_test = fold["split"] == "test"
        speech.append(classifier.predict(fitted, files[:1], fold[~is_test], utterances[0]))
        speech.append(classifier.predict(fitted, files[-1:], fold[is_test], utterances[-1]))
    tables.write(pd.concat(speech), contracts.SPEECH_LOGITS, folder / "speech.parquet")
    spoken = scores.spoken(together, transcripts, scores.sentiments(sentiment))
    tables.write(spoken, contracts.SPOKEN, folder / "spoken.parquet")
    learned["temperature"] = {}
    logits = [tables.Folds(contracts.SPEECH_LOGITS, folder / "speech.parquet")]
    with tables.writing_folds(contracts.SCORES, folder / "scores.parquet") as write:
        for voice, temperature in scores.voices(logits, spoken, "spoken.parquet", calibration=True):
            write(voice)
            said.append(voice)
            learned["temperature"] |= temperature
    experts = [expert.Tfidf(inverse_penalty=3.0, smoothing=0.1)]
    for of_fold in expert.train(by_fold(folds), together, transcripts, experts, parts=2):
        learned[f"text expert {of_fold.fold}"] = [(one.name, one.loss) for one in of_fold.experts]
    with tables.writing_folds(contracts.TEXT_EXPERT, folder / "text_expert.parquet") as write:
        for read in expert.predict(by_fold(folds), together, transcripts, experts, parts=2):
            write(read)
            said.append(read)
    table = scores.Scores(folder / "scores.parquet", folder / "spoken.parquet", [folder / "text_expert.parquet"])
    paths, inner = known(METHOD), {name: [] for name in METHODS}
    for name, entry in METHODS.items():
        result = fusion.run(table, entry, paths[name], [0], name, 2, said.append, inner[name].append)
        learned[name] = [result.parameters, result.trials.to_csv()]
        said += inner[name]
    learned["chosen"] = choose(inner).to_dict("list")
    methods = [Method(name, entry, paths[name]) for name, entry in METHODS.items()]
    for name, parameters in ADAPTATIONS.items() if len(corpora) > 1 else ():
        served = methods[1:3] if name == "share" else methods
        entry = {"adaptation": name, "parameters": parameters}
        learned[f"adaptation {name}"] = adapt(
            table, entry, known(ADAPTATION)[name], served, [0], said.append, class_weights=False
        )
    return learned, said


def permuted(corpus, rows):
    """A corpus in whose labels the emotions of some rows have changed places."""
    emotion = corpus.manifest["emotion"].to_numpy().copy()
    emotion[rows] = np.random.default_rng(2).permutation(emotion[rows])
    assert (emotion != corpus.manifest["emotion"]).any()
    return corpus._replace(manifest=corpus.manifest.assign(emotion=emotion))


def assert_the_same(study, first):
    learned, said = study
    assert learned == first[0]
    for table, before in zip(said, first[1], strict=True):
        pd.testing.assert_frame_equal(*(each.drop(columns="emotion", errors="ignore") for each in (table, before)))


@pytest.mark.filterwarnings("ignore")
def test_permuted_labels_of_the_target_change_no_parameter_and_no_prediction(tmp_path):
    source, target = make_corpus("home", 3, 0), make_corpus("away", 2, 1)
    first = study(tmp_path, [source, target])
    # The speaker who is labelled for adaptation keeps his labels: nothing else may be learned from the target.
    drawn = {draw["speakers"][0] for draw in draws_of(first[0]["adaptation speakers"])}
    kept = target.manifest["speaker"].isin(drawn).to_numpy()
    assert kept.any() and not kept.all()
    assert_the_same(study(tmp_path, [source, permuted(target, ~kept)]), first)


@pytest.mark.filterwarnings("ignore")
def test_permuted_labels_of_the_test_session_change_no_parameter_and_those_of_others_each(tmp_path):
    corpus = make_corpus("home", 4, 0)
    first = study(tmp_path, [corpus])
    is_tested = (corpus.manifest["session"] == TESTED).to_numpy()
    assert_the_same(study(tmp_path, [permuted(corpus, is_tested)]), first)
    learned, _ = study(tmp_path, [permuted(corpus, ~is_tested)])
    # The folds ask for no label, and the voice alone learns nothing.
    assert {name for name in learned if learned[name] == first[0][name]} == {"folds", "speech"}


def draws_of(parameters):
    """The draws of labelled speakers, wherever they stand in what an adaptation learned."""
    if isinstance(parameters, dict):
        if "speakers" in parameters and isinstance(parameters["speakers"], list):
            yield parameters
        for value in parameters.values():
            yield from draws_of(value)
    elif isinstance(parameters, list):
        for value in parameters:
            yield from draws_of(value)
