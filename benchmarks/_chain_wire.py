"""What the three services of the chain say to each other, and the little work that each does: the same for both stacks."""

from typing import Final

from pydantic import BaseModel, Field

GATEWAY: Final = "gateway"
ORDERS: Final = "orders"
PAYMENTS: Final = "payments"


class Line(BaseModel):
    """So many of a dish."""

    dish_id: int
    quantity: int = Field(ge=1, le=20)


class Basket(BaseModel):
    """What a customer wants."""

    customer_id: int
    restaurant_id: int
    items: list[Line] = Field(min_length=1, max_length=50)


class Charge(BaseModel):
    """What orders asks of payments."""

    order_id: str
    amount_cents: int = Field(gt=0)


class Payment(BaseModel):
    """What payments answers."""

    payment_id: str
    status: str


class Order(BaseModel):
    """What orders answers, and the gateway after it."""

    order_id: str
    customer_id: int
    total_cents: int
    items: list[Line]
    payment: Payment


BASKET: Final = Basket(
    customer_id=17,
    restaurant_id=7,
    items=[Line(dish_id=71, quantity=2), Line(dish_id=74, quantity=1), Line(dish_id=75, quantity=3)],
)
ORDER_ID: Final = "5b7c2f1e-8d34-4a86-9f0b-3c1d2e4f5a60"


def charge_for(basket: Basket) -> Charge:
    """What a basket costs."""
    return Charge(order_id=ORDER_ID, amount_cents=sum(350 * line.quantity + line.dish_id for line in basket.items))


def paid(charge: Charge) -> Payment:
    """A payment that succeeded."""
    return Payment(payment_id=f"pay-{charge.order_id}", status="authorised")


def order_of(basket: Basket, charge: Charge, payment: Payment) -> Order:
    """An order that is paid."""
    return Order(
        order_id=charge.order_id,
        customer_id=basket.customer_id,
        total_cents=charge.amount_cents,
        items=basket.items,
        payment=payment,
    )
