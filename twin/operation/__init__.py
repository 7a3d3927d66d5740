"""What stands around a controller on a real plant: ranks, budgets, overrides, alarms, checks, metrics."""
