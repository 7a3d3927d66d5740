"""The command `heatloop`, run by tests in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from twin import cli


def heatloop(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "twin.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def run(*arguments: str) -> int:
    """The command within this process; its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0)


def is_one_paragraph(text: str) -> bool:
    """Whether a message is one block of text that starts with the program's name, without a traceback."""
    return text.startswith("heatloop: ") and "\n\n" not in text.strip() and "Traceback" not in text


def refused(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> str:
    """The message with which the command refuses: one paragraph on stderr, code 2, nothing on stdout."""
    assert run(*arguments) == cli.EXIT_USER_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    start = shown.err.index("heatloop: ")  # behind lines of progress
    assert is_one_paragraph(shown.err[start:]), shown.err
    return " ".join(shown.err[start:].split())
