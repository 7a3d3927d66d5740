"""Tests of a controller on a bench: scenario in, verdict out."""
