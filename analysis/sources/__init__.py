"""Where snapshots come from; each module here ends in `analysis.snapshot.Writer`."""
