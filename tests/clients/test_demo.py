"""The demo, on a stack that only answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from clients import AttackClient, demo
from clients.background import RunningStack
from clients.cli import main
from tests.clients import fakes
from tests.clients.fakes import Service, answer, evaluation


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "zoo"
    folder.mkdir()
    monkeypatch.setattr(demo, "ZOO", folder)
    return folder


def test_it_leaves_the_report_and_says_how_long_it_took(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (zoo / "BoxingNoFrameskip-v4-standard.safetensors").write_bytes(b"weights")
    page = httpx.Response(200, html="<title>report</title>")
    service = Service(answer(evaluation(), 202), answer(evaluation("succeeded")), answer(fakes.report()), page)

    @contextmanager
    def running_stack(data: Path, *, workers: int) -> Iterator[RunningStack]:
        assert list(data.parent.glob("data/*")) == []
        yield RunningStack(fakes.URL, 1)

    monkeypatch.setattr(demo, "running_stack", running_stack)
    monkeypatch.setattr(demo, "AttackClient", lambda url: AttackClient(url, transport=httpx.MockTransport(service)))
    (tmp_path / "out" / "data" / "store").mkdir(parents=True)
    assert main(["demo", "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    out, err = capsys.readouterr()
    assert "Under ce it loses." in out
    assert "s in all" in err
    assert {"report.json", "report.html"} <= {path.name for path in (tmp_path / "out").iterdir()}
    spec = fakes.json_part(service.requests[0], "spec")
    assert spec == {"env": "BoxingNoFrameskip-v4", "seeds": 2, "episodes_per_seed": 1}


@pytest.mark.usefixtures("zoo")
def test_without_the_bundled_policy_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 2
    assert "needs the bundled policy" in capsys.readouterr().err
