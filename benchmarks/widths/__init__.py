"""Every smoothing width of the machines, and what it does to the machine where it works.

``python -m benchmarks.widths`` measures it all and writes docs/smoothing.md.
"""
