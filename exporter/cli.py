"""The way into the program: so light that Ctrl-C ends it cleanly from the first moment on."""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

INTERRUPTED = 1
"""Exit code after Ctrl-C, before the daemon takes it for the order to stop."""


def entry() -> NoReturn:
    """
    Run the program and end the process.

    It does not wait for threads: one that asks a dead name server may take minutes, and by then
    everything that must be written is.
    """
    code = INTERRUPTED
    with contextlib.suppress(KeyboardInterrupt):
        code = main()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Do what the arguments say and return the exit code; wrong usage raises SystemExit(2)."""
    try:
        from exporter.commands.program import act  # noqa: PLC0415 - half a second; see above

        arguments = sys.argv[1:] if argv is None else argv
        return act(arguments, os.environ if environ is None else environ)
    except KeyboardInterrupt:
        return INTERRUPTED
