"""Many scenarios: several at a time, each in a process, and what they leave written where they ran."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from twin.hil_bench.output import write_outcome
from twin.hil_bench.run import Sites, perform
from twin.hil_bench.scenario import EXTERNAL, Bench, HilScenario
from twin.hil_bench.verdict import Outcome
from twin.mistakes import explain, is_expected

SOCKETS_A_CORE = 3
"""scenarios in scaled time for each core: most of that time they wait for the next scan"""
SLOWER = (1.0, 0.5, 0.25)
"""shares of a scenario's speed that are tried in turn while the machine cannot keep the plant's time"""


def jobs_of(scenarios: Sequence[HilScenario], bench: Bench | None) -> int:
    """How many of the scenarios run at the same time: in scaled time more than there are cores, on a rig one."""
    benches = {bench or s.bench for s in scenarios}
    if "rig" in benches or any(s.controller == EXTERNAL for s in scenarios):
        return 1  # there is one rig, and the site's own ports once
    cores = len(os.sched_getaffinity(0))
    return min(len(scenarios), cores * (SOCKETS_A_CORE if benches == {"sockets"} else 1))


def perform_all(
    scenarios: Sequence[HilScenario], bench: Bench | None, out: Path | None, jobs: int,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:  # fmt: skip
    """The outcomes in the scenarios' order, ``tell`` hears of each as it comes; they carry no traces.

    With ``out`` each leaves its report, traces and journal there. What ends a scenario early is its outcome's error.
    """
    order = sorted(range(len(scenarios)), key=lambda i: -scenarios[i].duration / scenarios[i].speed)
    outcomes: dict[int, Outcome] = {}
    for i, outcome in _one_by_one(scenarios, bench, out) if jobs == 1 else _at_once(scenarios, order, bench, out, jobs):
        outcomes[i] = outcome
        tell(outcome)
    return [outcomes[i] for i in range(len(scenarios))]


def _one_by_one(
    scenarios: Sequence[HilScenario], bench: Bench | None, out: Path | None
) -> Iterator[tuple[int, Outcome]]:
    for i, scenario in enumerate(scenarios):
        yield i, _perform(scenario, bench or scenario.bench, out)


def _at_once(
    scenarios: Sequence[HilScenario], order: Sequence[int], bench: Bench | None, out: Path | None, jobs: int
) -> Iterator[tuple[int, Outcome]]:
    """The longest first, so that none is left alone at the end."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "twin.hil_bench.lockstep", "twin.hil_bench.sockets"])
    with ProcessPoolExecutor(jobs, context, initializer=_end_with_parent) as pool:
        futures: dict[Future[Outcome], int] = {
            pool.submit(_perform, scenarios[i], bench or scenarios[i].bench, out): i for i in order
        }
        try:
            for future in as_completed(futures):
                i = futures[future]
                try:
                    yield i, future.result()
                except BrokenProcessPool:
                    said = "a process that ran scenarios ended before it was done; was there enough memory?"
                    yield i, Outcome(scenarios[i], bench or scenarios[i].bench, error=said)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """In a worker: whatever ends the process that asked for it, it does not run on alone."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_await_end, args=(parent.sentinel,), daemon=True).start()


def _await_end(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # the plant's program ends when its stdin closes


@cache
def _sites() -> Sites:
    """Of this process."""
    return Sites()


def _perform(scenario: HilScenario, bench: Bench, out: Path | None) -> Outcome:
    for share in SLOWER:
        asked = scenario.model_copy(update={"speed": share * scenario.speed})
        outcome = _attempt(asked, bench, out)
        if not outcome.slow:
            break
    if out is not None:
        write_outcome(out, outcome)
    outcome.traces = None
    return outcome


def _attempt(scenario: HilScenario, bench: Bench, out: Path | None) -> Outcome:
    try:
        return perform(scenario, bench, _journal(out, scenario), _sites())
    except Exception as error:  # noqa: BLE001  told with the scenario's name when the others have had their turn
        trace = "" if is_expected(error) else traceback.format_exc()
        return Outcome(scenario, bench, error=explain(error), refused=not trace, trace=trace)


def _journal(out: Path | None, scenario: HilScenario) -> Path | None:
    if out is None:
        return None
    folder = out / scenario.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "journal.sqlite"
    for old in folder.glob("journal.sqlite*"):
        old.unlink()
    return path
