"""An imitation of Neon, on the server of this run: TLS, SCRAM, two host names, suspends, wakes and refusals.

What it says are the texts of Neon's documentation and of its proxy's source. The host names lead to this machine by
`hostaddr=`, so that certificates are verified against names and nothing is looked up.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from typing_extensions import override

from tests.support.wire import WireProxy
from tests.support.wire.faults import Delay, Fault, Refuse
from tests.support.wire.tls import Certificates

REGION: Final = "eu-central-1.aws.neon.tech"
DIRECT: Final = f"ep-quiet-moon-a1b2c3d4.{REGION}"
POOLED: Final = f"ep-quiet-moon-a1b2c3d4-pooler.{REGION}"
PASSWORD: Final = "npg_s3cret"  # noqa: S105 - of the imitation

NO_COMPUTE: Final = Refuse("XX000", "Couldn't connect to compute node")
IDLE: Final = Refuse("XX000", "Control plane request failed: endpoint is idle, retry request")


class Neon(WireProxy):
    """A project with one compute, awake. Its address is the pooled one, as the console shows it."""

    def __init__(
        self, upstream: Path | tuple[str, int], folder: Path, certificates: Certificates | None = None
    ) -> None:
        self.certificates = certificates or Certificates([f"*.{REGION}"])
        self.authority = self.certificates.write_authority(folder / "authority.pem")
        """The file of the authority that signed its certificate."""
        self.is_kept_awake = False
        """Whether nobody is to suspend it at random."""
        super().__init__(upstream, certificates=self.certificates, password=PASSWORD)

    @property
    @override
    def url(self) -> str:
        """Its URL, verified as far as can be."""
        return self.url_of()

    @property
    @override
    def tcp_url(self) -> str:
        return self.url

    def url_of(self, host: str = POOLED, *, password: str = PASSWORD, **options: str) -> str:
        """The URL of a host, in the console's form and with these options instead of or beside the usual ones."""
        usual = {
            "hostaddr": "127.0.0.1",
            "port": str(self.port),
            "sslmode": "verify-full",
            "sslrootcert": str(self.authority),
            "channel_binding": "require",
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (usual | options).items() if value)
        return f"postgresql+psycopg://postgres:{password}@{host}/postgres?{query}"

    def suspend(self, how: Literal["57P01", "closed"] = "57P01") -> int:
        """Suspends the compute: every idle client is sent 57P01, or its connection is just closed; returns how many."""
        return self.kill_all() if how == "57P01" else self.cut_all()

    @contextmanager
    def waking(self, refusal: Refuse = NO_COMPUTE, *, times: int = 0, delay_s: float = 0.0) -> Generator[None]:
        """Refuses the next connects, and lets the one after them wait, as a compute does that wakes."""
        with ExitStack() as faults:
            if times:
                faults.enter_context(self.fault(Fault("connect", refusal, times=times)))
            if delay_s:
                faults.enter_context(self.fault(Fault("connect", Delay(delay_s))))
            yield
