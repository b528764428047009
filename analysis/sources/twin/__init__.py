"""The synthetic twin, made from the study's published aggregates."""
