"""Jobs in processes of their own, a few at a time. A job that fails or dies harms no other and is named."""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from twin.mistakes import explain, is_expected

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    result: Any = None
    failure: str = ""
    """why there is no result, in one paragraph"""
    trace: str = ""
    """traceback of a failure that is a defect and no mistake of the user"""


def run_jobs(
    work: Callable[..., Any], jobs: Mapping[str, tuple[Any, ...]], workers: int, progress: Progress | None = None
) -> dict[str, Outcome]:
    """``work(*arguments, tell)`` for every job, at most ``workers`` at a time; outcomes by the jobs' names, in order.

    ``work`` is a function of a module; what it hands to ``tell`` (a share done) reaches ``progress`` with the job's
    name. Interrupting this ends the processes.
    """
    context = multiprocessing.get_context("spawn")
    waiting, running = list(jobs.items()), dict[Connection, tuple[str, BaseProcess]]()
    outcomes: dict[str, Outcome] = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(workers, 1):
                name, arguments = waiting.pop(0)
                here, there = context.Pipe(duplex=False)
                process = context.Process(target=_in_process, args=(there, work, arguments), daemon=True)
                process.start()
                there.close()
                running[here] = name, process
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                name, worker = running[ready]
                try:
                    said = ready.recv()
                except (EOFError, OSError):  # it has ended, one way or the other
                    worker.join()
                    del running[ready]
                    outcomes.setdefault(name, Outcome(failure=_ended(worker.exitcode)))
                    continue
                if isinstance(said, Outcome):
                    outcomes[name] = said
                elif progress:
                    progress(name, said)
    finally:
        for _, worker in running.values():
            worker.terminate()
            worker.join()
    return {name: outcomes[name] for name in jobs}


def _in_process(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        outcome = Outcome(work(*arguments, pipe.send))
    except KeyboardInterrupt:
        return  # the parent says so
    except Exception as error:  # noqa: BLE001  whatever happens here is told there
        outcome = Outcome(failure=explain(error), trace="" if is_expected(error) else traceback.format_exc())
    pipe.send(outcome)


def _ended(code: int | None) -> str:
    """What the end of a process without an answer means."""
    if code is not None and code < 0:
        hint = "; was there enough memory?" if -code == signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{hint}"
    return f"its process ended with code {code} before it was done"
