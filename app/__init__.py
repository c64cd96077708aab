"""Correspondence Explorer: visual correspondence and metric learning made visible."""

__version__ = "0.1.0"
