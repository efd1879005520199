"""The program: arguments in, exit code out (0 fine, 1 failed, 2 wrong usage or configuration)."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from exporter.commands.arguments import parse
from exporter.commands.command import FAILED, UNUSABLE, complain
from exporter.errors import ConfigError, ExporterError


def entry() -> NoReturn:
    """
    Run the program and end the process.

    It does not wait for threads: one that asks a dead name server may take minutes, and by then
    everything that must be written is.
    """
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Do what the arguments say and return the exit code; wrong usage raises SystemExit(2)."""
    surroundings = os.environ if environ is None else environ
    command, given = parse(sys.argv[1:] if argv is None else argv, surroundings)
    try:
        code = command.act(given, surroundings)
        sys.stdout.flush()
    except ConfigError as error:
        complain(*error.problems)
        return UNUSABLE
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ExporterError, OSError) as error:
        complain(getattr(error, "strerror", None) or str(error))
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return code
