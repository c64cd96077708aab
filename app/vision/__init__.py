"""Image processing without Qt: what one stage of a match computes. Imports: records, settings, jobs; NumPy, OpenCV."""
