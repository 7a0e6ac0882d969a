"""Helpers of the tests; no tests in here."""
