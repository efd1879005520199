"""A folder with every document that the clouds answered, disguised, one file for each."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from exporter.api.answer import decode
from exporter.api.client import Recorder, Request
from exporter.api.refusal import Answer
from exporter.commands.disguise import Disguise
from exporter.errors import ConfigError, ExporterError

ADVICE = "Read it before you pass it on: no program knows all that is private to you."


class Dump:
    """Writes documents as they come, in their order."""

    def __init__(self, folder: Path) -> None:
        """Make the folder; raise ConfigError where it holds something, or cannot be made."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(folder.iterdir()):
                msg = f"--dump: {folder} is not empty; name a new folder"
                raise ConfigError([msg])
        except OSError as error:
            msg = f"--dump: cannot make the folder {folder}: {error.strerror}"
            raise ConfigError([msg]) from error
        self.written = 0
        """How many documents there are so far."""
        self._folder = folder
        self._disguise = Disguise()
        self._failure: OSError | None = None

    def recorder(self, target: str) -> Recorder:
        """Return what writes the answers to requests of `target`; it never raises."""

        def record(operation: str, sent: Request, answer: Answer) -> None:
            url = urlsplit(sent.url)
            document = {
                "target": self._disguise.name(target),
                "operation": operation,
                "path": self._disguise.path(url.path),
                "query": self._disguise.document(dict(parse_qsl(url.query))),
                "status": answer.status,
                "answer": self._answer(answer),
            }
            self._write(operation, document)

        return record

    def end(self) -> str:
        """Say what was written, for the user; raise ExporterError where something could not be."""
        if self._failure is not None:
            msg = f"--dump: cannot write into {self._folder}: {self._failure.strerror}"
            raise ExporterError(msg)
        return f"{self.written} documents are in {self._folder}, names and ids replaced. {ADVICE}"

    def _answer(self, answer: Answer) -> Any:
        try:
            return self._disguise.document(decode(answer.body))
        except ValueError:
            return f"(not JSON, {len(answer.body)} bytes)"

    def _write(self, operation: str, document: Any) -> None:
        if self._failure is not None:
            return
        path = self._folder / f"{self.written + 1:04}-{operation}.json"
        try:
            _write_private(path, json.dumps(document, indent=2) + "\n")
        except OSError as error:
            self._failure = error
        else:
            self.written += 1


def _write_private(path: Path, text: str) -> None:
    """Write a new file that nobody else can read."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
