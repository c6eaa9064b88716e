"""The ``[audience]`` table: which rows of an upload become records."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from watchfloor.domain.campaign import Audience
from watchfloor.domain.regions import Mode
from watchfloor.intake.phone_library import REGIONS
from watchfloor.intake.toml_file import StrictForm
from watchfloor.intake.toml_values import FilterText, Text

MAX_LISTS = 20


def _region(region: str) -> str:
    if region not in REGIONS:
        raise ValueError("is no region code")
    return region


def _inside_the_workspace(path: str) -> str:
    if not path.isprintable():
        raise ValueError("holds control or invisible characters")
    if "\\" in path or PureWindowsPath(path).drive:
        raise ValueError("is no path with / inside the workspace")
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or path.startswith("~"):
        raise ValueError("leads out of the workspace")
    if not parts.name:
        raise ValueError("names no file")
    return path


#: A file's name relative to the workspace.
ListPath = Annotated[Text, AfterValidator(_inside_the_workspace)]


class AudienceForm(StrictForm):
    """``[audience]``."""

    contact: Text = Field(examples=['contact = "phone"'])
    kind: Literal["phone", "email", "id"] = Field(
        default="phone", examples=['kind = "phone"']
    )
    region: Annotated[str, AfterValidator(_region)] = Field(
        default="", examples=['region = "US"']
    )
    region_column: Text = Field(default="", examples=['region_column = "country"'])
    zone_column: Text = Field(default="", examples=['zone_column = "timezone"'])
    required: list[Text] = Field(
        default_factory=list, examples=['required = ["first_name"]']
    )
    filter: FilterText = Field(
        default="",
        examples=['filter = \'consent = "yes" and country in ("US", "CA")\''],
    )
    mode: Literal["extract_first", "streaming"] = Field(
        default="extract_first", examples=['mode = "extract_first"']
    )
    suppression: list[ListPath] = Field(
        default_factory=list,
        max_length=MAX_LISTS,
        examples=['suppression = ["suppression/global.csv"]'],
    )

    def frozen(self) -> Audience:
        """Return the domain's value."""
        return Audience(
            contact=self.contact,
            kind=self.kind,
            region=self.region,
            region_column=self.region_column,
            zone_column=self.zone_column,
            required=tuple(dict.fromkeys(self.required)),
            filter=self.filter,
            mode=Mode(self.mode),
            suppression=tuple(dict.fromkeys(self.suppression)),
        )
