"""A study's method to take away: packaged, loaded, and asked about new recordings."""
