"""
PURE: what happens in the simulated clouds, given the dice and the time.

The same seed and start give the same history, at whatever instants `advance` is called: every
throw of the dice belongs to an event, and events come in the order of their times.
"""
