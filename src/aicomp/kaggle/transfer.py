"""One file from a bucket, however often the line is cut."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from aicomp.errors import NetworkError
from aicomp.files import writing
from aicomp.kaggle import patience
from aicomp.kaggle.answers import Answer, read_answer, unsatisfied_total
from aicomp.kaggle.digest import GrowingDigest
from aicomp.kaggle.faults import Fault, fault_of, fault_of_status
from aicomp.kaggle.partial import Partial, Whole
from aicomp.kaggle.room import check_room

if TYPE_CHECKING:
    import requests

CHUNK = 2**20
"""Most bytes to take at once; what has come is taken at once, so that a cut loses nothing."""

MAX_ARRIVALS = 3
"""How often a file may arrive with a wrong checksum before it counts as failed."""

_ADDRESS_REFUSED = (400, 401, 403, 404, 410)  # buckets disagree on how to say that a signature has expired


class StoppedError(Exception):
    """Another part of the download failed; it never leaves this package."""


class Transfer:
    """Brings one file.

    Args:
        session: For signed addresses.
        sign: Asks for an address.
        partial: Where the bytes go; open.
        name: Name of the file, for messages.
        address: The first address, if it was asked for already.
        expected: Bytes that the file should have, None if that is not known.
        stop: Set when the download should end early.
        on_bytes: Told how many bytes have come; a negative number takes some back.
        algorithms: Checksums to compute.
    """

    def __init__(
        self,
        session: "requests.Session",
        sign: Callable[[], str],
        partial: Partial,
        name: str,
        *,
        address: str = "",
        expected: int | None = None,
        stop: threading.Event | None = None,
        on_bytes: Callable[[int], None] = lambda n: None,
        algorithms: tuple[str, ...] = ("sha256",),
    ) -> None:
        self._session = session
        self._sign = sign
        self._partial = partial
        self._name = name
        self._expected = expected
        self._stop = stop or threading.Event()
        self._on_bytes = on_bytes
        self._algorithms = algorithms
        self._address = address
        self._digest: GrowingDigest | None = None
        self.is_proven = False

    def run(self) -> dict[str, str]:
        """Bring the file to its end and return its checksums in hex, none if the line was too fast for them.

        `is_proven` then tells whether its length or a checksum shows it to be whole; else its content has to.

        Raises:
            NetworkError: The bucket fails, with no progress, as often as `patience.TRIES` says; or the file is not what
                it should be. What is here is kept for the next time.
            AicompError: The disk is full; what is here is kept.
            StoppedError: `stop` was set.
        """
        arrivals = 0
        try:
            while True:
                self._bring()
                arrivals += 1
                digests = self._digests()
                if not self._partial.whole.md5 or digests["md5"] == self._partial.whole.md5:
                    return digests
                self._address = ""
                self._begin(Whole())
                if arrivals == MAX_ARRIVALS:
                    raise NetworkError(
                        f"`{self._name}` arrived {arrivals} times, each time with another MD5 than the bucket says",
                        "something between here and there changes it; try another network",
                    )
        finally:
            self._drop_digest()

    def _bring(self) -> None:
        """Try until all bytes are here; each try that brings some starts the count anew."""
        best, failures = self._partial.size, 0
        while True:
            try:
                if self._attempt():
                    return
                fault = None
            except Fault as e:
                fault = e
            failures = 0 if self._partial.size > best else failures + 1
            best = max(best, self._partial.size)
            if fault is None and failures == 0:
                continue  # the bucket sent a part of what was asked for
            fault = fault or Fault(0, "the bucket sends nothing")
            if failures >= patience.TRIES or fault.retry_after > patience.LONGEST_PAUSE:
                self._partial.record()
                raise self._failed(fault)
            self._pause(fault.retry_after or patience.pause_before(max(2, failures + 1)))

    def _attempt(self) -> bool:
        """One request; returns whether the file is whole."""
        partial = self._partial
        if partial.size and not partial.whole.validator:
            self._begin(Whole())  # nothing can tell whether the rest would belong to it
        if partial.whole.total is not None and partial.size == partial.whole.total:
            self.is_proven = True
            return True
        if not self._address:
            self._address = self._sign()
        with self._get() as response:
            answer = self._accept(response)
            return answer is not None and self._receive(response, answer)

    def _get(self) -> "requests.Response":
        import requests

        headers = {"Accept-Encoding": "identity"}
        if self._partial.size:
            headers |= {"Range": f"bytes={self._partial.size}-", "If-Range": self._partial.whole.validator}
        try:
            return self._session.get(self._address, headers=headers, stream=True, allow_redirects=False)
        except requests.exceptions.RequestException as e:
            raise fault_of(e) from None

    def _accept(self, response: "requests.Response") -> Answer | None:
        """Compare an answer with what is here; None if the next try has to begin anew."""
        partial, status = self._partial, response.status_code
        if status == 416 and partial.size:
            if unsatisfied_total(response) == partial.size and partial.whole.total is None:
                partial.whole = replace(partial.whole, total=partial.size)
            else:
                self._begin(Whole())
            return None
        if status not in (200, 206):
            if status in _ADDRESS_REFUSED:
                self._address = ""
            raise fault_of_status(response)
        answer = read_answer(response)
        if status == 200:
            self._check_size(answer.whole.total)
            self._begin(answer.whole)
            return answer
        whole, here = answer.whole, partial.whole
        if not partial.size or answer.start != partial.size or _differ(whole, here):
            self._begin(Whole())
            return None
        total = here.total if whole.total is None else whole.total
        self._check_size(total)
        if whole.md5 and not here.md5:
            self._drop_digest()
        partial.whole = replace(here, total=total, md5=here.md5 or whole.md5)
        return answer

    def _check_size(self, total: int | None) -> None:
        if total is None:
            return
        if self._expected is not None and total != self._expected:
            raise NetworkError(
                f"the bucket has {total:,} bytes of `{self._name}`, the list of files says {self._expected:,}",
                "it may just be replaced by a new one: try again in a while",
            )
        check_room(self._partial.path, total - self._partial.size)

    def _receive(self, response: "requests.Response", answer: Answer) -> bool:
        """Take the bytes of an answer; returns whether the file is whole."""
        partial, digest, should = self._partial, self._follow(), self._should_be
        while should is None or partial.size <= should:
            data = patience.once(lambda: response.raw.read1(CHUNK, decode_content=False))
            if self._stop.is_set():
                raise StoppedError
            if not data:
                break
            partial.append(data)
            self._on_bytes(len(data))
            if digest is not None:
                digest.advance(partial.size)
        return self._is_whole(answer)

    @property
    def _should_be(self) -> int | None:
        total = self._partial.whole.total
        return self._expected if total is None else total

    def _is_whole(self, answer: Answer) -> bool:
        """Judge the end of a body by its length, or say what is wrong with it."""
        size, should = self._partial.size, self._should_be
        if should is not None and size > should:
            self._begin(Whole())
            raise Fault(0, f"the bucket sends more than {should:,} bytes")
        if should is not None and size < should:
            if self._partial.whole.total is not None:
                return False
            raise Fault(0, f"the connection ended after {size:,} of {should:,} bytes")
        self.is_proven = should is not None or answer.is_delimited or bool(self._partial.whole.md5)
        return True

    def _begin(self, whole: Whole) -> None:
        self._drop_digest()
        self._on_bytes(-self._partial.size)
        self._partial.begin(whole)

    def _follow(self) -> GrowingDigest | None:
        """The checksums of what is here, which grow with it; None if none are wanted."""
        partial, required = self._partial, ("md5",) if self._partial.whole.md5 else ()
        if self._digest is None and (required or self._algorithms):
            self._digest = GrowingDigest(partial.path, required, self._algorithms, partial.size)
        return self._digest

    def _digests(self) -> dict[str, str]:
        digest = self._follow()
        if digest is None:
            return {}
        with writing(self._partial.path):
            return digest.result()

    def _drop_digest(self) -> None:
        if self._digest is not None:
            self._digest.stop()
            self._digest = None

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError

    def _failed(self, fault: Fault) -> NetworkError:
        answers = f"the bucket answers {fault.status}: " if fault.status else ""
        return NetworkError(
            f"`{self._name}` was not downloaded: {answers}{fault.message}",
            f"run the same command again; the {self._partial.size:,} bytes that are here are kept",
        )


def _differ(new: Whole, old: Whole) -> bool:
    """Whether two descriptions cannot be of the same whole."""
    pairs = ((new.etag, old.etag), (new.total, old.total), (new.md5, old.md5))
    return any(a not in ("", None) and b not in ("", None) and a != b for a, b in pairs)
