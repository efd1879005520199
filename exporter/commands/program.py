"""One call of the program: arguments in, exit code out (0 fine, 1 failed, 2 wrong usage)."""

import os
import sys
from collections.abc import Mapping, Sequence

from exporter.commands.arguments import parse
from exporter.commands.command import FAILED, UNUSABLE, complain
from exporter.errors import ConfigError, ExporterError


def act(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what the arguments say and return the exit code; wrong usage raises SystemExit(2)."""
    command, given = parse(argv, environ)
    try:
        code = command.act(given, environ)
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
    return code
