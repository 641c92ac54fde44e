"""Speech emotion recognition that knows when it is unsure: voice first, words where the voice is torn."""
