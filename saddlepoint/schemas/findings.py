"""What a worker found out about an environment that the service cannot load itself."""

from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.problems import Problem


class EnvironmentFinding(Schema):
    """Exactly one of the two."""

    description: EnvironmentDescription | None = None
    problem: Problem | None = None
