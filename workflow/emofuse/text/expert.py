"""The text expert: emotion from transcripts, learned from the fold's training speakers.

A sentiment model was taught three sentiments on other people's texts.
The expert is taught the four emotions on this corpus's own transcripts, at the price of labels.
A study names one or several experts (:data:`emofuse.text.EXPERTS`):

- ``tfidf`` knows the corpus's words alone. Two classifiers read the same TF-IDF weights of words and pairs of words,
  and the mean of their probabilities counts: a multinomial logistic regression, which weighs words together,
  and a multinomial naive Bayes, which needs fewer examples of a word
  (Ng and Jordan, *On discriminative vs. generative classifiers*, 2001;
  Wang and Manning, *Baselines and bigrams*, 2012).
- ``encoder`` knows what words mean elsewhere. A multinomial logistic regression reads the mean states of some layers of
  a pretrained encoder (:mod:`emofuse.text.embeddings`).

Several are combined by the geometric mean of their probabilities, a logarithmic opinion pool in which each has the same
weight (Heskes, *Selecting weighting factors in logarithmic opinion pools*, 1998): they read the same words, which
should count once.
All take all emotions to be equally likely beforehand, so that what the expert says is evidence without a prior.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from emofuse import accuracy, storage
from emofuse.tables import EMOTIONS, TEXT, InputError, Problems

log = logging.getLogger(__name__)

Array = npt.NDArray[np.floating]


class Expert(Protocol):
    """A way to read transcripts."""

    def candidates(self) -> dict[str, Pipeline]:
        """Untrained classifiers by what tells them apart, of which the training speakers choose one."""
        ...

    def inputs(self, transcripts: pd.DataFrame) -> npt.NDArray[Any]:
        """What these classifiers read of each of the utterances, with columns ``utterance`` and ``text``."""
        ...


class Tfidf(NamedTuple):
    """The expert of the corpus's own words.

    On the training rows of IEMOCAP's fold Ses01F, with one session left out at a time, the log loss is lowest, and
    flat, at an inverse penalty of 3 (of 1 to 10) and a smoothing of 0.1 (of 0.03 to 0.3).

    Args:
        inverse_penalty: C of the logistic regression; above 0, smaller trusts single words less
        smoothing: what the naive Bayes adds to each word's weight; above 0, larger trusts rare words less

    >>> texts = ["I hate you", "I love you", "the door", "I miss you"]
    >>> expert = Tfidf(inverse_penalty=3.0, smoothing=0.1).candidates()["tfidf"]
    >>> expert.fit(texts, ["angry", "happy", "neutral", "sad"]).predict(["love", "she will miss it"]).tolist()
    ['happy', 'sad']
    """

    inverse_penalty: float
    smoothing: float

    def candidates(self) -> dict[str, Pipeline]:
        """The one classifier."""
        # Words of one letter count ("I"), and an apostrophe does not end a word ("I'm").
        words = TfidfVectorizer(token_pattern=r"[\w']+", ngram_range=(1, 2), sublinear_tf=True)
        # On sparse columns L-BFGS and Newton's method take more steps the more texts there are. This goes some 40 times
        # through all of them, however many they are (Schmidt, Le Roux and Bach, Minimizing finite sums with the
        # stochastic average gradient, 2017). Probabilities are then within 1e-5 of the optimum's, in whatever order the
        # texts are drawn.
        weighed = LogisticRegression(
            C=self.inverse_penalty, class_weight="balanced", solver="sag", tol=1e-6, max_iter=10_000, random_state=0
        )
        counted = MultinomialNB(alpha=self.smoothing, fit_prior=False)
        both = VotingClassifier([("weighed", weighed), ("counted", counted)], voting="soft")
        return {"tfidf": make_pipeline(words, both)}

    def inputs(self, transcripts: pd.DataFrame) -> npt.NDArray[Any]:
        """The texts, (utterances,)."""
        return transcripts["text"].to_numpy(dtype=object)


class Encoder(NamedTuple):
    """The expert of a pretrained encoder's states.

    On the training rows of IEMOCAP's fold Ses01F, read by all-MiniLM-L6-v2 (six layers), with groups of speakers left
    out, the log loss of its layers 4 and 6 side by side is 0.985, that of the best single layer 1.039, and that of all
    seven 0.961, which takes ten times as long and gains 0.001 with TF-IDF beside it.

    Args:
        layers: whose mean states are read side by side, standardised by the training rows;
            0 is what the first layer takes in, -1 the last
        c: inverse strengths of the logistic regression's penalty to choose from
        embeddings: files of text embeddings, one per corpus
    """

    layers: Sequence[int]
    c: Sequence[float]
    embeddings: Sequence[str | Path]

    def candidates(self) -> dict[str, Pipeline]:
        """A classifier per strength."""
        return {
            f"encoder, C = {c:g}": make_pipeline(
                StandardScaler(), LogisticRegression(C=c, class_weight="balanced", max_iter=1000)
            )
            for c in self.c
        }

    def inputs(self, transcripts: pd.DataFrame) -> npt.NDArray[Any]:
        """The states, (utterances, layers · hidden size).

        Raises:
            InputError: if a file is missing, naming each layer that the encoder does not have,
                or naming each utterance that has no embeddings
        """
        count = storage.layers(self.embeddings[0])
        problems: Problems = [
            f"layers holds {layer}; {self.embeddings[0]} has {count} layers: should be one of {-count} to {count - 1}"
            for layer in self.layers
            if not -count <= layer < count
        ]
        if problems:
            raise InputError(problems)
        names = list(transcripts["utterance"])
        return np.hstack([storage.read_layer(self.embeddings, layer % count, names) for layer in self.layers])


def make_experts(settings: Mapping[str, Mapping[str, Any]], embeddings: Sequence[str | Path]) -> list[Expert]:
    """The experts that a study names.

    Args:
        settings: of each, by name, see :class:`Tfidf` and :class:`Encoder`
        embeddings: files of text embeddings, one per corpus; none where no encoder is named
    """
    makers: dict[str, Callable[..., Expert]] = {"tfidf": Tfidf, "encoder": partial(Encoder, embeddings=embeddings)}
    return [makers[name](**own) for name, own in settings.items()]


def predict(
    folds: Iterable[pd.DataFrame],
    utterances: pd.DataFrame,
    transcripts: pd.DataFrame,
    experts: Sequence[Expert],
    *,
    parts: int,
) -> Iterator[pd.DataFrame]:
    """Train the experts in each fold and read all of the fold's transcripts.

    Validation and test utterances are read by experts of all training speakers.
    A training utterance is read by experts that have not seen its speaker,
    so that methods fitted on training rows see the expert as it will be for a new speaker.
    Of an expert's candidates, the one is used whose log loss on training utterances that are read so is lowest, all
    emotions weighing the same. These are few, so that what it says of the same utterances hardly gains from the choice.
    Only labels of training rows are used. A missing transcript counts as an empty one.

    Args:
        folds: each fold of the `folds` table; gone through several times
        utterances: the `utterances` table, or several below each other, that the folds were made of
        transcripts: the `transcripts` tables of the same corpora
        experts: one, or several that are combined by the geometric mean of their probabilities
        parts: into how many groups of speakers a fold's training rows are divided for this; at least 2

    Yields:
        each fold of the `text_expert` table, rows in the order of the fold

    Raises:
        InputError: naming each fold whose training rows lack words, a second emotion or a second speaker;
            as :meth:`Encoder.inputs`
    """
    for rows, of_fold in zip(folds, train(folds, utterances, transcripts, experts, parts=parts), strict=True):
        unseen = geometric_mean([one.unseen for one in of_fold.experts])
        probability = np.zeros((len(rows), len(EMOTIONS)))
        probability[of_fold.train.index] = _of_all(unseen, of_fold.experts[0].reader)
        if len(of_fold.held_out):
            probability[of_fold.held_out.index] = read([one.reader for one in of_fold.experts], of_fold.inputs)
        table = rows[["fold", "split", "utterance"]].reset_index(drop=True)
        yield table.join(pd.DataFrame(probability, columns=TEXT))


class Trained(NamedTuple):
    """An expert of a fold.

    Attributes:
        name: of the candidate that was chosen
        loss: its log loss on training speakers that were left out
        unseen: what it says of training rows that it has not seen, (training rows, emotions that these have)
        reader: the candidate, fitted on all training rows
    """

    name: str
    loss: float
    unseen: Array
    reader: ClassifierMixin


class Fold(NamedTuple):
    """The experts of a fold.

    Attributes:
        fold: its name
        train: the training rows
        held_out: the others
        inputs: what each expert reads of the others, (others, …) each
        experts: in the order in which a study names them
    """

    fold: str
    train: pd.DataFrame
    held_out: pd.DataFrame
    inputs: list[npt.NDArray[Any]]
    experts: list[Trained]


def train(
    folds: Iterable[pd.DataFrame],
    utterances: pd.DataFrame,
    transcripts: pd.DataFrame,
    experts: Sequence[Expert],
    *,
    parts: int,
) -> Iterator[Fold]:
    """Train the experts in each fold; arguments and errors as in :func:`predict`.

    Yields:
        the folds; their rows are numbered in the order of each
    """
    known = utterances[["utterance", "speaker", "emotion"]].merge(
        transcripts[["utterance", "text"]], on="utterance", how="left", validate="one_to_one"
    )
    known = known.fillna({"text": ""}).set_index("utterance")
    is_read = np.zeros(len(known), dtype=bool)
    problems: Problems = []
    times: Counter[bytes] = Counter()
    for of_fold in folds:
        learned, _ = _divided(of_fold, known)
        is_read[known.index.get_indexer(of_fold["utterance"])] = True
        problems += [f"fold {of_fold['fold'].iloc[0]}: the training rows {problem}" for problem in _problems(learned)]
        times[_key(learned)] += 1
    if problems:
        raise InputError(problems)

    once = known[is_read]
    inputs = [expert.inputs(once.reset_index()) for expert in experts]
    trained: dict[bytes, list[Trained]] = {}
    for of_fold in folds:
        fold, (learned, held_out) = str(of_fold["fold"].iloc[0]), _divided(of_fold, known)
        places = [once.index.get_indexer(rows["utterance"]) for rows in (learned, held_out)]
        # Leave-one-speaker-out trains on the same rows twice, once for each speaker of a session.
        key = _key(learned)
        if key not in trained:
            trained[key] = [
                _train(expert.candidates(), of_all[places[0]], learned, parts)
                for expert, of_all in zip(experts, inputs, strict=True)
            ]
        times[key] -= 1
        of_key = trained[key] if times[key] else trained.pop(key)  # kept no longer than it is needed
        for expert in of_key:
            log.info("fold %s: %s, log loss %.4f on speakers that were left out", fold, expert.name, expert.loss)
        yield Fold(fold, learned, held_out, [of_all[places[1]] for of_all in inputs], of_key)


def _divided(of_fold: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training rows of a fold, sorted by utterance, and the others, with what is known of their utterances."""
    rows = of_fold[["fold", "split", "utterance"]].reset_index(drop=True)
    rows = pd.concat([rows, known.loc[rows["utterance"]].set_axis(rows.index)], axis=1)
    is_train = rows["split"] == "train"
    return rows[is_train].sort_values("utterance"), rows[~is_train]


