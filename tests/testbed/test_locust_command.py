import argparse
from pathlib import Path

from loadtests.options import add_arguments
from testbed.locust_command import LoadOptions, locust_command


def test_a_load_without_a_page_is_a_fixed_schedule() -> None:
    options = LoadOptions(users=30, duration_s=12.5, seed=7, record=Path("out"), run="up-1")
    command = locust_command(options, "http://127.0.0.1:8080", 9_646)
    assert command[:2] == ["locust", "-f"]
    assert Path(command[2]).name == "locustfile.py"
    assert Path(command[2]).exists()
    assert command[3:] == [
        *("--host", "http://127.0.0.1:8080", "--users", "30", "--seed", "7"),
        *("--metrics-port", "9646", "--run-id", "up-1"),
        *("--headless", "--run-seconds", "12.5", "--record", "out"),
    ]


def test_the_page_is_for_this_machine_only_and_runs_until_somebody_stops_it() -> None:
    command = locust_command(LoadOptions(users=30, web_port=8_090), "http://127.0.0.1:8080", 9_646)
    assert command[command.index("--web-host") + 1] == "127.0.0.1"
    assert command[command.index("--web-port") + 1] == "8090"
    assert not {"--headless", "--run-seconds", "--run-time"} & set(command)


def test_the_load_understands_every_option_it_is_given() -> None:
    sent = LoadOptions(users=30, duration_s=5, mix="order=1", seed=7, record=Path("out"))
    command = locust_command(sent, "http://127.0.0.1:1", 9_646)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options, locusts_own = parser.parse_known_args(command[3:])
    assert (options.seed, options.run_seconds, options.record, options.metrics_port) == (7, 5.0, "out", 9_646)
    assert locusts_own == ["--host", "http://127.0.0.1:1", "--users", "30", "--headless"]
