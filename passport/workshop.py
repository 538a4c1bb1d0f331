"""Run `passport.images` on an upload: a short-lived process for each, a few at once, never on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from passport.errors import (
    InternalError,
    PictureTooLarge,
    TooManyUploads,
    UnreadablePicture,
    UnsupportedPicture,
)
from passport.image_limits import Outcome

log = logging.getLogger("wxpassport.workshop")

AT_ONCE = 2
# The wait for a place included. The process itself is held to CPU_SECONDS by the system, whatever else goes on.
DEADLINE = 20.0
_ROOT = Path(__file__).resolve().parent.parent
_PROGRAM = (sys.executable, "-P", "-m", "passport.images")
_TOO_MANY_PIXELS = "The picture has more than 25 million pixels."
_TOO_MUCH_WORK = "The picture takes too much work to decode."
_PASSED_ON = ("PATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Workshop:
    """Where pictures are made.

    Args:
        at_once: how many processes.
        deadline: seconds for one picture, the wait for a place included.
    """

    def __init__(self, *, at_once: int = AT_ONCE, deadline: float = DEADLINE) -> None:
        self._places, self._deadline = asyncio.Semaphore(at_once), deadline

    async def avatar(self, upload: bytes) -> bytes:
        """The JPEG.

        Raises:
            UnsupportedPicture, PictureTooLarge, UnreadablePicture: there is none to be had.
            TooManyUploads: not in time.
        """
        try:
            async with asyncio.timeout(self._deadline), self._places:
                status, output, errors = await run(upload)
        except TimeoutError as error:
            raise TooManyUploads from error
        if status == Outcome.DONE and output:
            return output
        raise refusal_of(status, errors)


async def run(upload: bytes) -> tuple[int, bytes, bytes]:
    """Exit status, output and errors of one process, which is gone when this returns or is cancelled."""
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    try:
        output, errors = await process.communicate(upload)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, output, errors


def _environment() -> dict[str, str]:
    # Not ours as it is: that holds secret_key and AppSecrets, and a decoder may be made to read its memory out.
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def refusal_of(status: int, errors: bytes) -> Exception:
    """What the exit status means to whoever uploaded the picture; its death of a decoder's fault counts as damage."""
    match status:
        case Outcome.UNSUPPORTED:
            return UnsupportedPicture()
        case Outcome.TOO_LARGE:
            return PictureTooLarge(_TOO_MANY_PIXELS)
        case Outcome.UNREADABLE:
            return UnreadablePicture()
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return PictureTooLarge(_TOO_MUCH_WORK)
    if status < 0:
        log.warning("a decoder crashed", extra={"signal": -status})
        return UnreadablePicture()
    log.error(
        "passport.images does not run",
        extra={"exit_status": status, "errors": errors[-500:].decode(errors="replace")},
    )
    return InternalError()
