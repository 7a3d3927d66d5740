"""What is measured of heatloop: `make bench`, or `python -m benchmarks [name]`."""
