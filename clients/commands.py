"""What each command does: one call of the client, and its result written out."""

import webbrowser
from argparse import Namespace
from collections.abc import Callable
from typing import Any, cast

from clients.cards import card_text
from clients.comparison import ComparisonReport
from clients.connection import Connection
from clients.console import Console
from clients.doctor import doctor
from clients.gate_command import check_files, judged, write_verdict
from clients.given import environment, specification, training_fields
from clients.groups import GroupsReport
from clients.hardened import save_model
from clients.keys import keys
from clients.parting import FROM_SERVICE
from clients.report import Report, writable_folder
from clients.requests import AttackFields, ExtensionFields, LandscapeFields
from clients.sync import AttackClient
from clients.tables import boards_text
from clients.watched import Evaluation, Training
from saddlepoint.errors import InvalidRequest, NotFound

Command = Callable[[Namespace, Console], None]


def connect(url: str | None, api_key: str | None) -> AttackClient:
    return AttackClient(url, api_key)


def _client(options: Namespace) -> AttackClient:
    return connect(options.url, options.api_key)


def evaluate(options: Namespace, console: Console) -> None:
    """Evaluate, wait, and write the report; an interrupt leaves the evaluation running."""
    _check_out(options)
    with _client(options) as client:
        report = client.robustness_report(
            options.file,
            env=environment(options),
            card=options.card,
            vecnormalize=options.vecnormalize,
            webhook=options.webhook,
            **specification(options),
        )
    _write_report(report, options, console)


def gate(options: Namespace, console: Console) -> None:
    """Judge a policy or an evaluation and write what is asked for. Raises GateFailed after that."""
    check_files(options)
    with _client(options) as client:
        gated = judged(client, options)
    write_verdict(gated, options, console)


def extend(options: Namespace, console: Console) -> None:
    """Add to an evaluation, wait, and write the report of the larger one."""
    _check_out(options)
    given: dict[str, Any] = {
        "epsilon": options.epsilon,
        "attacks": options.attacks,
        "seeds": options.seeds,
        "episodes_per_seed": options.episodes,
    }
    more = cast(ExtensionFields, {name: value for name, value in given.items() if value is not None})
    with _client(options) as client:
        evaluation = client.extend(options.id, webhook=options.webhook, **more)
        _await_evaluation(client, evaluation, console)
        _write_report(client.report(evaluation), options, console)


def _await_evaluation(client: AttackClient, evaluation: Evaluation, console: Console) -> None:
    """Wait for its end; an interrupt leaves it running."""
    try:
        client.wait(evaluation)
    except KeyboardInterrupt:
        console.say(FROM_SERVICE.from_evaluation(evaluation.id))
        raise


def watch(options: Namespace, console: Console) -> None:
    """Follow a job to its end: an evaluation to its report, a training to its policy."""
    _check_out(options)
    with _client(options) as client:
        try:
            evaluation = client.evaluation(options.id)
        except NotFound:
            _write_training(client, client.wait(_neither(client.training, options.id)), options, console)
            return
        _await_evaluation(client, evaluation, console)
        _write_report(client.report(evaluation), options, console)


def _write_training(client: AttackClient, training: Training, options: Namespace, console: Console) -> None:
    """The policy's id, where its evaluation goes on and, in a folder, the policy and the report of the training."""
    console.data(training, str(training.policy_id))
    for part in ("parent_evaluation", "evaluation", "comparison"):
        if part in training.links:
            console.say(f"{part.replace('_', ' ')}: {training.links[part]}")
    if options.out is not None:
        folder = client.training_report(training).save(options.out)
        console.say(f"Saved to {save_model(client.model(str(training.policy_id)), folder)}")


def _neither(call: Callable[[str], Training], job_id: str) -> Training:
    """What `call` makes of a job that is no evaluation. Raises NotFound where it is no training either."""
    try:
        return call(job_id)
    except NotFound as error:
        raise NotFound(
            f"You have no evaluation or training {job_id}; `saddlepoint evaluations` lists what there is."
        ) from error


def open_page(options: Namespace, console: Console) -> None:
    """Write the address of a job's page, and open it where there is a browser."""
    page = f"evaluations/{options.id}"
    with _client(options) as client:
        try:
            client.evaluation(options.id)
        except NotFound:
            page = f"trainings/{_neither(client.training, options.id).id}"
    url = f"{Connection.of(options.url, None).url}/{page}"
    console.data({"url": url}, url)
    if not webbrowser.open(url):
        console.say("There is no browser here to open it in.")


def cancel(options: Namespace, console: Console) -> None:
    """End a job."""
    with _client(options) as client:
        try:
            job: Any = client.cancel(options.id)
        except NotFound:
            job = _neither(client.cancel_training, options.id)
    console.data(job, f"{job.id} {job.status}")


def inspect(options: Namespace, console: Console) -> None:
    """Upload a policy and write its card."""
    with _client(options) as client:
        card = client.upload(options.file, options.card, options.vecnormalize)
    console.data(card, card_text(card))


def attack(options: Namespace, console: Console) -> None:
    """Attack observations and write what comes of them."""
    given = {name: getattr(options, name) for name in _ATTACK_OPTIONS}
    fields = cast(AttackFields, {name: value for name, value in given.items() if value is not None})
    with _client(options) as client:
        attacked = client.attack(
            options.file,
            options.observations,
            kind=options.kind,
            epsilon=options.epsilon,
            card=options.card,
            vecnormalize=options.vecnormalize,
            webhook=options.webhook,
            **fields,
        )
    attacked.save(options.out)
    console.data(attacked.summary, attacked.text())
    console.say(f"Saved to {options.out}")


