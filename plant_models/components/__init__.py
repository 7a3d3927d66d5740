"""One machine a file."""
