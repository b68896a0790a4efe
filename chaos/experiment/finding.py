"""What all parts of a result have in common."""

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """Never changes, and has no field that is not described."""

    model_config = ConfigDict(frozen=True, extra="forbid")
