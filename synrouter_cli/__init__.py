"""Synrouter: a local proxy that makes coding agents cheap, and proves it."""

__version__ = "0.1.0"
