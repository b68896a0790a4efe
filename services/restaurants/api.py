"""Routes of restaurants. A reservation may be repeated: the order's id is the key."""

from typing import Annotated

from fastapi import Path, Query, Request

from services.kit.errors import ConflictError, NotFoundError, RefusedError
from services.kit.internal import internal_router
from services.kit.problems import problems
from services.restaurants.domain import BasketRefusedError, ReservationRefusedError, RestaurantUnknownError
from services.restaurants.kitchens import Kitchens
from services.restaurants.schemas import MAX_ID, Basket, Menu, PopularDishes, ReservationOut, RestaurantPage

router = internal_router("restaurants")
MAX_PAGE = 100
MAX_POPULAR = 50
RestaurantId = Annotated[int, Path(ge=1, le=MAX_ID, examples=[7])]
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", examples=["5b7c2f1e-8d34-4a86-9f0b-3c1d2e4f5a60"])]


def _kitchens(request: Request) -> Kitchens:
    kitchens: Kitchens = request.app.state.service
    return kitchens


@router.get("/restaurants")
async def list_restaurants(
    request: Request, after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0, limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20
) -> RestaurantPage:
    """A page of restaurants."""
    found = await _kitchens(request).restaurants.page(after, limit + 1)
    return RestaurantPage(restaurants=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@router.get("/restaurants/{restaurant_id}/menu", responses=problems(NotFoundError.status))
async def menu(restaurant_id: RestaurantId, request: Request) -> Menu:
    """A restaurant and its dishes."""
    found = await _kitchens(request).restaurants.menu(restaurant_id)
    if found is None:
        raise NotFoundError(f"restaurant {restaurant_id} does not exist")
    return found


@router.get("/dishes/popular")
async def popular_dishes(request: Request, limit: Annotated[int, Query(ge=1, le=MAX_POPULAR)] = 10) -> PopularDishes:
    """What customers order most, as far as its events have arrived."""
    return PopularDishes(dishes=await _kitchens(request).popular.top(limit))


@router.put("/reservations/{order_id}", responses=problems(NotFoundError.status, ConflictError.status))
async def reserve(order_id: OrderId, body: Basket, request: Request) -> ReservationOut:
    """Keeps the portions of a basket for an order, all of them or none."""
    try:
        made = await _kitchens(request).reservations.reserve(order_id, body.restaurant_id, body.lines())
    except RestaurantUnknownError as error:
        raise NotFoundError(str(error)) from None
    except BasketRefusedError as error:
        raise RefusedError(str(error)) from None
    except ReservationRefusedError as error:
        raise ConflictError(str(error)) from None
    return ReservationOut(order_id=made.order_id, state=made.state, total_cents=made.total_cents)


@router.delete("/reservations/{order_id}", status_code=204)
async def release(order_id: OrderId, request: Request) -> None:
    """Gives an order's portions back, or makes sure that it never gets any."""
    await _kitchens(request).reservations.release(order_id)
