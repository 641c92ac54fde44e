"""emofuse: from audio or published scores to compared fusion methods. `rule all` is what a study makes."""

from snakemake.utils import min_version

min_version("9.20")

# Snakemake merges config files key by key: the default study is loaded only where no other is named,
# or its corpora and methods would leak into that one.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/demo.smk"
include: "workflow/rules/corpora.smk"
include: "workflow/rules/speech.smk"
include: "workflow/rules/text.smk"
include: "workflow/rules/fusion.smk"
include: "workflow/rules/adaptation.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/report.smk"


rule all:
    input:
        study.targets,


onsuccess:
    for path in study.examples:
        if os.path.exists(path):  # a part of the study may have been asked for
            print(f"{path}:\n{Path(path).read_text()}")
