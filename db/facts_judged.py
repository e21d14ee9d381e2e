"""What becomes of a sound fact: new, known already, or refused beside what stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from db.queries.facts import NewFact, Standing, standing
from db.sessions import ReadSession


class FactStatus(StrEnum):
    accepted = "accepted"
    known = "known"
    refused = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """One row of a batch. `id` is the fact's, or of the one that stands in its way."""

    index: int
    status: FactStatus
    code: str | None
    detail: str | None
    id: UUID | None


async def known_by_key(session: ReadSession, sound: Mapping[int, NewFact]) -> dict[int, Result]:
    """Judges facts in the order of their index, each also beside those before it."""
    if not sound:
        return {}
    keys = {(fact.source, fact.external_id) for fact in sound.values()}
    corrected = {fact.corrects for fact in sound.values() if fact.corrects is not None}
    book = _Book(await standing(session, keys, corrected))
    return {index: book.judge(index, sound[index]) for index in sorted(sound)}


class _Book:
    """What stands, and what this batch adds to it."""

    def __init__(self, stored: Iterable[Standing]) -> None:
        self._by_id = {one.id: one for one in stored}
        self._by_key: dict[tuple[str, str], list[UUID]] = {}
        for one in self._by_id.values():
            self._by_key.setdefault((one.source, one.external_id), []).append(one.id)

    def judge(self, index: int, fact: NewFact) -> Result:
        same = [self._by_id[one] for one in self._by_key.get((fact.source, fact.external_id), [])]
        for one in same:
            if one.digest == fact.digest and fact.corrects in (None, one.corrects):
                return Result(index, FactStatus.known, None, None, one.id)
        refusal = self._refused(index, fact, same)
        if refusal is not None:
            return refusal
        self._add(fact)
        return Result(index, FactStatus.accepted, None, None, fact.id)

    def _refused(self, index: int, fact: NewFact, same: list[Standing]) -> Result | None:
        latest = next((one for one in same if one.corrected_by is None), None)
        if fact.corrects is None:
            return _differs(index, latest) if same else None
        target = self._by_id.get(fact.corrects)
        if target is None:
            return _refusal(index, "corrected_unknown", "Correct a fact that was accepted.", None)
        if (target.account_id, target.kind) != (fact.account_id, fact.kind):
            return _refusal(
                index,
                "correction_elsewhere",
                "A correction is of the same account and kind as the fact it corrects.",
                target.id,
            )
        if target.corrected_by is not None:
            return _refusal(
                index,
                "already_corrected",
                "It was corrected already. Read that correction, and correct it where it is wrong.",
                target.corrected_by,
            )
        if same and target.id not in {one.id for one in same}:
            return _differs(index, latest)
        return None

    def _add(self, fact: NewFact) -> None:
        self._by_id[fact.id] = Standing(
            fact.id,
            fact.source,
            fact.external_id,
            fact.digest,
            fact.account_id,
            fact.kind,
            fact.corrects,
            None,
        )
        self._by_key.setdefault((fact.source, fact.external_id), []).append(fact.id)
        if fact.corrects is not None:
            target = self._by_id[fact.corrects]
            self._by_id[fact.corrects] = replace(target, corrected_by=fact.id)


def _differs(index: int, stands: Standing | None) -> Result:
    return _refusal(
        index,
        "fact_differs",
        "This source has sent another fact under this external id. Where this one is right, send "
        "it with corrects: the id in this answer.",
        stands.id if stands else None,
    )


def _refusal(index: int, code: str, detail: str, stands: UUID | None) -> Result:
    return Result(index, FactStatus.refused, code, detail, stands)
