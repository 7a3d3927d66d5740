"""Figures of the running loop for Prometheus, over HTTP on this machine only.

prometheus-client is an extra (``heatloop[metrics]``): the loop needs none of this.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from typing import TYPE_CHECKING, Any

from twin.mistakes import UserError
from twin.operation.mode import Mode

if TYPE_CHECKING:
    from twin.runtime import Cycle, Runtime

HOST = "127.0.0.1"
STATES = ("waiting", "running", "holding")


class Metrics:
    """Takes over each turn (:meth:`observe`) and answers Prometheus' questions (:meth:`serve`)."""

    def __init__(self, runtime: Runtime) -> None:
        try:
            import prometheus_client as prometheus
        except ImportError:
            raise UserError(
                "figures for Prometheus need prometheus-client: pip install heatloop[metrics], or leave out "
                "--metrics-port"
            ) from None
        self._prometheus: Any = prometheus
        self._runtime = runtime
        self.registry: Any = prometheus.CollectorRegistry()
        named: dict[str, Any] = {"registry": self.registry}
        self._counters = {
            name: prometheus.Counter(f"heatloop_{name}", text, **named)
            for name, text in (
                ("scans", "turns of the loop"),
                ("bad_scans", "turns with a required value missing"),
                ("overruns", "turns that came a whole scan interval late"),
                ("decisions", "decisions of the controller"),
                ("fallbacks", "decisions of the fallback in the controller's place"),
                ("written", "set-points written, read back as asked"),
                ("refreshed", "set-points written again for a watchdog"),
                ("failed_writes", "set-points that a device did not take"),
                ("held_back", "set-points and decisions not written"),
                ("suppressed", "changes kept at home by deadband, interval or write budget"),
            )
        }
        self._seen = dict.fromkeys(self._counters, 0)
        self._duration = prometheus.Histogram(
            "heatloop_turn_seconds", "wall time of a turn", buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10), **named
        )
        self._mode = prometheus.Gauge("heatloop_mode", "1 for the mode in force", ["mode"], **named)
        self._state = prometheus.Gauge("heatloop_state", "1 for the state of the loop", ["state"], **named)
        self._time = prometheus.Gauge("heatloop_plant_time_seconds", "time of the last turn, POSIX", **named)
        self._up = prometheus.Gauge("heatloop_device_up", "1 if the device answered the last scan", ["device"], **named)
        self._alarms = prometheus.Gauge("heatloop_alarms", "alarms not normal", ["priority", "state"], **named)
        self._value = prometheus.Gauge("heatloop_signal", "last good value, SI", ["signal"], **named)
        self._age = prometheus.Gauge("heatloop_signal_age_seconds", "age of the last reading", ["signal"], **named)
        self._overrides = prometheus.Gauge("heatloop_overrides", "overrides in force", **named)

    def observe(self, cycle: Cycle) -> None:
        """Takes over what a turn of the loop brought."""
        for name, counter in self._counters.items():
            count = getattr(cycle.counts, name)
            counter.inc(count - self._seen[name])
            self._seen[name] = count
        self._duration.observe(cycle.duration)
        for mode in Mode:
            self._mode.labels(mode.value).set(mode is cycle.mode)
        for state in STATES:
            self._state.labels(state).set(state == cycle.state)
        self._time.set(cycle.time)
        for device, health in self._runtime.client.health.items():
            self._up.labels(device).set(health.ok)
        self._alarms.clear()
        standing = Tally((a.priority.value, a.state.value) for a in self._runtime.alarm_book.standing())
        for labels, count in standing.items():
            self._alarms.labels(*labels).set(count)
        for signal, sample in cycle.samples.items():
            if sample.good:
                self._value.labels(signal).set(sample.value)
            if math.isfinite(sample.time):
                self._age.labels(signal).set(max(0.0, cycle.time - sample.time))
        self._overrides.set(len(self._runtime.desk.overrides.in_force()))

    def serve(self, port: int) -> int:
        """Answers ``GET /metrics`` on 127.0.0.1 from a thread; returns the port. Raises OSError if it is taken."""
        server, _ = self._prometheus.start_http_server(port, addr=HOST, registry=self.registry)
        return int(server.server_port)
