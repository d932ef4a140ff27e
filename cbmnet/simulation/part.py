"""The base of every table of a config."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A table of the file: frozen, and a key it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)
