""".env: made once with random secrets, completed, and otherwise left as it is."""

import re
from pathlib import Path

from testbed.compose.env_file import MIN_SECRET_CHARS, EnvFile, draw_secret

EXAMPLE = EnvFile("# About the example.\n\n# Secrets\nTOKEN=\nPASSWORD=\n# Choices\nPORT=3000\n")
STRONG = "Gz4-qT8_nW2xKe7Lp"


def test_a_new_file_has_another_random_value_for_each_secret_and_the_example_s_choices() -> None:
    made = EnvFile().completed(EXAMPLE)
    assert set(made.values) == {"TOKEN", "PASSWORD", "PORT"}
    assert made.values["TOKEN"] != made.values["PASSWORD"] != EnvFile().completed(EXAMPLE).values["PASSWORD"]
    assert made.values["PORT"] == "3000"
    assert made.weaknesses(EXAMPLE) == []
    assert "# Secrets" in made.text
    assert "About the example" not in made.text


def test_lines_that_are_there_stay_and_missing_ones_are_added() -> None:
    found = EnvFile("# mine\nTOKEN='short'\nOTHER=1\nPORT=3001")
    completed = found.completed(EXAMPLE)
    assert completed.text.startswith("# mine\nTOKEN='short'\nOTHER=1\nPORT=3001\nPASSWORD=")
    assert len(completed.values["PASSWORD"]) >= MIN_SECRET_CHARS
    assert completed.completed(EXAMPLE) == completed


def test_values_are_read_as_compose_reads_them() -> None:
    read = EnvFile('export A=1\nB = two \n#C=3\nD="four"\nE=five # a comment\nF=six#7\nnonsense\nA=8\n').values
    assert read == {"A": "8", "B": "two", "D": "four", "E": "five", "F": "six#7"}


def test_a_choice_replaces_its_line_alone() -> None:
    found = EnvFile("TOKEN=x\nPORT=3000\n")
    assert found.choosing({"PORT": "3001", "MORE": ""}).text == "TOKEN=x\nPORT=3001\nMORE=\n"
    assert found.choosing({"PORT": "3000"}) == found


def test_a_secret_that_is_none_is_told_with_what_is_wrong() -> None:
    def of(token: str) -> list[str]:
        return EnvFile(f"TOKEN={token}\nPASSWORD={STRONG}\n").weaknesses(EXAMPLE)

    assert of(STRONG) == []
    assert of("") == ["TOKEN in .env is empty"]
    assert of("change-me") == ["TOKEN in .env has 9 characters, and a secret has 16 at least"]
    assert of("aaaaaaaaaaaaaaaaaaaa") == ["TOKEN in .env repeats the same few characters, which is guessed soon"]
    assert len(of("with@signs/of:addresses")) == 1
    assert EnvFile("TOKEN=x\n").weaknesses(EXAMPLE)[1] == "PASSWORD in .env is empty"


def test_a_drawn_secret_fits_into_the_address_of_a_database() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", draw_secret()) for _ in range(50))


def test_only_its_owner_can_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("old")
    path.chmod(0o644)
    EnvFile("A=1\n").write(path)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("A=1\n", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert EnvFile.read(tmp_path / ".env") == EnvFile()
