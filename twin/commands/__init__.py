"""The commands of `heatloop`, one file a group; each imports what it needs when it runs, so that help stays quick."""
