"""What a container keeps, and only while its process 1 lives: a tmpfs of the service's user. Imports nothing."""

from typing import Final

FOLDER: Final = "/run/firebreak"
CONTROL: Final = "control.sock"
NOTIFY: Final = "notify.sock"
JOURNAL: Final = "processes.jsonl"
MAX_JOURNAL_BYTES: Final = 512 * 1024
"""It takes at most twice this of the tmpfs, and so of the container's memory."""
OUTPUT: Final = "/dev/stdout"
"""What the replica writes is what `docker logs` shows."""
