"""Which names are one person's: candidates, matching, decisions, score, sensitivity."""
