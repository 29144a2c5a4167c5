"""The service, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from saddlepoint import __version__
from saddlepoint.queue import JobQueue
from saddlepoint.settings import Settings
from saddlepoint.store import Store
from service import problems
from service.audit import Audit
from service.auth import Authentication, check_bind
from service.bodies import BodyLimits, GuardedBodies
from service.context import make_context
from service.heads import Heads
from service.http_metrics import Measured
from service.openapi import Service
from service.rates import Rates
from service.routes import (
    attacks,
    audit,
    catalogues,
    comparisons,
    dashboard,
    evaluations,
    health,
    landscapes,
    leaderboard,
    metrics,
    pages,
    policies,
    sessions,
    trainings,
    webhooks,
)
from service.scopes import check_scope
from service.spool import sweep
from service.throttling import Throttle

DESCRIPTION = "How bad is a reinforcement-learning policy's worst case? Upload one, and read its robustness report."


def create_app(settings: Settings, store: Store, queue: JobQueue, *, limits: BodyLimits | None = None) -> FastAPI:
    """The HTTP service over a store and a queue. `limits` of bodies follow from the settings where not given."""
    context = make_context(settings, store, queue)
    rates = Rates.of(settings)
    check_bind(settings, context.ring)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sweep(context.spool)
        app.openapi()  # kept by the application, so that no reader waits for it
        yield
        await rates.aclose()

    app = Service(
        title="Saddlepoint",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"logs": False, "metrics": False, "operation_spans": False},
        redirect_slashes=False,
        dependencies=[Depends(check_scope)],
    )
    app.state.context = context
    problems.install(app)
    # The one added last is the outermost: bodies are guarded before anybody is asked for a key.
    app.add_middleware(Heads)
    app.add_middleware(Throttle, rates=rates, max_concurrent=settings.max_concurrent)
    app.add_middleware(Authentication, ring=context.ring, trust_network=settings.trust_network)
    app.add_middleware(Audit, store=context.store, refusals=context.metrics.refusals)
    app.add_middleware(GuardedBodies, limits=limits or BodyLimits(upload_bytes=settings.max_upload_bytes))
    app.add_middleware(Measured, metrics=context.metrics.http)
    for routes in (
        evaluations,
        policies,
        trainings,
        comparisons,
        leaderboard,
        attacks,
        landscapes,
        catalogues,
        audit,
        webhooks,
        health,
        metrics,
    ):
        app.include_router(routes.router)
    for shown in (dashboard, sessions, pages):
        app.include_router(shown.router)
    return app
