"""Transcripts that agents leave on this disk, replayed on the cache model: what they cost and would have cost."""
