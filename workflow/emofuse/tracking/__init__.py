"""MLflow shows what the files say.

The files of a study are the truth and MLflow is a view of them: nothing is ever read back from it.
So a sync may come late (the server was down), stop half-way or run twice, and the next one puts everything right.

One experiment of MLflow is one experiment of a study, and one more compares them across corpora.
In it, a method is a *family* of runs: a parent with the means over folds and the intervals, and a child per fold,
with the same metric names on both, because the charts show parents when families are folded up.

:mod:`~emofuse.tracking.content` reads from the files what each run holds, and knows no MLflow.
:mod:`~emofuse.tracking.server` brings MLflow into line with that.
"""
