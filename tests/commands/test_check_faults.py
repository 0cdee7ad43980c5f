"""`check` on a connection that breaks: the errors of `ping`, and of what it asks afterwards."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from backend.commands.check import check
from backend.errors import ConnectError, ConnectionLostError
from tests.support.wire import WireProxy
from tests.support.wire.faults import ArmedFault, Cut, Fault, Step


@pytest.fixture
def own_url(clean: Engine, proxy: WireProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", proxy.url)
    monkeypatch.setenv("CONNECT_RETRY_S", "0")


@pytest.fixture
def cut_after_use(proxy: WireProxy) -> Iterator[None]:
    """The first connection breaks as it goes back to its pool, and no other is made."""
    armed: list[ArmedFault] = []

    def cut(_connection: object, _record: object) -> None:
        armed.append(proxy.fault(Fault("connect", Cut(), times=1000)))
        proxy.cut_all()

    event.listen(Pool, "checkin", cut, once=True)
    yield
    with armed[0]:
        assert armed[0].fired


@pytest.mark.parametrize("step", ["before_statement", "within_answer"])
@pytest.mark.parametrize(
    "asked", ["::INTEGER AS anon_1", "current_setting", "pg_class"], ids=["ping", "version", "tables"]
)
def test_a_check_that_is_cut_lost_its_connection(own_url: None, proxy: WireProxy, asked: str, step: Step) -> None:
    with proxy.fault(Fault(step, Cut(), asked)) as armed, pytest.raises(ConnectionLostError) as raised:
        check()
    assert armed.fired == 1
    assert raised.value.outcome == "not_applied"


@pytest.mark.parametrize("asked", ["pg_index", "pg_attribute", "contype"], ids=["indexes", "columns", "constraints"])
def test_a_check_of_an_application_that_is_cut_lost_its_connection(own_url: None, proxy: WireProxy, asked: str) -> None:
    with proxy.fault(Fault("within_answer", Cut(), asked)) as armed, pytest.raises(ConnectionLostError) as raised:
        check(models=["backend.tasks"])
    assert armed.fired == 1
    assert raised.value.outcome == "not_applied"


def test_a_check_that_cannot_connect_again_says_so(own_url: None, cut_after_use: None) -> None:
    with pytest.raises(ConnectError):
        check()
