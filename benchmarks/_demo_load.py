"""The load of the demo, as Locust is asked for it."""

from typing import Final

from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment

DEMO: Final = "delivery-outage"


def demo() -> LoadedExperiment:
    """The experiment that `make demo` runs."""
    return load_experiment(find_experiment(DEMO))


def load_of(loaded: LoadedExperiment, length_s: float, pace: float = 1.0) -> list[str]:
    """Arguments for the customers of `loaded` over `length_s` seconds, always the same ones."""
    load = loaded.experiment.load
    mix = ",".join(f"{name}={rate}" for name, rate in load.rates_per_s.items())
    options = {"--users": load.total_per_s, "--mix": mix, "--run-seconds": f"{length_s:g}", "--pace": f"{pace:g}", "--seed": 7}
    return [str(part) for pair in options.items() for part in pair]
