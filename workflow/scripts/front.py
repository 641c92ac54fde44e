"""What each point of the Pareto fronts comes to on the rows it was fitted on and on the test rows."""

import pandas as pd

from emofuse import contracts, tables
from emofuse.evaluation.metrics import unweighted_accuracy
from emofuse.fusion import load_method
from emofuse.fusion.selection import decide
from emofuse.logs import logged

with logged(snakemake.log[0]):
    scores = tables.read(contracts.SCORES, snakemake.input.scores)
    emotions = pd.Series(tables.EMOTIONS)
    rows = []
    for path in snakemake.input.parameters:
        method = tables.read_json(path)
        estimator = load_method(method["estimator"])
        for (fold, split), part in scores.groupby(["fold", "split"]):
            if split not in [*method["fit_on"], "test"]:
                continue
            for point, thresholds in enumerate(method["folds"][fold]["front"]):
                decided, selected = decide(part[estimator.columns].to_numpy(), thresholds, estimator.measures)
                ua = unweighted_accuracy(part["emotion"], emotions[decided])
                rows.append((method["method"], fold, point, split, ua, selected.mean()))
    table = pd.DataFrame(rows, columns=["method", "fold", "point", "split", "UA", "selected"])
    tables.write(table, contracts.FRONT, snakemake.output[0])
