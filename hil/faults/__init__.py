"""Faults that are injected on purpose: in what sensors show, on the bus, in time."""
