"""What the study prints, beside a run, and against itself."""
