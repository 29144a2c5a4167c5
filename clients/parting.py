"""What to tell someone who stops waiting: that the work goes on, and how to come back to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parting:
    """The sentences, with the id of what goes on."""

    of_evaluation: str
    of_hardening: str

    def from_evaluation(self, evaluation_id: str) -> str:
        return self.of_evaluation.format(id=evaluation_id)

    def from_hardening(self, training_id: str) -> str:
        return self.of_hardening.format(id=training_id)


FROM_SERVICE = Parting(
    "The evaluation goes on. To come back to it, or to end it:\n  saddlepoint watch {id}\n  saddlepoint cancel {id}",
    "The service goes on with it, and the same command comes back to it. To follow the training, or to end it:\n"
    "  saddlepoint watch {id}\n  saddlepoint cancel {id}",
)
FROM_LOCAL = Parting(
    "The evaluation {id} goes on until the client is closed. The same call comes back to it; `client.cancel` ends it.",
    "The training {id} goes on until the client is closed. The same call comes back to it; `client.cancel_training` "
    "ends it.",
)
