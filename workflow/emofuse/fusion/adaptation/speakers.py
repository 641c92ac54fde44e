"""Adaptation to a target of which some speakers are labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from emofuse import accuracy
from emofuse.calibration import fit_temperature, probabilities
from emofuse.fusion.adaptation.base import Adaptation, Adapted, Draw, Task, with_speech
from emofuse.fusion.adaptation.unlabelled import corrected
from emofuse.fusion.base import logarithm, named, normalised, shares
from emofuse.provenance import seed
from emofuse.tables import SPEECH, Problem

K = Annotated[int, Field(ge=1)]


class Speakers(Adaptation):
    """Some target speakers are labelled: temperature, prior and the method itself are fitted on them.

    k target speakers are drawn, several times; those of a draw are never tested on, all others are.
    Draws with more speakers hold those with fewer, so that a curve over k compares like with like,
    and no two draws begin with the same speaker as long as there are enough.

    On the labelled rows, in this order:

    1. The temperature of the voice: probabilities ∝ p(c)^(1/T) with the least log loss.
    2. The class prior: the shares of the emotions, with 1 added to every count,
       by which the voice is corrected (:func:`emofuse.fusion.adaptation.unlabelled.corrected`).
    3. The method: thresholds, mapping, weights, all that it learns.

    The prior is left as it is unless a config asks for it: it makes the target's frequent emotions more frequent
    in the predictions, while UA counts all emotions alike.
    """

    sees: ClassVar[str] = "labels of k target speakers"

    def __init__(
        self,
        k: Annotated[Sequence[K], Field(min_length=1, description="Numbers of labelled target speakers.")] = (1, 2, 4),
        draws: Annotated[int, Field(ge=1, description="How often they are drawn, for each k.")] = 5,
        refit: Annotated[
            Sequence[Literal["temperature", "prior", "method"]],
            Field(min_length=1, description="What is fitted on them: temperature and prior of the voice, the method."),
        ] = ("temperature", "method"),
        rows: Annotated[
            Literal["both", "target"],
            Field(description="Whether the method is fitted on its rows of the source too, or on the target alone."),
        ] = "both",
    ) -> None:
        self.k = k
        self.draws = draws
        self.refit = refit
        self.rows = rows

    @classmethod
    def conflicts(cls, **parameters: Any) -> Iterator[Problem]:
        """The same k twice, or the same thing fitted twice."""
        for name in ("k", "refit"):
            values = list(parameters[name])
            if len(set(values)) < len(values):
                yield f"{name} is {values}; should hold each value once"

    @classmethod
    def problems(cls, speakers: int, **parameters: Any) -> Iterator[Problem]:
        """Each k that leaves nobody to test."""
        for k in parameters["k"]:
            if k >= speakers:
                yield f"k is {k}, but the target has {speakers} speakers; should be less, so that some are left to test"

    def draw_speakers(self, speakers: Sequence[str], seed_names: Sequence[str | int]) -> Iterator[Draw]:
        """For each k that leaves somebody to test, that many speakers from each draw's own place in a seeded circle."""
        count = len(speakers)
        for draw in range(self.draws):
            # As many draws as there are speakers share a circle; their places in it are as far apart as can be.
            circle = np.random.default_rng(seed(*seed_names, "speakers", draw // count)).permutation(count)
            start = draw % count * count // min(self.draws, count)
            order = [speakers[place] for place in np.roll(circle, -start)]
            for k in sorted(self.k):
                if k < count:
                    yield Draw(k, draw, order[:k])

    def adapt(self, task: Task) -> Adapted:
        """The method and the voice as the labelled speakers would have them."""
        emotion = accuracy.indices(task.labelled["emotion"])
        voices = [rows[SPEECH].to_numpy() for rows in (task.labelled, task.target)]
        learned: dict[str, Any] = {}
        if "temperature" in self.refit:
            temperature = fit_temperature(logarithm(voices[0]), emotion)
            voices = [probabilities(logarithm(voice), temperature) for voice in voices]
            learned["temperature"] = temperature
        if "prior" in self.refit:
            prior = shares(emotion, smoothing=1)
            voices = [corrected(normalised(voice), task.prior, prior) for voice in voices]
            learned["prior"] = named(prior)
        labelled, target = (
            with_speech(rows, voice) for rows, voice in zip((task.labelled, task.target), voices, strict=True)
        )
        if "method" not in self.refit:
            return Adapted(task.fitted, target, learned)
        method = task.refit(labelled if self.rows == "target" else pd.concat([task.fitted_on, labelled]))
        # A front is long, and of the rows that were fitted on.
        of_method = {name: value for name, value in method.parameters_.items() if name != "front"}
        return Adapted(method, target, learned | {"method": of_method})
