"""Standard output and error that are open, can print every character, and report what fails.

Problems caused by a shell, a pipe or a locale are corrected once, before a command runs.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
import unicodedata
from typing import TextIO

from svgbench.words.errors import FAILED

BROKEN_PIPE = 141  # 128 + SIGPIPE: a shell's status for a program whose reader went away

PLAIN = {
    **{"±": "+-", "−": "-", "–": "-", "—": "-", "×": "x", "≤": "<=", "≥": ">=", "≈": "~", "→": "->", "∞": "inf"},
    **{"…": "...", "‘": "'", "’": "'", "“": '"', "”": '"'},
}
"""Common signs in ASCII. Greek letters are replaced by their names."""


class OutputError(Exception):
    """Standard output cannot be written, and the command may stop."""


class Output(io.FileIO):
    """The file behind standard output or standard error. It remembers why it could not be written.

    Output after the first error is dropped. Unless `patient`, the error is also raised, as an OutputError.
    """

    def __init__(self, handle: int, patient: bool) -> None:
        super().__init__(handle, "wb", closefd=False)
        self.patient = patient
        self.error: OSError | None = None

    def write(self, data: object) -> int:
        """Write all of it. If the file is non-blocking and the reader is slow, wait."""
        rest = memoryview(data).cast("B")  # type: ignore[arg-type]  # the base class takes any buffer
        whole = len(rest)
        while rest and self.error is None:
            try:
                written = super().write(rest)
                if written is None:
                    select.select([], [self], [])
                else:
                    rest = rest[written:]
            except OSError as error:
                self.error = error
                if not self.patient:
                    raise OutputError(str(error)) from error
        return whole

    @property
    def status(self) -> int:
        """The exit status for the error; 0 if there was none."""
        if self.error is None:
            return 0
        return BROKEN_PIPE if self.error.errno == errno.EPIPE else FAILED


def prepare() -> Output:
    """Replace `sys.stdout` and `sys.stderr`; return the file behind `sys.stdout`.

    A closed stream becomes the null device, so that no other file can get its number. A character that the encoding
    lacks is spelled out. Messages that cannot be written to standard error are dropped.
    """
    for handle in (0, 1, 2):
        _open(handle)
    codecs.register_error("svgbench", _spelled_out)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    output, messages = Output(1, patient=False), Output(2, patient=True)
    sys.stdout = _text(output, sys.stdout, os.isatty(1))
    sys.stderr = _text(messages, sys.stderr, True)
    return output


def _open(handle: int) -> None:
    try:
        os.fstat(handle)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one


def _text(file: Output, before: TextIO | None, by_line: bool) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(file), encoding, "svgbench", line_buffering=by_line)


def _spelled_out(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode what the encoding lacks: in ASCII, or as the original byte of an undecodable file name."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if 0xDC80 <= ord(character) <= 0xDCFF:  # `surrogateescape`
        return bytes([ord(character) - 0xDC00]), error.start + 1
    base = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return PLAIN.get(character) or base or _greek(character) or "?", error.start + 1


def _greek(character: str) -> str:
    """The name of a Greek letter: "lambda" for λ."""
    alphabet, _, letter = unicodedata.name(character, "").partition(" SMALL LETTER ")
    return letter.lower().replace("lamda", "lambda") if alphabet == "GREEK" and letter.isalpha() else ""
