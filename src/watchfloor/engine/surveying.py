"""Every row of an upload looked at before anything is launched; nothing is stored.

Each candidate is rendered for every step, as it would be sent, and sent nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from watchfloor.channels.base import Channel, RenderError
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import Dispatch
from watchfloor.domain.records import RejectKind
from watchfloor.engine.campaigns import channel_for, check_columns
from watchfloor.intake.audience_file import AudienceReader, Batch, Candidate

#: Rows between two words about how far it is.
ROWS_AT_ONCE = 5_000
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What an upload holds for a campaign.

    Attributes:
        encoding: How the file's bytes were read.
        rows: Rows read.
        candidates: Rows that can become records; repeats are not told apart yet.
        rejects: By kind.
        reasons: The commonest reasons, with their counts.
        unfit: Candidates that no channel could send as they are.
        unfit_examples: The first of them, each with its row and why.
        sample: The first candidate as each step would send it; empty for none.
    """

    columns: tuple[str, ...]
    encoding: str = "utf-8"
    rows: int = 0
    candidates: int = 0
    rejects: Mapping[RejectKind, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    unfit: int = 0
    unfit_examples: tuple[str, ...] = ()
    sample: Sequence[Mapping[str, object]] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody should know of how the file was read."""
        if self.encoding.startswith("utf-"):
            return ()
        told = f"read as {self.encoding}: not UTF-8; see whether names with letters"
        return (f"{told} beyond a-z are right",)


def survey(
    upload: Path,
    campaign: Campaign,
    *,
    take: Callable[[Batch], None] = lambda _: None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Survey:
    """Look at every row of *upload*.

    Args:
        upload: The contact file.
        campaign: Checked.
        take: Gets every batch, for whoever counts more.
        on_progress: Gets the rows read so far, now and then.

    Raises:
        ConfigError: The file cannot be used, or the campaign names a column that it
            lacks; every mistake is named.
    """
    with AudienceReader(
        upload, campaign.audience, by_recipient=campaign.is_by_recipient
    ) as reader:
        check_columns(campaign, reader.columns)
        trial = _Trial(campaign, reader.columns)
        rows, candidates = 0, 0
        rejects: Counter[RejectKind] = Counter()
        reasons: Counter[str] = Counter()
        for batch in reader.batches(ROWS_AT_ONCE):
            take(batch)
            rows += batch.rows
            candidates += len(batch.candidates)
            rejects.update(one.kind for one in batch.rejects)
            reasons.update(one.reason for one in batch.rejects)
            trial.render(batch.candidates)
            on_progress(rows)
        return Survey(
            columns=reader.columns,
            encoding=reader.encoding,
            rows=rows,
            candidates=candidates,
            rejects=dict(rejects),
            reasons=dict(reasons.most_common(_EXAMPLES)),
            unfit=trial.unfit,
            unfit_examples=tuple(trial.examples),
            sample=tuple(trial.sample),
        )


def dry_dispatch(
    candidate: Candidate, fields: Mapping[str, str], step: str
) -> Dispatch:
    """Return what a channel would be handed for a row that is no record yet."""
    return Dispatch(
        key=dedupe_key("", step, candidate.digest, 0),
        contact=candidate.contact,
        fields=fields,
        seq=candidate.row_no,
        step=step,
    )


class _Trial:
    """Renders candidates for every step and remembers who could not be."""

    def __init__(self, campaign: Campaign, columns: Sequence[str]) -> None:
        self._steps = [(step.name, channel_for(step)) for step in campaign.steps]
        self._columns = columns
        self.unfit = 0
        self.examples: list[str] = []
        self.sample: list[Mapping[str, object]] = []

    def render(self, candidates: Sequence[Candidate]) -> None:
        """Render each of them."""
        for candidate in candidates:
            cells = orjson.loads(candidate.values_json)
            fields = dict(zip(self._columns, cells, strict=False))
            fits = [
                self._render(candidate, fields, name, channel)
                for name, channel in self._steps
            ]
            self.unfit += not all(fits)

    def _render(
        self,
        candidate: Candidate,
        fields: Mapping[str, str],
        step: str,
        channel: Channel,
    ) -> bool:
        """Render one step; return whether it could be."""
        try:
            rendered = channel.rendered(dry_dispatch(candidate, fields, step))
        except RenderError as error:
            if len(self.examples) < _EXAMPLES:
                self.examples.append(f"row {candidate.row_no}, {step}: {error}")
            return False
        if len(self.sample) < len(self._steps):
            self.sample.append({"step": step, **rendered})
        return True
