"""Economic nonlinear model-predictive control."""
