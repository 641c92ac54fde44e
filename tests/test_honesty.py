"""No label of a target's test speaker decides anything, from the folds to the last adaptation."""

import numpy as np
import pandas as pd
import pytest
from helpers import by_fold

from emofuse import contracts, scores, splits, storage, tables
from emofuse.fusion import folds as fusion
from emofuse.fusion.adaptation.run import Method
from emofuse.fusion.adaptation.run import run as adapt
from emofuse.parts import ADAPTATION, METHOD, known
from emofuse.speech import classifier
from emofuse.tables import EMOTIONS, SENTIMENTS
from emofuse.text import expert

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
WORDS = {"angry": "hate stop", "happy": "love great", "neutral": "table door", "sad": "lost alone"}


def make_corpus(name, sessions, seed):
    """A corpus of two speakers per session, whose voices and words tell the emotion more often than not."""
    random = np.random.default_rng(seed)
    rows = [
        (
            f"{name}_{session}{sex}_{number:02d}",
            name,
            f"{sex}{session}",
            f"S{session}",
            f"{name}_{session}",
            float(number),
            emotion,
        )
        for session in range(sessions)
        for sex in "FM"
        for number, emotion in enumerate(np.tile(EMOTIONS, 5))
    ]
    names = ["utterance", "corpus", "speaker", "session", "dialog", "turn_start", "emotion"]
    utterances = pd.DataFrame(rows, columns=names).assign(condition="")
    utterances = utterances.reindex(columns=list(contracts.UTTERANCES.columns))
    place = utterances["emotion"].map(EMOTIONS.index).to_numpy()
    heard = random.normal(size=(len(rows), 2, 6)).astype(np.float32)
    heard[np.arange(len(rows)), :, place] += 1.5
    said = [WORDS[EMOTIONS[p] if random.random() < 0.7 else random.choice(EMOTIONS)] for p in place]
    logits = random.normal(size=(len(rows), 3)) + np.eye(3)[[0, 2, 1, 0]][place]
    transcripts = pd.DataFrame({"utterance": utterances["utterance"], "text": said})
    sentiment = utterances[["utterance"]].assign(
        **dict(zip(tables.columns("logit", SENTIMENTS), logits.T, strict=True))
    )
    return utterances, heard, transcripts, sentiment


def study(folder, source, target, labels):
    """All that a study across corpora learns and predicts, when the target's labels are these."""
    utterances = [source[0], target[0].assign(emotion=labels)]
    files = [folder / "source.safetensors", folder / "target.safetensors"]
    for (_, heard, _, _), file, table in zip((source, target), files, utterances, strict=True):
        storage.write(heard, list(table["utterance"]), file)
    together = pd.concat(utterances, ignore_index=True)
    folds = splits.folds(splits.cross_corpus, *utterances)
    of_source = splits.source_folds(splits.cross_corpus, source[0], conditions=None, balance=None)
    learned, speech = {"folds": folds.to_dict("list")}, []
    for name, fold in folds.groupby("fold"):
        fitted = classifier.fit(
            files[:1],
            of_source[of_source["fold"] == name],
            utterances[0],
            c=[0.01, 0.1],
            class_weights=False,
            scaling="speaker",  # which looks at the target most
        )
        learned[f"speech {name}"] = [fitted.chosen, {key: value.tolist() for key, value in fitted.arrays.items()}]
        is_test = fold["split"] == "test"
        speech.append(classifier.predict(fitted, files[:1], fold[~is_test], utterances[0]))
        speech.append(classifier.predict(fitted, files[1:], fold[is_test], utterances[1]))
    transcripts, sentiment = (pd.concat([source[n], target[n]], ignore_index=True) for n in (2, 3))
    tables.write(pd.concat(speech), contracts.SPEECH_LOGITS, folder / "speech.parquet")
    spoken = scores.spoken(together, transcripts, scores.sentiments(sentiment))
    tables.write(spoken, contracts.SPOKEN, folder / "spoken.parquet")
    learned["temperature"], experts = {}, [expert.Tfidf(inverse_penalty=3.0, smoothing=0.1)]
    logits = [tables.Folds(contracts.SPEECH_LOGITS, folder / "speech.parquet")]
    with tables.writing_folds(contracts.SCORES, folder / "scores.parquet") as write:
        for voice, temperature in scores.voices(logits, spoken, "spoken.parquet", calibration=True):
            write(voice)
            learned["temperature"] |= temperature
    with tables.writing_folds(contracts.TEXT_EXPERT, folder / "text_expert.parquet") as write:
        for read in expert.predict(by_fold(folds), together, transcripts, experts, parts=2):
            write(read)
    table = scores.Scores(folder / "scores.parquet", folder / "spoken.parquet", [folder / "text_expert.parquet"])
    paths, said = known(METHOD), []
    for name, entry in METHODS.items():
        result = fusion.run(table, entry, paths[name], [0], name, 2, said.append, said.append)
        learned[name] = result.parameters
    methods = [Method(name, entry, paths[name]) for name, entry in METHODS.items()]
    for name, parameters in ADAPTATIONS.items():
        served = methods[1:3] if name == "share" else methods
        entry = {"adaptation": name, "parameters": parameters}
        learned[f"adaptation {name}"] = adapt(
            table, entry, known(ADAPTATION)[name], served, [0], said.append, class_weights=False
        )
    return learned, said


@pytest.mark.filterwarnings("ignore")
def test_permuted_labels_of_the_target_change_no_parameter_and_no_prediction(tmp_path):
    source, target = make_corpus("home", 3, 0), make_corpus("away", 2, 1)
    true = target[0]["emotion"].to_numpy()
    first_learned, first_said = study(tmp_path, source, target, true)
    permuted = np.random.default_rng(2).permutation(true)
    # The speaker who is labelled for adaptation keeps his labels: nothing else may be learned from the target.
    drawn = {draw["speakers"][0] for draw in draws_of(first_learned["adaptation speakers"])}
    kept = target[0]["speaker"].isin(drawn).to_numpy()
    assert kept.any() and not kept.all()
    learned, said = study(tmp_path, source, target, np.where(kept, true, permuted))
    assert learned == first_learned
    assert (np.where(kept, true, permuted) != true).any()
    for table, first in zip(said, first_said, strict=True):
        pd.testing.assert_frame_equal(table.drop(columns="emotion"), first.drop(columns="emotion"))


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
