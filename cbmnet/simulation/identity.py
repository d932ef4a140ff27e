"""What makes a config the same config: the hash of its resolved content."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from cbmnet.simulation.fields import plain


def resolved(config: BaseModel) -> dict[str, Any]:
    """The config with every default, as plain JSON data; durations in seconds, rates per second."""
    data: dict[str, Any] = plain(config)
    return data


def digest(data: Any) -> str:
    """SHA-256 over canonical JSON, as hex."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, allow_nan=False).encode()).hexdigest()


def config_hash(config: BaseModel) -> str:
    """The first 16 hex digits of the resolved config's digest."""
    return digest(resolved(config))[:16]
