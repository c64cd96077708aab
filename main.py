"""Start Correspondence Explorer: ``python main.py --help``."""

from app.start import run

if __name__ == "__main__":
    run()
