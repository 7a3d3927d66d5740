"""What decides: from measurements and forecasts to set-points."""
