"""Weather, heat load, heat demand, tariffs: readers, generators, forecasts."""
