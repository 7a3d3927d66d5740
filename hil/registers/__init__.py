"""Register maps as data, and their codec."""
