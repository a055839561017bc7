"""The application: routes, what errors look like, and the guard around it all."""

from __future__ import annotations

from importlib.resources import files

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from yett.approvals.errors import ApprovalError, NotEntitled, NotOpen, NotSigned, TooMany
from yett.console.api import Api
from yett.console.events import Events
from yett.console.guard import Guard
from yett.console.pages import Pages
from yett.console.plane import ConsolePlane
from yett.console.show import templates
from yett.model.errors import YettError

_STATUS: dict[type[ApprovalError], int] = {NotOpen: 409, NotSigned: 403, NotEntitled: 403, TooMany: 429}


def make_app(plane: ConsolePlane) -> Starlette:
    """The console of a control plane, for its site's origin only."""
    pages, api, events = Pages(plane, templates()), Api(plane), Events(plane)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, YettError)
        status = _status(error)
        if request.url.path.startswith("/api/"):
            code = error.code if isinstance(error, ApprovalError) else "unavailable"
            return JSONResponse({"error": error.what, "remedy": error.remedy, "code": code}, status)
        return pages.refusal(status, error.what, error.remedy)

    async def missing(request: Request, error: Exception) -> Response:
        return pages.refusal(404, "there is no such page", "go back to what waits")

    app = Starlette(
        routes=[
            Route("/", pages.home),
            Route("/holds/{id:str}", pages.hold),
            Route("/acts/{id:str}", pages.act),
            Route("/enrol", pages.enrol),
            Route("/ledger", pages.ledger),
            Route("/events", events.stream),
            Mount("/api", routes=_api_routes(api)),
            Mount("/static", StaticFiles(directory=str(files("yett.console") / "static"))),
        ],
        middleware=[Middleware(Guard, site=plane.desk.site)],
        exception_handlers={YettError: refused, 404: missing},
    )
    app.state.events = events
    return app


def _api_routes(api: Api) -> list[Route]:
    def post(path: str, endpoint: object) -> Route:
        return Route(path, endpoint, methods=["POST"])  # type: ignore[arg-type]  # a bound coroutine method

    return [
        post("/enrol/options", api.first_options),
        post("/enrol", api.first_key),
        post("/keys/options", api.key_options),
        post("/keys", api.propose_key),
        post("/keys/remove", api.propose_removal),
        Route("/holds", api.holds),
        Route("/holds/{id:str}", api.hold),
        post("/holds/{id:str}/options", api.hold_options),
        post("/holds/{id:str}/answer", api.answer),
        post("/holds/{id:str}/deny", api.deny),
        Route("/acts", api.acts),
        post("/acts/{id:str}/options", api.act_options),
        post("/acts/{id:str}/sign", api.sign),
        post("/acts/{id:str}/decline", api.decline),
        post("/lockdown", api.lock),
        post("/lockdown/lift", api.propose_unlock),
    ]


def _status(error: YettError) -> int:
    if isinstance(error, NotOpen) and error.code.startswith("unknown-"):
        return 404
    for kind, status in _STATUS.items():
        if isinstance(error, kind):
            return status
    return 400 if isinstance(error, ApprovalError) else 503
