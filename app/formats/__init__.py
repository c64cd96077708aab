"""One module per file format, reading and writing. Imports: records, vision."""
