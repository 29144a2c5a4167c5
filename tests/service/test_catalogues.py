import pytest

from saddlepoint.schemas.attacks import ATTACKS, AttackDescription
from saddlepoint.schemas.trainings import DEFENSES, DefenseDescription
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio


async def test_attacks_come_with_the_schema_of_their_parameters(bench: Bench) -> None:
    body = (await bench.api.get("/v1/attacks")).json()
    assert [AttackDescription(**item) for item in body["items"]] == list(ATTACKS.values())
    assert body["parameters"]["properties"]["steps"]["anyOf"][0]["maximum"] == 1000


async def test_defenses_come_with_the_schema_of_a_training(bench: Bench) -> None:
    body = (await bench.api.get("/v1/defenses")).json()
    assert [DefenseDescription(**item) for item in body["items"]] == list(DEFENSES.values())
    assert "learning_rate" in body["config"]["properties"]


async def test_every_game_is_listed_in_both_protocols(bench: Bench) -> None:
    body = (await bench.api.get("/v1/environments")).json()
    items = body["items"]
    assert {item["action_kind"] for item in items} == {"discrete"}
    assert "Discrete or Box actions" in body["others"]
    assert len(items) == 2 * 104
    boxing = {item["id"]: item for item in items}["ALE/Boxing-v5"]
    assert (boxing["actions"], boxing["sticky"], boxing["observation_shape"]) == (18, 0.25, [4, 84, 84])


async def test_a_catalogue_has_a_tag(bench: Bench) -> None:
    tag = (await bench.api.get("/v1/attacks")).headers["etag"]
    assert (await bench.api.get("/v1/attacks", headers={"If-None-Match": tag})).status_code == 304
