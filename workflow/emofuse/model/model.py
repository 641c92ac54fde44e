"""Predictions on new recordings, by a model that a study has made.

>>> from emofuse.model.model import Model
>>> from emofuse.model.recordings import collect  # doctest: +SKIP
>>> Model.load("results/demo/model").predict(collect(["interview.wav"]))  # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import pandas as pd

from emofuse import audio, calibration, contracts, provenance, tables
from emofuse.accuracy import Floats
from emofuse.fusion.base import FusionMethod
from emofuse.fusion.uncertainty import confidence, entropy, varentropy
from emofuse.model import keeping, members
from emofuse.model.members import UNREAD, Member, answer
from emofuse.model.stages import Stages
from emofuse.tables import EMOTIONS, PROBABILITY, SENTIMENT, SPEECH, TEXT, InputError, Problems
from emofuse.text import expert
from emofuse.text.expert import geometric_mean

DESCRIPTION = "model.json"
"""What a model is, but for what it has learned."""

CHUNK = 64
"""How many utterances are heard, or written down, before progress is shown."""

Words = Literal["selected", "never", "always"]
"""Whose words are written down: those of the utterances that the method selects, of none, or of all."""

Progress = Callable[[Iterable[Any]], Iterable[Any]]
"""What is shown while chunks of utterances are worked on, such as ``tqdm.tqdm``."""

Said = TypeVar("Said")


class Model:
    """A study's method, with all that it was trained to.

    Its members, one per fold, are asked one and all: the answer is the geometric mean of their probabilities. The words
    of an utterance are needed where any member selects it, and serve those alone that do.

    Attributes:
        described: ``model.json``
        members: by the name of their fold
    """

    def __init__(self, described: dict[str, Any], of_folds: Sequence[Member], stages: Stages) -> None:
        self.described, self.stages = described, stages
        self.members = {member.name: member for member in of_folds}

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "auto", fetch: bool = False) -> Model:
        """Load a model; pretrained checkpoints are loaded once an utterance needs them.

        Args:
            folder: the model's, as rule ``model`` makes it
            device: ``auto`` for a GPU where there is one, or ``cpu``
            fetch: whether a checkpoint that is not on this machine may be fetched from the hub; else no network is used

        Raises:
            InputError: if a file was changed, is missing or was added since the model was made, or may hold a pickle
        """
        folder = Path(folder)
        keeping.check_seal(folder)
        described = tables.read_json(folder / DESCRIPTION)
        path = described["path"]
        if path.partition(":")[0].endswith(".py"):
            path = str(folder / path)
        of_folds = [
            members.read(folder / "members" / name, path, described["parameters"]) for name in described["members"]
        ]
        return cls(described, of_folds, Stages(described, folder, device, fetch))

    def predict(
        self,
        utterances: pd.DataFrame,
        *,
        words: Words = "selected",
        budget: float | None = None,
        members: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """Say what is felt in recordings.

        The answer to an utterance depends on the others in its dialog, if the method reads dialogs, and on nothing else
        that is asked at the same time (but for rounding).

        Args:
            utterances: as :func:`emofuse.model.recordings.collect` gives them. With a column ``utterance``, a text that
                Whisper samples is seeded by the name there, as in the study, else by the audio itself
            words: whose words are written down; ``always`` shows all transcripts and changes no decision
            budget: the share of utterances whose words may be consulted, between 0 and 1; of the method's front, the
                point with the largest share of the rows that it was fitted on and not above this is used
            members: the folds whose members are asked; ``None`` for all
            progress: what wraps the chunks of utterances that are heard, and then those that are written down

        Returns:
            the ``predicted`` table, in the order of ``utterances``. A row with a problem has no answer, be it one that
            it was given or one of audio that cannot be used

        Raises:
            InputError: if the method cannot do without words or has no front, if no member has such a name, or if a
                checkpoint is missing
        """
        asked = self._members(members)
        methods = self._methods(asked, words, budget)
        rows = _heard(utterances, self.described["min_duration"])
        scores = self._listen(asked, rows, progress)
        if len(scores[0]):
            answers = self._answers(asked, methods, scores, rows, words, progress)
            rows = rows.join(answers[rows.loc[answers.index, "problem"].isna()])
        answered = rows.reindex(columns=list(contracts.PREDICTED.columns))
        answered["selected"] = answered["selected"].eq(True)
        return tables.check(answered, contracts.PREDICTED, "predictions")

    def _members(self, names: Sequence[str] | None) -> list[Member]:
        problems: Problems = [
            f"members: {name!r} is none of this model; should be one of {', '.join(self.members)}"
            for name in names or ()
            if name not in self.members
        ]
        if problems:
            raise InputError(problems)
        return [self.members[name] for name in names or self.members]

    def _methods(self, asked: Sequence[Member], words: Words, budget: float | None) -> list[FusionMethod]:
        """The method of each member, as it is asked for.

        Raises:
            InputError: with everything that it cannot do
        """
        name, reads_words = self.described["method"], any(member.method.reads_words for member in asked)
        methods: list[Any] = [member.method for member in asked]
        problems: Problems = []
        if words not in get_args(Words):
            problems.append(f"words is {words!r}; should be one of {', '.join(get_args(Words))}")
        if budget is not None and not all(member.shares for member in asked):
            problems.append(f"budget is {budget:g}; {name} has no front, so that its share of words is what it is")
        elif budget is not None and not 0 <= budget <= 1:
            problems.append(f"budget is {budget:g}; should be a share between 0 and 1")
        elif budget is not None:
            methods = [_within(member, budget) for member in asked]
        if words == "never":
            methods = [method.without_words() for method in methods]
            if None in methods:
                problems.append(f"words is 'never'; {name} reads the words of utterances; should be selected or always")
        elif self.described["transcripts"] is None and (words == "always" or reads_words):
            problems.append(f"words is {words!r}; the study's words are not Whisper's; should be selected or never")
        if problems:
            raise InputError(problems)
        return methods

    def _listen(self, asked: Sequence[Member], rows: pd.DataFrame, progress: Progress | None) -> list[pd.DataFrame]:
        """What each member has for scores of the rows without a problem, with words that nobody has read yet."""
        usable = rows[rows["problem"].isna()]
        logits = np.zeros((len(asked), len(rows), len(EMOTIONS)))
        if len(usable):
            listen = self.stages.voice([member.voice for member in asked])
            for part, said in _tried(listen, usable, rows, progress):
                logits[:, part.index] = said
        heard = rows[rows["problem"].isna()].fillna({"speaker": ""}).assign(**UNREAD)
        return [
            heard.assign(**_named(SPEECH, calibration.probabilities(of_member[heard.index], member.temperature)))
            for member, of_member in zip(asked, logits, strict=True)
        ]

    def _answers(
        self,
        asked: Sequence[Member],
        methods: Sequence[FusionMethod],
        scores: Sequence[pd.DataFrame],
        rows: pd.DataFrame,
        words: Words,
        progress: Progress | None,
    ) -> pd.DataFrame:
        """What the members say of utterances together, under the index of their scores, which take in the words."""
        heard = scores[0].index
        selected = [
            method.selected(of_member[method.columns], of_member)
            for method, of_member in zip(methods, scores, strict=True)
        ]
        is_selected = np.any(selected, axis=0)
        written = heard if words == "always" else heard[is_selected]
        transcripts = self._transcripts(rows.loc[written], rows, progress)
        consulted = transcripts[transcripts.index.isin(heard[is_selected])]
        if len(consulted):
            self._read(consulted, asked, scores)
        probability = geometric_mean(
            [
                answer(method, of_member, of_method, of_member)
                for method, of_member, of_method in zip(methods, scores, selected, strict=True)
            ]
        )
        voice = geometric_mean([of_member[SPEECH].to_numpy() for of_member in scores])
        curve = self.described["confidence"]
        answers = pd.DataFrame(_named(PROBABILITY, probability), index=heard).assign(
            emotion=np.array(EMOTIONS)[probability.argmax(axis=1)],
            entropy=entropy(voice),
            varentropy=varentropy(voice),
            selected=is_selected,
            confidence=np.interp(confidence(probability), curve["certainty"], curve["right"]),
        )
        return answers.join(transcripts[["text", "mean_log_probability"]])

    def _transcripts(self, asked: pd.DataFrame, rows: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
        """The ``transcripts`` table of rows, under their index; what fails gets a problem in ``rows``."""
        written = pd.DataFrame(columns=list(contracts.TRANSCRIPTS.columns))
        if not len(asked):
            return written
        names = asked["utterance"].where(asked["utterance"].notna(), asked.apply(_name_of_audio, axis=1))
        # The same audio twice is written down once.
        once = asked.assign(utterance=names).drop_duplicates("utterance")
        parts = [said for _, said in _tried(self.stages.transcripts(), once, rows, progress)]
        known = pd.concat(parts or [written]).set_index("utterance")
        failed = dict(zip(once["utterance"], rows.loc[once.index, "problem"], strict=True))
        rows.loc[asked.index, "problem"] = names.map(failed)
        texts = known.reindex(names[names.isin(known.index)])
        return texts.reset_index().set_index(names.index[names.isin(known.index)])

    def _read(self, transcripts: pd.DataFrame, asked: Sequence[Member], scores: Sequence[pd.DataFrame]) -> None:
        """Write what the words say into the scores of each member."""
        words = self.stages.sentiment(transcripts)
        inputs = self.stages.inputs_of_experts(transcripts)
        for member, of_member in zip(asked, scores, strict=True):
            of_member.loc[transcripts.index, SENTIMENT] = words
            if inputs:
                of_member.loc[transcripts.index, TEXT] = expert.read(member.readers, inputs)


def _within(member: Member, budget: float) -> FusionMethod:
    """The method at the point of its front with the largest share within a budget; without words if none is."""
    allowed = [point for point, share in enumerate(member.shares) if share <= budget]
    if not allowed:
        return member.method.without_words()
    return member.method.at_point(max(allowed, key=lambda point: member.shares[point]))


def _heard(utterances: pd.DataFrame, min_duration: float) -> pd.DataFrame:
    """Utterances as the stages take them: a fresh index, and a problem for each whose audio cannot be used."""
    optional = ["speaker", "dialog", "turn_start", "problem", "utterance"]
    missing = [name for name in ("recording", "path", "start", "duration") if name not in utterances]
    problems: Problems = [
        f"utterances: column {name!r} is missing; has {', '.join(map(str, utterances.columns))}" for name in missing
    ]
    if "utterance" in utterances:
        named = utterances["utterance"].dropna()
        problems += [f"utterances: {name} is named twice" for name in named[named.duplicated()].unique()]
    if problems:
        raise InputError(problems)
    rows = utterances.reset_index(drop=True)
    rows = rows.assign(**{name: None for name in optional if name not in rows})
    rows = rows.astype(dict.fromkeys(("speaker", "dialog", "problem", "utterance"), object))
    rows = rows.astype({"turn_start": float, "start": float, "duration": float})
    rows["end"] = rows["start"] + rows["duration"]
    usable = rows[rows["problem"].isna()]
    checked = audio.check_all(usable, min_duration, os.cpu_count() or 1)
    for index, (duration, problem) in zip(usable.index, checked, strict=True):
        rows.loc[index, ["duration", "problem"]] = duration or np.nan, problem  # what cannot be read has none
    return rows


def _tried(
    work: Callable[[pd.DataFrame], Said], asked: pd.DataFrame, rows: pd.DataFrame, progress: Progress | None
) -> Iterator[tuple[pd.DataFrame, Said]]:
    """Work on utterances, those of about one length together; what fails gets its problem in ``rows``."""
    order = asked.sort_values("duration", ascending=False, kind="stable")
    chunks = [order.iloc[start : start + CHUNK] for start in range(0, len(order), CHUNK)]
    for chunk in progress(chunks) if progress else chunks:
        waiting = [chunk]
        while waiting:
            part = waiting.pop()
            try:
                yield part, work(part)
            except InputError as error:
                # Halved until the utterance that fails is alone.
                if len(part) > 1:
                    waiting += [part.iloc[: len(part) // 2], part.iloc[len(part) // 2 :]]
                else:
                    rows.loc[part.index, "problem"] = error.problems[0]


def _name_of_audio(row: pd.Series) -> str:
    part: list[Any] = [None if pd.isna(row[name]) else row[name] for name in ("start", "end")]
    return provenance.digest([provenance.file_digest([row["path"]]), *part])


def _named(names: Sequence[str], values: Floats) -> dict[str, Floats]:
    return dict(zip(names, values.T, strict=True))
