"""How much of what is being uploaded may be in memory at once."""

from __future__ import annotations

from passport.errors import TooManyUploads, UploadUnderWay

ROOM = 48 * 1024 * 1024


class UploadRoom:
    """Bytes of all uploads that this process holds. They count as they arrive, so a slow upload takes little.

    Args:
        size: in bytes.
    """

    def __init__(self, size: int = ROOM) -> None:
        self._free = size
        self._holders: set[str] = set()

    @property
    def uploads(self) -> int:
        """How many there are."""
        return len(self._holders)

    def enter(self, user_id: str) -> Upload:
        """One upload. Raises UploadUnderWay when the user has one: nobody fills the room alone."""
        if user_id in self._holders:
            raise UploadUnderWay
        self._holders.add(user_id)
        return Upload(self, user_id)

    def take(self, size: int) -> None:
        """Raises TooManyUploads when there is no room for so much."""
        if size > self._free:
            raise TooManyUploads
        self._free -= size

    def leave(self, user_id: str, size: int) -> None:
        """The upload is no longer in memory."""
        self._holders.remove(user_id)
        self._free += size


class Upload:
    """One upload's part of the room."""

    def __init__(self, room: UploadRoom, user_id: str) -> None:
        self._room, self._user_id = room, user_id
        self._size, self._left = 0, False

    def grow(self, size: int) -> None:
        """So much more. Raises TooManyUploads, also once it has left."""
        if self._left:
            raise TooManyUploads
        self._room.take(size)
        self._size += size

    def leave(self) -> None:
        """Once, however often it is called."""
        if not self._left:
            self._left = True
            self._room.leave(self._user_id, self._size)
