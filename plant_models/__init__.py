"""What the plant is: physics, machines, sites. No clock, no input or output."""
