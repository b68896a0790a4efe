"""Experiments: model, run, evidence, statistics, verdict and report."""
