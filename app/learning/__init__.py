"""Metric learning without Qt (torch and scikit-learn are imported only where needed)."""
