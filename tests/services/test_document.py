"""Documents: whatever is wrong in one is named with file, line and key, and with what would be right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import Field

from services import document
from services.document import MAX_BYTES, MAX_DEPTH, MAX_PLACES, DocumentError, Frozen, Mistake, parse_document, read_document
from services.duration import DurationMs


class Wheel(Frozen):
    size: int
    delay_ms: DurationMs | None = None


class Cart(Frozen):
    name: str
    wheels: dict[str, Wheel] = Field(default_factory=dict)
    spares: tuple[Wheel, ...] = ()


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        parse_document(text, "cart.yaml").parse(Cart)
    return [str(mistake) for mistake in caught.value.mistakes]


def mistakes_of(read: Callable[[], object]) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read()
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_good_document_becomes_its_model_with_durations_in_milliseconds() -> None:
    cart = parse_document("name: red\nwheels:\n  left: {size: 3, delay: 1.5s}\n", "cart.yaml").parse(Cart)
    assert cart == Cart(name="red", wheels={"left": Wheel(size=3, delay_ms="1500ms")})
    assert cart.wheels["left"].delay_ms == 1_500


def test_a_model_of_a_document_does_not_change() -> None:
    cart: Any = Cart(name="red")
    with pytest.raises(ValueError, match="frozen"):
        cart.name = "blue"


def test_every_mistake_is_named_not_only_the_first() -> None:
    assert mistakes_in("nmae: red\nwheels:\n  left: {size: big}\n") == [
        "cart.yaml:1: name: is missing",
        "cart.yaml:3: wheels.left.size: Input should be a valid integer, unable to parse string as an integer",
        "cart.yaml:1: nmae: unknown key; allowed: name, spares, wheels (did you mean name?)",
    ]


def test_an_unknown_key_far_inside_is_told_the_keys_allowed_there() -> None:
    assert mistakes_in("name: red\nspares:\n  - size: 1\n    dealy: 1s\n") == [
        "cart.yaml:4: spares.0.dealy: unknown key; allowed: delay, size (did you mean delay?)"
    ]


def test_an_unknown_key_like_no_other_gets_no_suggestion() -> None:
    assert mistakes_in("name: red\nxyz: 1\n") == ["cart.yaml:2: xyz: unknown key; allowed: name, spares, wheels"]


@pytest.mark.parametrize("value", ["300", "-3ms", "3 sec"])
def test_a_duration_without_a_unit_or_below_zero_is_named_with_what_is_allowed(value: str) -> None:
    (only,) = mistakes_in(f"name: red\nwheels:\n  left:\n    size: 1\n    delay: {value}\n")
    assert only.startswith("cart.yaml:5: wheels.left.delay: ")
    assert only.endswith("is not a duration; write a positive number and a unit (us, ms, s, m, h), such as 300ms or 1.5s")


def test_a_duration_of_zero_is_named() -> None:
    assert mistakes_in("name: red\nwheels: {left: {size: 1, delay: 0s}}\n") == [
        "cart.yaml:2: wheels.left.delay: '0s' must be longer than zero"
    ]


def test_a_key_given_twice_is_a_mistake_at_its_second_line() -> None:
    assert mistakes_in("name: red\nwheels:\n  left: {size: 1}\n  left: {size: 2}\n") == [
        "cart.yaml:4: wheels.left: is given twice"
    ]


@pytest.mark.parametrize("key", ["1", "on", "1.5", "~", "2026-01-01", "? [a]\n"])
def test_a_key_that_yaml_takes_for_no_text_is_a_mistake_at_its_own_line(key: str) -> None:
    (only,) = mistakes_in(f"name: red\n{key}: 1\n")
    assert only.startswith("cart.yaml:2: ")
    assert only.endswith("a key is text; put it in quotes")


def test_a_list_where_a_mapping_belongs_is_named() -> None:
    assert mistakes_in("name: red\nwheels: [1]\n") == ["cart.yaml:2: wheels: must be a mapping of keys to values"]


def test_nothing_where_a_mapping_belongs_is_named() -> None:
    assert mistakes_in("name: red\nwheels:\n  left:\n") == ["cart.yaml:3: wheels.left: must be a mapping of keys to values"]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "[1, 2]", "just text", "42"])
def test_an_empty_document_or_one_that_is_no_mapping_is_a_mistake(text: str) -> None:
    assert mistakes_in(text) == ["cart.yaml:1: must be a mapping of keys to values"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: red\nwheels: [1\nspares: 2\n", 3),
        ("name: red\nspares: *nothing\n", 2),
        ("name: red\n---\nname: blue\n", 2),
        ("name: red\nspares: !!python/object:os.system x\n", 2),
        ("name: red\nspares: \x07\n", 2),
        ("name: \tred\n\twheels: 1\n", 2),
    ],
)
def test_what_is_not_yaml_is_named_with_its_line(text: str, line: int) -> None:
    (only,) = mistakes_in(text)
    assert only.startswith(f"cart.yaml:{line}: is not YAML: ")


def test_what_is_not_yaml_is_named_with_its_line_where_yaml_has_no_parser_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    assert mistakes_in("name: rouge é\nspares: \x07\n") == ["cart.yaml:2: is not YAML: character #x0007 is not allowed"]


def test_an_impossible_date_is_no_yaml() -> None:
    assert mistakes_in("name: 2026-13-45\n") == ["cart.yaml:1: is not YAML: month must be in 1..12"]


@pytest.mark.parametrize("nest", ["[", "{a: ", "\n- "], ids=["lists", "mappings", "dashes"])
def test_nesting_that_would_crash_the_parser_is_refused_before_it_does(nest: str) -> None:
    text = "".join(f"\n{' ' * depth}-" for depth in range(200)) if nest == "\n- " else "name: " + nest * 100_000
    (only,) = mistakes_in(text)
    assert only.endswith(f": is nested deeper than {MAX_DEPTH} levels")


def test_an_alias_inside_of_what_it_stands_for_is_refused() -> None:
    assert mistakes_in("name: red\nspares: &it [*it]\n") == [f"cart.yaml:2: is nested deeper than {MAX_DEPTH} levels"]


def test_aliases_of_aliases_that_stand_for_a_billion_items_are_refused() -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    (only,) = mistakes_in(bomb)
    assert only.endswith(f": has more than {MAX_PLACES} keys and items, aliases followed")


def test_an_alias_that_saves_typing_is_fine() -> None:
    cart = parse_document("name: red\nwheels: {left: &wheel {size: 3}, right: *wheel}\n", "cart.yaml").parse(Cart)
    assert cart.wheels["right"] == Wheel(size=3)


def test_a_file_is_read_under_its_path(tmp_path: Path) -> None:
    path = tmp_path / "cart.yaml"
    path.write_text("nmae: red\n")
    assert str(path) in mistakes_of(lambda: read_document(path).parse(Cart))[0]


def test_a_file_may_be_called_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "cart.yaml"
    path.write_text("")
    assert mistakes_of(lambda: read_document(path, "my cart")) == ["my cart:1: must be a mapping of keys to values"]


def test_a_missing_file_is_named_without_a_line(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert mistakes_of(lambda: read_document(path)) == [f"{path}: cannot be read: No such file or directory"]


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    assert mistakes_of(lambda: read_document(tmp_path)) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert mistakes_of(lambda: read_document(path)) == [f"{path}:1: is larger than {MAX_BYTES} bytes"]


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: caf\xe9\n".encode("latin-1"))
    assert mistakes_of(lambda: read_document(path)) == [f"{path}:1: is not UTF-8 text"]


def test_a_mistake_at_a_place_that_is_not_in_the_file_is_shown_at_the_nearest_one_that_is() -> None:
    found = parse_document("name: red\nwheels:\n  left: {size: 1}\n", "cart.yaml")
    assert found.mistake(("wheels", "left", "delay"), "is odd") == Mistake("cart.yaml", 3, "wheels.left.delay", "is odd")
    assert found.mistake(("nowhere",), "is odd").line == 1
