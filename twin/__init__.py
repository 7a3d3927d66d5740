"""The running copy: time, data, studies, the command line."""
