"""The web server's application; `python -m web.server` serves it."""

import logging

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

import settings
from database import SchemaRefused
from web import api
from web.compression import Compressed
from web.desk import cases, front, landing, page, proofs, stop, task
from web.hr import pages as console
from web.security import Guard, refused

log = logging.getLogger(__name__)


def create_app() -> FastAPI:
    """Build the application; paths hold tokens, so the server's own access log is silenced whatever its settings."""
    access = logging.getLogger("uvicorn.access")
    access.disabled = True
    access.addFilter(_nothing)  # a server that configures its loggers after this enables them again
    app = FastAPI(title="Appraisal", docs_url=None, redoc_url=None, openapi_url=f"{api.BASE}/openapi.json")
    app.router.redirect_slashes = False
    app.router.routes.extend(
        [
            *front.ROUTES,
            *stop.ROUTES,
            *landing.ROUTES,
            *page.ROUTES,
            *task.ROUTES,
            *proofs.ROUTES,
            *cases.ROUTES,
            *console.ROUTES,
        ]
    )
    api.add_to(app)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(SchemaRefused, _under_maintenance)
    app.add_middleware(Compressed)
    app.add_middleware(Guard, base_url=settings.load().base_url)
    return app


def _nothing(_record: logging.LogRecord) -> bool:
    return False


async def _under_maintenance(request: Request, error: Exception) -> Response:
    """The tables are of another version: ops are at work, or should be."""
    log.error("%s", error)
    return await _refused(request, HTTPException(503, headers={"Retry-After": "300"}))


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method", 503: "maintenance"}.get(status, "bad_request" if status < 500 else "error")
    response = refused(request.scope, status, code)
    response.headers.update(getattr(error, "headers", None) or {})
    return response
