"""Every picture of a study.

Only their names stand here, and nothing is imported, so that to ask for them is cheap.
:mod:`emofuse.figures.experiment`, :mod:`emofuse.figures.method` and :mod:`emofuse.figures.corpus` draw those of an
experiment, a method and a corpus; :mod:`emofuse.figures.across`, :mod:`emofuse.figures.shift` and
:mod:`emofuse.figures.adaptation` those of two corpora.
"""

OF_EXPERIMENT = {
    "pareto": "Unweighted accuracy against the share of utterances whose words are needed, over all and by condition",
    "leaderboard": "Methods by unweighted accuracy in each condition, with intervals of their gain over speech alone",
    "uncertainty": "Box plots of entropy and varentropy of right and wrong predictions, by predicted emotion",
}
"""The pictures of an experiment, in order, and what each is for those who cannot see it."""

OF_ADAPTATION = {
    "adaptation": "Gain in unweighted accuracy of each method with each adaptation, and by labelled target speakers",
}
"""The picture of what adaptations gain, likewise."""

OF_METHOD = {
    "ua_by_fold": "Unweighted accuracy of each fold before and after",
    "changes": "Bars of changed predictions by pair of emotions: corrected, spoilt or wrong either way",
    "confusion": "Confusion matrices before and after",
    "plane": "Scatter plots of varentropy against entropy, a panel per predicted emotion",
}
"""The pictures of a method, likewise."""

OF_CORPUS = {
    "corpus": "Bars of emotions by condition and by speaker, and a histogram of durations",
}
"""The pictures of a corpus, likewise."""

OF_CROSS = {
    "shift": "Uncertainty, calibration, emotions, selections and thresholds on source validation and on the target",
}
"""The pictures that an experiment across corpora has besides."""

OF_STUDY = {
    "across": "Unweighted accuracy of each method within and across corpora, a panel per test corpus",
}
"""The pictures of a study whose experiments are compared."""
