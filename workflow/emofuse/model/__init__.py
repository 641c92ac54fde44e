"""A model to take away: a study's method with all that it needs, in a folder, and what it says of new recordings."""
