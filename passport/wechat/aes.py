"""AES-CBC, in which WeChat encrypts what mini-programs relay and what it pushes. It proves nothing: there is no MAC."""

from __future__ import annotations

BLOCK = 16


def decrypt_cbc(ciphertext: bytes, *, key: bytes, iv: bytes) -> bytes:
    """The plain text, its padding included.

    Raises:
        ValueError: a length is wrong.
    """
    # Imported with the first payload, by whom it takes 40 ms: it brings a parser of C, 2 MB.
    from Crypto.Cipher import AES

    plain: bytes = AES.new(key, AES.MODE_CBC, iv).decrypt(ciphertext)
    return plain
