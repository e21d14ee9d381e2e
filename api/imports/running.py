"""Runs one import: read, stage, check, merge; all of the file or nothing of it.

The file is read in a thread, batch by batch; the database gets each batch before the next is
read. How far it is stands in a row of its own that others can read meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

import orjson
from anyio import to_thread

from api.guard import RefusedAfterCommit, Writing
from api.imports.mapping import ATTRIBUTE, STATISTIC, ImportKind, Mapping
from api.imports.rows import FAULTS_LISTED, Faults, Row, read
from db.engine import Database
from db.intake import carry_fields
from db.models.imports import Import
from db.queries import imports
from db.queries.imports import Merged
from db.queries.statistics import Statistics
from db.staging import Lines, by_set, repeated_keys, stage, unknown_accounts
from domain.errors import Invalid

BATCH = 5_000
SAY_EVERY = 50_000
"""Rows between two notes of how far it is."""


@dataclass(slots=True)
class Running:
    """One import under way."""

    work: Writing
    database: Database
    id: UUID
    mapping: Mapping
    total: int = 0

    async def run(self, file: BinaryIO, dry_run: bool) -> Import:
        """Raises RefusedAfterCommit `import_refused` with the rows at fault; Invalid for what is
        wrong with the whole file."""
        await self._begin(await to_thread.run_sync(_digest, file))
        try:
            return await self._carry_out(file, dry_run)
        except RefusedAfterCommit:
            raise
        except BaseException:
            async with self.database.transaction(self.work.caller.scope) as session:
                await imports.end_import(session, self.id, "failed", self.total, None, [])
            raise

    async def _begin(self, digest: str) -> None:
        await imports.hold(self.work.session, self.id)
        row = Import(
            org_id=self.work.org,
            id=self.id,
            kind=self.mapping.kind.value,
            file_digest=digest,
            mapping=self.mapping.model_dump(mode="json"),
            status="running",
            started_by=self.work.caller.member,
        )
        async with self.database.transaction(self.work.caller.scope) as session:
            if await session.get(Import, self.id) is not None:
                raise imports.already_there(self.id)
            await imports.add_import(session, row)

    async def _carry_out(self, file: BinaryIO, dry_run: bool) -> Import:
        session, faults = self.work.session, Faults()
        await stage(session, self._batches(file, faults))
        changed: dict[UUID, Statistics] = {}
        async with by_set(session):
            await self._check(faults)
            if faults.count:
                await self._refuse(faults)
            if dry_run:
                async with session.savepoint() as savepoint:
                    merged = await self._merge()
                    await savepoint.rollback()
            else:
                merged = await self._merge()
                if self.mapping.kind is ImportKind.accounts:
                    changed = await imports.merge_statistics(session)
        await self._carry(changed)
        status = "checked" if dry_run else "done"
        return await imports.end_import(session, self.id, status, self.total, merged, [])

    async def _batches(self, file: BinaryIO, faults: Faults) -> AsyncIterator[bytes]:
        rows = read(file, self.mapping, faults)
        shape = _shape(self.mapping)
        said = 0
        while True:
            count, batch = await to_thread.run_sync(_encode, rows, shape)
            if count == 0:
                return
            self.total += count
            if not faults.count:
                yield batch
            if self.total - said >= SAY_EVERY:
                said = self.total
                async with self.database.transaction(self.work.caller.scope) as session:
                    await imports.progress(session, self.id, self.total)

    async def _check(self, faults: Faults) -> None:
        """What only the whole file, or the record, can tell; on the sound rows."""
        names = {target.field: target.column for target in self.mapping.targets()}
        repeated = await repeated_keys(self.work.session, FAULTS_LISTED)
        _add(faults, repeated, names["external_id"], "key_repeated", "This key stood above.")
        if self.mapping.kind is ImportKind.contacts:
            unknown = await unknown_accounts(self.work.session, FAULTS_LISTED)
            _add(faults, unknown, names["account"], "account_unknown", "There is no such account.")

    async def _refuse(self, faults: Faults) -> None:
        listed = [asdict(fault) for fault in sorted(faults.listed, key=lambda fault: fault.row)]
        await imports.end_import(self.work.session, self.id, "refused", self.total, None, listed)
        raise RefusedAfterCommit(
            Invalid(
                f"The file has {faults.count} fault{'s' * (faults.count != 1)}; nothing was taken. "
                "Correct its rows and send it again.",
                code="import_refused",
                details={"import": str(self.id), "count": faults.count, "faults": listed},
            )
        )

    async def _merge(self) -> Merged:
        columns = [
            target.field
            for target in self.mapping.targets()
            if target.field not in {"external_id", "account"} and "." not in target.field
        ]
        if self.mapping.kind is ImportKind.accounts:
            return await imports.merge_accounts(self.work.session, columns)
        return await imports.merge_contacts(self.work.session, columns)

    async def _carry(self, changed: dict[UUID, Statistics]) -> None:
        for account, known in changed.items():
            applied = await carry_fields(
                self.work.session, account, known, self.work.actor, clock=self.work.clock
            )
            self.work.heard(*applied)


_Shape = tuple[int, tuple[tuple[str, str], ...]]


def _shape(mapping: Mapping) -> _Shape:
    """Where the key stands in a row, and each value's place in the staged JSON."""
    places = []
    targets = mapping.targets()
    for target in targets:
        if target.field.startswith(ATTRIBUTE):
            places.append(("attributes", target.field.removeprefix(ATTRIBUTE)))
        elif target.field.startswith(STATISTIC):
            places.append(("statistics", target.field.removeprefix(STATISTIC)))
        else:
            places.append(("", target.field))
    key = next(i for i, target in enumerate(targets) if target.field == "external_id")
    return key, tuple(places)


def _encode(rows: Iterator[Row], shape: _Shape) -> tuple[int, bytes]:
    """The next batch in COPY's text form, and how many rows it has."""
    key, places = shape
    lines = []
    for row in islice(rows, BATCH):
        values: dict[str, Any] = {}
        for (part, name), value in zip(places, row.values, strict=True):
            if part == "":
                values[name] = value
            elif value is not None:
                values.setdefault(part, {})[name] = value
        json = orjson.dumps(values).decode()
        lines.append(f"{row.number}\t{_escaped(str(row.values[key]))}\t{_escaped(json)}\n")
    return len(lines), "".join(lines).encode()


def _escaped(value: str) -> str:
    return (
        value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    )


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def _add(faults: Faults, lines: Lines, column: str, code: str, message: str) -> None:
    for line in lines.first:
        faults.add(line, column, code, message)
    faults.count += lines.count - len(lines.first)
