"""A customer looks through the restaurants and opens one menu."""

from loadtests.journeys.journey import Journey, Request, Visit, read_ids


def _run(visit: Visit) -> None:
    restaurants = visit.ask(Request("list", "GET", "/v1/restaurants?limit=20"), lambda body: read_ids(body, "restaurants"))
    chosen = visit.random.choice(restaurants)
    visit.ask(Request("menu", "GET", f"/v1/restaurants/{chosen}/menu"), lambda body: read_ids(body, "dishes"))


BROWSE = Journey("browse", ("list", "menu"), _run)
