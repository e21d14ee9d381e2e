"""Imports of accounts and contacts from CSV files: run, list, read."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.auth.permissions import Permission, needs
from api.guard import Read, Write
from api.imports.mapping import Mapping
from api.imports.running import Running
from api.imports.schemas import ImportView, view
from api.pagination import Cursor, Limit, Page, decode, page
from api.parts import parts_of
from api.routing import router as router_of
from db.queries import imports

LARGEST_FILE = 512 * 1024 * 1024
"""Bytes; a million rows of ten columns take some 100 MB."""

router = router_of("imports", "/imports", largest_body=LARGEST_FILE)


@router.post("", status_code=201)
@needs(Permission.import_files)
async def run_import(
    work: Write,
    request: Request,
    file: Annotated[UploadFile, File(description="The CSV file")],
    mapping: Annotated[str, Form(max_length=100_000, description="Mapping, as JSON")],
    dry_run: Annotated[bool, Form()] = False,
    id: Annotated[UUID | None, Form(description="To ask meanwhile how far it is")] = None,
) -> ImportView:
    """Takes all rows of a file or none; the same file again changes nothing."""
    running = Running(work, parts_of(request).database, id or work.id_of(), _mapping(mapping))
    done = await running.run(file.file, dry_run)
    if not dry_run:
        await work.record(
            "import.done",
            "import",
            done.id,
            {"kind": done.kind, "total": done.total, "file": done.file_digest},
        )
    return ImportView.model_validate(done)


@router.get("")
@needs(Permission.import_files)
async def list_imports(work: Read, cursor: Cursor = None, limit: Limit = 50) -> Page[ImportView]:
    """Imports, the newest first."""
    after = decode(cursor, UUID)
    rows = await imports.list_imports(work.session, after[0] if after else None, limit + 1)
    gone = await imports.interrupted(work.session, rows)
    return page(rows, limit, lambda row: view(row, gone), lambda row: (row.id,))


@router.get("/{import_id}")
@needs(Permission.import_files)
async def get_import(work: Read, import_id: UUID) -> ImportView:
    found = await imports.get_import(work.session, import_id)
    return view(found, await imports.interrupted(work.session, [found]))


def _mapping(text: str) -> Mapping:
    try:
        return Mapping.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        raise RequestValidationError(
            [{**item, "loc": ("body", "mapping", *item["loc"])} for item in faults]
        ) from error
