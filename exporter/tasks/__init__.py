"""What tasks mean: pure, given `now`; no I/O and nothing of the clouds' own words."""
