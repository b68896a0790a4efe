"""Routes of restaurants."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from services.kit.errors import NotFoundError, RefusedError
from services.kit.internal import require_internal_token
from services.restaurants.domain import BasketRefusedError, Line, total_cents
from services.restaurants.schemas import Basket, Menu, Quote, RestaurantPage
from services.restaurants.store import RestaurantStore

router = APIRouter(prefix="/internal", dependencies=[Depends(require_internal_token)], tags=["restaurants"])
MAX_PAGE = 100
RestaurantId = Annotated[int, Path(ge=1, le=10**9)]


def _store(request: Request) -> RestaurantStore:
    store: RestaurantStore = request.app.state.service
    return store


@router.get("/restaurants")
async def list_restaurants(
    request: Request, after: Annotated[int, Query(ge=0, le=10**9)] = 0, limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20
) -> RestaurantPage:
    """A page of restaurants."""
    found = await _store(request).page(after, limit + 1)
    return RestaurantPage(restaurants=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@router.get("/restaurants/{restaurant_id}/menu")
async def menu(restaurant_id: RestaurantId, request: Request) -> Menu:
    """A restaurant and its dishes."""
    restaurant = await _store(request).restaurant(restaurant_id)
    if restaurant is None:
        raise NotFoundError(f"restaurant {restaurant_id} does not exist")
    return Menu(restaurant=restaurant, dishes=await _store(request).menu(restaurant_id))


@router.post("/quotes")
async def quote(basket: Basket, request: Request) -> Quote:
    """Whether the restaurant can make a basket, and what it costs. Changes nothing."""
    dishes = await _store(request).menu(basket.restaurant_id)
    if not dishes:
        raise NotFoundError(f"restaurant {basket.restaurant_id} does not exist")
    lines = tuple(Line(item.dish_id, item.quantity) for item in basket.items)
    try:
        return Quote(total_cents=total_cents({dish.id: dish.price_cents for dish in dishes}, lines))
    except BasketRefusedError as error:
        raise RefusedError(str(error)) from None
