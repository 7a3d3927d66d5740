"""All alarms of a site: which there are, how urgent, and what the measurements say about them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from controllers.plant_view import PlantView
from hil.sample import Sample
from plant_models.signals import Signal
from plant_models.units import NonNegative, si, to_si, to_si_difference
from twin.mistakes import explain_fields
from twin.operation.alarm_state import ACTIVE, Alarm, AlarmChange, AlarmError, AlarmState, Priority

LONGEST_SHELF = 86400.0
"""s: what has to be quiet for longer is out of service"""


class AlarmFileError(ValueError):
    """A file of alarms that cannot be used: which entry, what is wrong, what would be accepted."""


Delay = Annotated[float, si("s"), NonNegative]


class Rule(BaseModel):
    """Either a limit of a measured ``signal``, or how the loop's own ``alarm`` is treated. Both take patterns.

    ``high``, ``low`` and ``deadband`` are text with a unit; the deadband is how far the value must come back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    signal: str | None = None
    alarm: str | None = None
    high: str | float | None = None
    low: str | float | None = None
    deadband: str | float = 0.0
    priority: Priority = Priority.MEDIUM
    on_delay: Delay = Field(0.0, description="the condition must last so long")
    off_delay: Delay = Field(0.0, description="its end must last so long")
    shelvable: bool = True
    suppressed_by: str | None = Field(None, description="an alarm that explains this one, so that it is not shown")
    response: str = Field("", description="what the operator does about it")

    @model_validator(mode="after")
    def _one_of_two(self) -> Rule:
        if (self.signal is None) == (self.alarm is None):
            raise ValueError("give either signal (a limit of a measurement) or alarm (one of the loop's own)")
        if self.signal is not None and (self.high is None) == (self.low is None):
            raise ValueError("a limit of a signal is high or low; for both write two entries")
        if self.alarm is not None and (self.high is not None or self.low is not None or self.deadband):
            raise ValueError("high, low and deadband belong to a signal")
        return self

    def dressed(self, name: str) -> Alarm:
        """A new alarm by this rule."""
        return Alarm(name, self.priority, self.on_delay, self.off_delay, self.shelvable)


class Limit:
    """One limit of one signal, with its deadband."""

    def __init__(self, rule: Rule, signal: Signal) -> None:
        self.signal, self.rule = signal.name, rule
        self.is_high = rule.high is not None
        self.name = f"limit.{signal.name}.{'high' if self.is_high else 'low'}"
        try:
            self.limit = to_si(rule.high if self.is_high else rule.low, signal.unit)
            if signal.unit == "K" and rule.deadband:
                self.deadband = to_si_difference(rule.deadband)
            else:
                self.deadband = to_si(rule.deadband, signal.unit) if rule.deadband else 0.0
        except ValueError as error:
            raise AlarmFileError(f"alarm on {signal.name}: {error}") from None
        self.text = f"{signal.name} {'above' if self.is_high else 'below'} {rule.high if self.is_high else rule.low}"
        self.beyond = False

    def judge(self, value: float) -> bool:
        """Whether it is exceeded; what is not a number changes nothing."""
        over = (value - self.limit) * (1.0 if self.is_high else -1.0)
        if math.isfinite(over):
            self.beyond = over > 0.0 or (self.beyond and over > -self.deadband)
        return self.beyond


OWN = (
    Rule(alarm="plant", priority=Priority.HIGH, response="check the devices named; the devices' watchdogs take over"),
    Rule(alarm="commissioning", priority=Priority.HIGH, response="see heatloop run --check; nothing is written"),
    Rule(alarm="device.*", priority=Priority.HIGH, response="check supply, cable and address of the device"),
    Rule(alarm="trip.*", priority=Priority.CRITICAL, response="find out why; then heatloop command resets it"),
    Rule(alarm="heartbeat.*", priority=Priority.HIGH, response="the device answers but does not live: restart it"),
    Rule(alarm="controller", priority=Priority.HIGH, response="the fallback takes over; see the message"),
    Rule(alarm="controller.*", priority=Priority.MEDIUM, response="see the message; consider mode shadow"),
    Rule(alarm="write.*", priority=Priority.HIGH, response="the device does not take a set-point: local operation?"),
    Rule(alarm="budget.*", priority=Priority.MEDIUM, off_delay=300.0, response="fewer changes, or no storing"),
    Rule(alarm="signal.*", priority=Priority.LOW, response="check the sensor"),
)  # fmt: skip
"""how the loop's own alarms are treated unless a file says otherwise"""


