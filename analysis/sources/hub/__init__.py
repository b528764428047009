"""Collecting a snapshot from the live Hub."""
