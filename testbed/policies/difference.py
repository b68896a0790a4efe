"""How what is in force differs from what the map declares, in few words."""

from collections.abc import Mapping

from services.policy import Balancer

_FACT = "repeatable"


def patterns_of(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """The patterns that are switched on, in the order of their parameters."""
    on = dict.fromkeys(key.partition(".")[0] for key, value in parameters.items() if key != _FACT and not _is_off(key, value))
    return tuple(on)


def differences(declared: Mapping[str, str], in_force: Mapping[str, str]) -> tuple[str, ...]:
    """What differs: patterns that are off, patterns that are on, and parameters of those that are on in both."""
    before, after = patterns_of(declared), patterns_of(in_force)
    off = [pattern for pattern in before if pattern not in after]
    on = [pattern for pattern in after if pattern not in before]
    changed = [
        f"{key} {in_force.get(key, 'none')}, not {declared.get(key, 'none')}"
        for key in dict.fromkeys((*declared, *in_force))
        if key.partition(".")[0] not in (*off, *on) and declared.get(key) != in_force.get(key)
    ]
    return (*([f"without {', '.join(off)}"] if off else []), *([f"with {', '.join(on)}"] if on else []), *changed)


def _is_off(key: str, value: str) -> bool:
    """Some replica has to be chosen: round robin is what there is without a pattern."""
    return key == "balancer" and value == Balancer.ROUND_ROBIN
