"""The body of the upload form, taken as it comes: small fields in memory, the file to the disk, too much of neither."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from aicomp.host.wire import ApiError

MOST_FIELD_BYTES = 16_384
_MOST_PARTS = 20
_CHUNK = 2**20


@dataclass
class Posted:
    """What has come of a form.

    Attributes:
        fields: Its small fields, by name.
        file_name: What the browser calls the file, "" if there is none.
        size: Bytes of the file.
    """

    fields: dict[str, str] = field(default_factory=dict)
    file_name: str = ""
    size: int = 0


class _Form:
    """Callbacks of the parser: sorts the parts of a form into fields and the file."""

    def __init__(self, file: BinaryIO, most_bytes: int, before_file: Callable[[Mapping[str, str]], None]) -> None:
        self.posted = Posted()
        self.piece = bytearray()
        self._file = file
        self._most_bytes = most_bytes
        self._before_file = before_file
        self._n_parts = 0
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name = ""
        self._value: bytearray | None = None

    def flush(self) -> None:
        """Write what has gathered of the file."""
        self._file.write(self.piece)
        self.piece.clear()

    def on_part_begin(self) -> None:
        self._n_parts += 1
        self._disposition = b""
        if self._n_parts > _MOST_PARTS:
            raise ApiError(400, "The form has too many parts.")

    def on_header_begin(self) -> None:
        self._header = (bytearray(), bytearray())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            self._value = bytearray()
            return
        self._value = None
        if self.posted.file_name:
            raise ApiError(400, "Send one file at a time.")
        self._before_file(self.posted.fields)
        self.posted.file_name = options[b"filename"].decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._value is None:
            self.posted.size += end - start
            if self.posted.size > self._most_bytes:
                raise ApiError(413, f"The file has more than the {self._most_bytes:,} bytes that are allowed.")
            self.piece += data[start:end]
            return
        self._value += data[start:end]
        if len(self._value) > MOST_FIELD_BYTES:
            raise ApiError(400, f"The field {self._name[:50]} is too long.")

    def on_part_end(self) -> None:
        if self._value is not None:
            self.posted.fields[self._name] = self._value.decode("utf-8", "replace")


async def receive_form(
    header: str | None,
    body: AsyncIterator[bytes],
    path: Path,
    most_bytes: int,
    before_file: Callable[[Mapping[str, str]], None],
) -> Posted:
    """Take a multipart form with one file.

    Args:
        header: Content-Type.
        body: The body, in pieces.
        path: Where to write the file.
        most_bytes: Most bytes of the file.
        before_file: Told of the fields that came before the file, when it begins; raises `ApiError` to refuse it.

    Raises:
        ApiError: It is no such form (400), the file is too large (413), or `before_file` refuses.
    """
    content_type, options = parse_options_header(header)
    if content_type != b"multipart/form-data" or not options.get(b"boundary"):
        raise ApiError(400, "Send the file with the form on the Submissions tab.")
    with path.open("wb") as file:
        form = _Form(file, most_bytes, before_file)
        names = [name for name in dir(form) if name.startswith("on_")]
        parser = MultipartParser(options[b"boundary"], {name: getattr(form, name) for name in names})  # type: ignore[arg-type]
        try:
            async for chunk in body:
                parser.write(chunk)
                if len(form.piece) >= _CHUNK:
                    await run_in_threadpool(form.flush)
            parser.finalize()
        except MultipartParseError as e:
            raise ApiError(400, f"The form cannot be read: {e}") from e
        form.flush()
    return form.posted


async def drain(body: AsyncIterator[bytes], most_bytes: int) -> None:
    """Take in the rest of a refused body: a browser that is still sending shows no answer but a broken connection."""
    n_bytes = 0
    async for chunk in body:
        n_bytes += len(chunk)
        if n_bytes > most_bytes:
            return
