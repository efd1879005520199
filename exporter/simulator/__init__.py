"""
The clouds, simulated from their documents: for the demo, the tests and the replay of alerts.

Nothing here shares parsing, signing or paging code with the exporter: what both sides take from
one function proves nothing. The way of the data: `world` (what happens, pure) is shown by one API
per system (`iam`, `fdi`, `dms`, `ocp`), `truth` counts what happened and what was shown of it,
`control` lets tests and people steer, `server` puts all of it on one port.
"""
