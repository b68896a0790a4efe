"""What users takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.users.domain import MAX_EMAIL, MAX_NAME


class Credentials(BaseModel):
    """What a customer signs in with."""

    email: str = Field(min_length=3, max_length=MAX_EMAIL, examples=["ada@example.org"])
    password: str = Field(min_length=1, max_length=200, examples=["long-enough"])


class CustomerIn(BaseModel):
    """Who wants to become a customer."""

    email: str = Field(min_length=3, max_length=MAX_EMAIL, json_schema_extra={"format": "email"}, examples=["ada@example.org"])
    name: str = Field(min_length=1, max_length=MAX_NAME, examples=["Ada"])
    password: str = Field(min_length=8, max_length=200, examples=["long-enough"])


class CustomerOut(BaseModel):
    """A customer, as they are kept."""

    customer_id: int
    email: str
    name: str


class SignedIn(BaseModel):
    """Who that was."""

    customer_id: int
    name: str
