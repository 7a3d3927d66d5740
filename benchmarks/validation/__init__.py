"""Our machines beside independent sources: `make validate`, or `python -m benchmarks.validation [room]`."""