def _key(learned: pd.DataFrame) -> bytes:
    """What tells training rows from other ones."""
    return hashlib.sha256("\n".join(learned["utterance"]).encode()).digest()


def read(readers: Sequence[ClassifierMixin], inputs: Sequence[npt.NDArray[Any]]) -> Array:
    """What the trained experts of a fold say together, (utterances, 4).

    What no training row was has probability 0: a source may lack an emotion.

    Args:
        readers: of each expert, see :class:`Trained`
        inputs: what each reads of the utterances, (utterances, …) each
    """
    said = geometric_mean([reader.predict_proba(own) for reader, own in zip(readers, inputs, strict=True)])
    return _of_all(said, readers[0])


def _of_all(probability: Array, reader: ClassifierMixin) -> Array:
    """Probabilities of all emotions, (utterances, 4), from those that a reader has learned."""
    every = np.zeros((len(probability), len(EMOTIONS)))
    every[:, accuracy.indices(reader.classes_)] = probability
    return every


def geometric_mean(probabilities: Sequence[Array]) -> Array:
    """The geometric mean (∏ pₖ)^(1/K), scaled to sum to 1 in each row.

    Args:
        probabilities: (rows, emotions) each, in 0 to 1

    >>> geometric_mean([np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])]).round(3).tolist()
    [[0.75, 0.25]]
    """
    logs = [np.log(np.maximum(np.float64(one), np.finfo(np.float64).tiny)) for one in probabilities]
    return softmax(np.mean(logs, axis=0), axis=1)


