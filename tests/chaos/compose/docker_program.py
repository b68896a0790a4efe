"""A `docker` for tests with real processes: containers are entries of a file beside it, and what they hold is forgotten.

It knows as much as chaos asks: ps, container inspect, kill, start and exec. Standard library only, for it is started often.
"""

import fcntl
import json
import os
import sys
from pathlib import Path

STATE = Path(os.environ.get("FAKE_DOCKER", Path(__file__).parent)) / "containers.json"
STATUS = {
    "run_id": "x", "phase": "ready", "profile": "declared", "topology": "x", "started_at": 0.0, "supervisor_pid": 1,
    "instances": [], "addresses": {}, "otlp_endpoint": "",
}  # fmt: skip


def main() -> int:
    verb, arguments = sys.argv[1], sys.argv[2:]
    with STATE.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        containers = json.load(file)
        if verb == "ps":
            print("\n".join(containers))  # noqa: T201
        elif verb == "container":
            return _inspect(containers, arguments[1:])
        elif verb == "exec":
            sys.stdin.readline()
            print(json.dumps({"status": STATUS, "healed": 0}))  # noqa: T201
        else:
            gone = [each for each in arguments if each not in containers]
            for each in set(arguments) - set(gone):
                containers[each]["State"] = {"Status": "exited" if verb == "kill" else "running"}
            file.seek(0)
            file.truncate()
            json.dump(containers, file)
            return _missing(gone)
    return 0


def _inspect(containers: dict[str, dict[str, object]], arguments: list[str]) -> int:
    wanted = arguments[2:] if arguments[0] == "--format" else arguments
    found = [containers[each] for each in wanted if each in containers]
    if arguments[0] == "--format":
        for each in found:
            print(each["Id"], each["State"]["Status"])  # type: ignore[index] # noqa: T201
    else:
        print(json.dumps(found))  # noqa: T201
    return _missing([each for each in wanted if each not in containers])


def _missing(names: list[str]) -> int:
    for name in names:
        sys.stderr.write(f"Error response from daemon: No such container: {name}\n")
    return int(bool(names))


if __name__ == "__main__":
    sys.exit(main())
