"""The demo: the whole method from audio, on any machine, without a network or a licence.

No licensed corpus and no public checkpoint can be shipped. The demo makes its own, from an espeak-ng synthesiser:
two corpora, in the layouts of IEMOCAP and of MSP-IMPROV, and small checkpoints of the real architectures.
The checkpoints are trained on other voices and other sentences than those of the corpora.
The stages read both as they read the real ones, and cannot tell them apart.

Emotion is carried twice, each time imperfectly, as in human speech:

- by the voice: the prosody of an utterance scatters round a mean of its emotion, and so do speakers;
- by the words: what a sentence says mostly, not always, fits the emotion.

The demo's numbers show that the workflow works. They say nothing about human speech.

Only the demo's own scripts know this package.
"""