def _train(candidates: Mapping[str, Pipeline], inputs: npt.NDArray[Any], train: pd.DataFrame, parts: int) -> Trained:
    emotion, speaker = train["emotion"].to_numpy(), train["speaker"].to_numpy()
    weights, emotions = compute_sample_weight("balanced", emotion), np.unique(emotion)
    cv = GroupKFold(min(parts, len(np.unique(speaker))))
    read = []
    for name, candidate in candidates.items():
        unseen = cross_val_predict(candidate, inputs, emotion, groups=speaker, cv=cv, method="predict_proba")
        loss = log_loss(emotion, unseen, labels=emotions, sample_weight=weights)
        read.append(Trained(name, loss, unseen, candidate))
    best = min(read, key=lambda one: one.loss)
    return best._replace(reader=best.reader.fit(inputs, emotion))


def _problems(train: pd.DataFrame) -> Problems:
    """What keeps an expert from being trained."""
    problems: Problems = []
    if train["emotion"].nunique() < 2:
        problems.append(f"hold {train['emotion'].nunique()} emotion; the text expert needs at least 2")
    if train["speaker"].nunique() < 2:
        problems.append(f"hold {train['speaker'].nunique()} speaker; the text expert needs at least 2")
    if not train["text"].str.contains(r"\w").any():
        problems.append("hold no transcript with a word; the text expert has nothing to learn from")
    return problems
