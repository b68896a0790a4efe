"""Every command of ours that the documentation tells somebody to type exists, with its options and what they take."""

import re
from importlib.util import find_spec

import click
import pytest

import chaos.cli
import testbed.cli
from tests.docs.pages import PAGES, ROOT, CommandLine, commands_of

PROGRAMS: dict[str, click.Group] = {"chaos": chaos.cli.cli, "testbed": testbed.cli.cli}
OURS = ("services", "observability", "chaos", "loadtests", "testbed", "dashboards", "benchmarks", "tests")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ADDED = ("chaos", "tail")
"""What a page adds before it uses it; test_recipes follows it."""
COMMANDS = [
    each
    for page in PAGES
    for each in commands_of(page)
    if each.words[0] in (*PROGRAMS, "make", "python") and each.words[:2] != ADDED
]


def mistake_in(words: tuple[str, ...]) -> str:
    """What the program itself would say of the command line before it does anything; nothing when it would do it."""
    program, *arguments = words
    if program == "make":
        return "".join(f"no target {each} " for each in arguments if "=" not in each and each not in TARGETS)
    if program == "python":
        return "" if not is_ours(arguments) or find_spec(arguments[1]) else f"no module {arguments[1]}"
    return _refusal(PROGRAMS[program], program, arguments)


def is_ours(arguments: list[str]) -> bool:
    return arguments[:1] == ["-m"] and arguments[1].partition(".")[0] in OURS


def _refusal(command: click.Command, name: str, arguments: list[str]) -> str:
    if "--help" in arguments:
        arguments = arguments[: arguments.index("--help")]
    if isinstance(command, click.Group):
        if not arguments:
            return ""
        found = command.commands.get(arguments[0])
        if found is None and type(command) is not click.Group:
            return ""  # One that takes something else in place of a command, as `testbed policy PLACE` does.
        return _refusal(found, arguments[0], arguments[1:]) if found else f"{name} has no {arguments[0]}"
    try:
        command.make_context(name, list(arguments))
    except click.ClickException as error:
        return error.format_message()
    return ""


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_that_a_page_shows_is_one_that_its_program_takes(command: CommandLine) -> None:
    assert mistake_in(command.words) == ""


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("chaos", "slow", "payments"), "Missing option '--latency'"),
        (("chaos", "smash", "payments"), "chaos has no smash"),
        (("testbed", "up", "--fast"), "No such option"),
        (("testbed", "load", "--users", "many"), "'many' is not a valid integer"),
        (("make", "coffee"), "no target coffee"),
        (("python", "-m", "observability.shop"), "no module observability.shop"),
    ],
)
def test_a_command_that_does_not_exist_is_found(words: tuple[str, ...], problem: str) -> None:
    assert problem in mistake_in(words)
