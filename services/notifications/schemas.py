"""What notifications takes and gives over the wire."""

from pydantic import BaseModel, Field


class NotificationIn(BaseModel):
    """What to tell whom."""

    customer_id: int = Field(ge=1)
    text: str = Field(min_length=1, max_length=500)


class NotificationOut(BaseModel):
    """What somebody was told."""

    order_id: str
    kind: str
    text: str
    created_at: float = Field(description="Unix time, seconds")


class Inbox(BaseModel):
    """A customer's latest notifications, newest first."""

    notifications: list[NotificationOut]