def landscape(options: Namespace, console: Console) -> None:
    """Look at how far apart perturbed policies are, and write the numbers and the page."""
    _check_out(options)
    given = {name: getattr(options, name) for name in _LANDSCAPE_OPTIONS}
    fields = cast(LandscapeFields, {name: value for name, value in given.items() if value is not None})
    with _client(options) as client:
        console.say("The landscape goes on if you leave; the same command comes back to it.")
        found = client.landscape(options.files, env=options.env, webhook=options.webhook, **fields)
    console.data(found.summary, found.table())
    if options.out is not None:
        console.say(f"Saved to {found.save(options.out)}")


_LANDSCAPE_OPTIONS = ("epsilon", "states", "starts", "steps", "step_size", "seed", "figure5_states")
_ATTACK_OPTIONS = ("steps", "step_size", "norm", "restarts", "seed", "low", "high")


def train(options: Namespace, console: Console) -> None:
    """Train and write the published policy's id; an interrupt leaves the training running."""
    _check_out(options)
    wanted = training_fields(options)
    if options.epsilon is not None:
        wanted["config"] = {"epsilon": options.epsilon, **wanted["config"]}
    with _client(options) as client:
        training = client.train(
            options.policy,
            env=environment(options),
            card=options.card,
            vecnormalize=options.vecnormalize,
            webhook=options.webhook,
            **wanted,
        )
        console.say(f"training {training.id}; come back to it with `saddlepoint watch {training.id}`")
        _write_training(client, client.wait(training), options, console)


def harden(options: Namespace, console: Console) -> None:
    """Audit, train, audit again, compare, and write the comparison; an interrupt leaves it running."""
    _check_out(options)
    wanted = training_fields(options)
    with _client(options) as client:
        hardened = client.harden(
            options.file,
            env=environment(options),
            method=options.method,
            config=wanted["config"],
            seed=options.seed,
            name=options.name,
            card=options.card,
            vecnormalize=options.vecnormalize,
            webhook=options.webhook,
            **specification(options),
        )
    console.guesses(hardened.parent.policy.get("guesses", []))
    console.data(hardened.comparison, hardened.table())
    console.say(f"policy {hardened.policy_id}")
    if options.out is not None:
        console.say(f"Saved to {hardened.save(options.out)}")


def compare(options: Namespace, console: Console) -> None:
    """Compare evaluations, and write the table."""
    _check_out(options)
    with _client(options) as client:
        found = _compared(client, options.sides, options.webhook)
    console.data(found, found.table())
    if options.out is not None:
        console.say(f"Saved to {found.save(options.out)}")


def _compared(
    client: AttackClient, sides: list[tuple[str, list[str]]], webhook: str | None
) -> ComparisonReport | GroupsReport:
    """Two sides without a name, or any number of named ones. Raises InvalidRequest."""
    named = dict(sides)
    if not any(named) and len(sides) == 2:
        return client.compare(*(ids for _, ids in sides), webhook=webhook)
    if "" in named or len(named) < max(2, len(sides)):
        raise InvalidRequest(
            "Compare two evaluations, A B, or two and more methods by different names, standard=A1,A2 atpa=B1,B2."
        )
    return client.compare(groups=named, webhook=webhook)


def leaderboard(options: Namespace, console: Console) -> None:
    """Write the best of each board."""
    with _client(options) as client:
        boards = client.leaderboard(options.env, top=options.top)
    console.data(boards, boards_text(boards))


def _list(fetch: Callable[[AttackClient], list[Any]], *columns: str) -> Command:
    def command(options: Namespace, console: Console) -> None:
        with _client(options) as client:
            console.rows(fetch(client), columns)

    return command


def up(options: Namespace, console: Console) -> None:
    """Run the stack until it is told to end."""
    from clients.premises import default_workers
    from clients.up import UpOptions, run_up

    run_up(
        UpOptions(data=options.data, workers=options.workers or default_workers(), port=options.port),
        announce=lambda url: console.show(f"Saddlepoint is ready at {url}"),
        say=console.say,
    )


def demo(options: Namespace, console: Console) -> None:
    """Evaluate the bundled policy on a stack of its own."""
    from clients.demo import run_demo
    from clients.premises import default_workers

    run_demo(options.out, options.workers or default_workers(), console)


def completion(options: Namespace, console: Console) -> None:
    """Write the script that a shell reads."""
    from clients.completion import script

    console.show(script(options.shell))


def _check_out(options: Namespace) -> None:
    """Before the wait, not after it, is the time to say that the report has nowhere to go."""
    if options.out is not None:
        writable_folder(options.out)


def _write_report(report: Report, options: Namespace, console: Console) -> None:
    console.guesses(report.policy.get("guesses", []))
    console.data(report, report.table(console.width))
    if options.out is not None:
        console.say(f"Saved to {report.save(options.out)}")


COMMANDS: dict[str, Command] = {
    "evaluate": evaluate,
    "gate": gate,
    "extend": extend,
    "watch": watch,
    "open": open_page,
    "cancel": cancel,
    "inspect": inspect,
    "attack": attack,
    "landscape": landscape,
    "train": train,
    "harden": harden,
    "compare": compare,
    "leaderboard": leaderboard,
    "attacks": _list(AttackClient.attacks, "kind", "title", "summary", "source"),
    "defenses": _list(AttackClient.defenses, "method", "title", "summary", "source"),
    "environments": _list(AttackClient.environments, "id", "observation_shape", "actions", "sticky"),
    "evaluations": _list(AttackClient.evaluations, "id", "status", "created_at", "policy_id"),
    "policies": _list(AttackClient.policies, "id", "created_at", "format", "architecture", "name"),
    "trainings": _list(AttackClient.trainings, "id", "status", "created_at", "policy_id"),
    "keys": keys,
    "doctor": doctor,
    "up": up,
    "demo": demo,
    "completion": completion,
}
