"""What users takes and gives over the wire."""

from pydantic import BaseModel, Field


class Credentials(BaseModel):
    """What a customer signs in with."""

    email: str = Field(min_length=3, max_length=200)
    password: str = Field(min_length=1, max_length=200)


class SignedIn(BaseModel):
    """Who that was."""

    customer_id: int
    name: str
