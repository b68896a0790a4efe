"""Prints the fault of an experiment's file: for tests that read one with a copy's own code."""

import sys
from pathlib import Path

from chaos.experiment.experiment_file import load_experiment

if __name__ == "__main__":
    sys.stdout.write(f"{load_experiment(Path(sys.argv[1])).experiment.fault}\n")
