"""What every pydantic record shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
"""A stable id: lower-case letters, digits and hyphens, at most 80 characters, from the file name."""

Scalar = str | int | float | bool | None


class Record(BaseModel):
    """A frozen record; unknown fields are an error here, loose reading happens before."""

    model_config = ConfigDict(frozen=True, extra="forbid")
