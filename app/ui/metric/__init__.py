"""The pages of the Metric workspace and their parts: points and ellipse, curves, lamps."""
