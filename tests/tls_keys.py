"""A client's keys of TLS 1.3, for tests that say in it what no library would."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


class Keys:
    """A client's keys, from its log: the standard library cannot send a KeyUpdate (RFC 8446, sections 4.6.3 and 7)."""

    def __init__(self, log: str) -> None:
        entries = dict(line.split(" ", 1) for line in log.splitlines() if not line.startswith("#"))
        self._secret = bytes.fromhex(entries["CLIENT_TRAFFIC_SECRET_0"].split()[1])
        self._number = 0

    def update(self) -> bytes:
        """The record that changes our keys, and asks for the peer's to be changed; the next one has the new keys."""
        record = self.record(b"\x18\x00\x00\x01\x01", content=22)
        self._secret, self._number = self._expand(b"traffic upd", len(self._secret)), 0
        return record

    def record(self, octets: bytes, content: int = 23) -> bytes:
        """The next record, by TLS_AES_256_GCM_SHA384."""
        key, start = self._expand(b"key", 32), int.from_bytes(self._expand(b"iv", 12))
        nonce = (start ^ self._number).to_bytes(12)
        self._number += 1
        header = b"\x17\x03\x03" + (len(octets) + 17).to_bytes(2)
        return header + AESGCM(key).encrypt(nonce, octets + bytes([content]), header)

    def _expand(self, label: bytes, length: int) -> bytes:
        label = b"tls13 " + label
        info = length.to_bytes(2) + bytes([len(label)]) + label + b"\0"
        return HKDFExpand(hashes.SHA384(), length, info).derive(self._secret)