def load_rules(path: Path) -> list[Rule]:
    """The entries of a file, a YAML list below ``alarms:``. Raises :class:`AlarmFileError`."""
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise AlarmFileError(f"{path}: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("alarms"), list) or len(data) > 1:
        raise AlarmFileError(f"{path}: expected one key, alarms, with a list of limits")
    rules = []
    for number, entry in enumerate(data["alarms"], 1):
        try:
            rules.append(Rule.model_validate(entry, context={"require_units": True}))
        except ValidationError as error:
            known = tuple(Rule.model_fields)
            raise AlarmFileError(explain_fields(error, f"{path}: alarm {number}", known)) from None
    return rules


def chip_rules(view: PlantView, measured: Iterable[str]) -> list[Rule]:
    """The alarm that every site has: chips at their limit, by the racks' own ``T_gpu_limit``, where it is measured."""
    known = set(measured)
    return [
        Rule(signal=f"{name}.T_gpu_max", high=f"{cdu.rack.T_gpu_limit} K", deadband="1 K", priority=Priority.CRITICAL,
             on_delay=10.0, off_delay=30.0, shelvable=False,
             response="full flow at design supply temperature; then shed load")
        for name, cdu in view.cdus.items() if f"{name}.T_gpu_max" in known
    ]  # fmt: skip


class AlarmBook:
    """Every alarm and its state. Each transition goes to ``record``; ``history`` is what the journal has of before."""

    def __init__(
        self,
        record: Callable[[AlarmChange], None],
        rules: Iterable[Rule] = (),
        signals: Mapping[str, Signal] | None = None,
        history: Iterable[AlarmChange] = (),
    ) -> None:
        self._record = record
        self._own = [rule for rule in rules if rule.alarm is not None] + list(OWN)
        self._alarms: dict[str, Alarm] = {}
        self._suppressors: dict[str, str] = {}
        self._responses: dict[str, str] = {}
        self._limits = [limit for rule in rules if rule.signal for limit in self._limits_of(rule, signals or {})]
        for limit in self._limits:
            self._enter(limit.name, limit.rule)
        for change in history:
            if change.alarm in self._alarms or not change.alarm.startswith("limit."):  # a limit that is no more
                self[change.alarm].resume(change)
        for limit in self._limits:
            limit.beyond = self._alarms[limit.name].active

    def _limits_of(self, rule: Rule, signals: Mapping[str, Signal]) -> list[Limit]:
        assert rule.signal is not None  # the caller saw to it
        found = [Limit(rule, signal) for name, signal in signals.items() if fnmatchcase(name, rule.signal)]
        if not found:
            raise AlarmFileError(f"alarm on {rule.signal}: nothing that is measured has this name")
        return found

    def _enter(self, name: str, rule: Rule) -> None:
        self._alarms[name] = rule.dressed(name)
        self._responses[name] = rule.response
        if rule.suppressed_by:
            self._suppressors[name] = rule.suppressed_by

    def __getitem__(self, name: str) -> Alarm:
        """The alarm; one of the loop's own comes into being when it is first asked for."""
        if name not in self._alarms:
            own = next((r for r in self._own if r.alarm and fnmatchcase(name, r.alarm)), Rule(alarm=name))
            self._enter(name, own)
        return self._alarms[name]

    def known(self, name: str) -> Alarm:
        """The alarm. Raises :class:`AlarmError` for one that has never been."""
        if name not in self._alarms:
            standing = ", ".join(a.name for a in self.standing()) or "none"
            raise AlarmError(f"no alarm {name!r}; not normal are: {standing}")
        return self._alarms[name]

    # --- conditions ---

    def condition(self, now: float, name: str, present: bool, message: str = "") -> None:
        """What the loop observes at ``now``."""
        if present or name in self._alarms:
            self._note(self[name].condition(now, present, message))

    def watch(self, now: float, samples: Mapping[str, Sample]) -> None:
        """Judges all limits by what was measured; bad and lost values change nothing."""
        for limit in self._limits:
            sample = samples.get(limit.signal)
            if sample is not None and sample.good:
                self._note(self._alarms[limit.name].condition(now, limit.judge(sample.value), limit.text))

    def tick(self, now: float) -> None:
        """Lets time pass for all, and suppresses by design."""
        for name, by in self._suppressors.items():
            cause = self._alarms.get(by)
            present = cause is not None and cause.active
            self._note(self._alarms[name].suppress(now, present, f"explained by {by}" if present else f"{by} is over"))
        for alarm in self._alarms.values():
            self._note(alarm.tick(now))

    def _note(self, change: AlarmChange | None) -> None:
        if change is not None:
            self._record(change)

    # --- operators ---

    def acknowledge(self, now: float, name: str, who: str) -> None:
        """One alarm, or ``all`` that wait for it."""
        if name != "all":
            self._record(self.known(name).acknowledge(now, who))
            return
        for alarm in self._alarms.values():
            if alarm.state in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED):
                self._record(alarm.acknowledge(now, who))

    def shelve(self, now: float, name: str, seconds: float, who: str, reason: str) -> None:
        """Puts an alarm aside for a time."""
        if not 0.0 < seconds <= LONGEST_SHELF:
            raise AlarmError(f"alarm {name}: shelved for more than 0 and at most {LONGEST_SHELF / 3600:g} h, or out of "
                             "service")  # fmt: skip
        self._record(self.known(name).shelve(now, now + seconds, who, reason))

    def unshelve(self, now: float, name: str, who: str) -> None:
        """Takes it back."""
        self._record(self.known(name).unshelve(now, who))

    def take_out(self, now: float, name: str, who: str, reason: str) -> None:
        """Out of service."""
        self._record(self.known(name).take_out(now, who, reason))

    def put_back(self, now: float, name: str, who: str) -> None:
        """Back into service."""
        self._record(self.known(name).put_back(now, who))

    # --- what is shown ---

    @property
    def active(self) -> dict[str, str]:
        """Message by name of all that are active and shown."""
        return {a.name: a.message for a in self._alarms.values() if a.state in ACTIVE}

    def standing(self) -> list[Alarm]:
        """All that are not normal."""
        return [alarm for alarm in self._alarms.values() if alarm.state is not AlarmState.NORMAL]

    def response(self, name: str) -> str:
        """What an operator does about it."""
        return self._responses.get(name, "")
