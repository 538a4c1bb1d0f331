"""AES-CBC, in which WeChat encrypts what mini-programs relay and what it pushes. It proves nothing: there is no MAC."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16


def decrypt_cbc(ciphertext: bytes, *, key: bytes, iv: bytes) -> bytes:
    """The plain text, its padding included.

    Raises:
        ValueError: a length is wrong.
    """
    # Not pycryptodome, which takes twice as long, and 2 MB of memory for a parser of C that only its import needs.
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()
