"""What the API is composed of; whoever starts it reads the environment."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.envconfig import ClientConnectConfig

from db.requests import Clock, database_clock
from runtime.settings import DatabaseSettings, HttpSettings
from runtime.telemetry import Telemetry
from workflows.ids import TASK_QUEUE


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`temporal` None: no Temporal is told, and a worker's relay tells everything.

    `clock` turns the database's instant into the one that counts; tests turn it.
    """

    database: DatabaseSettings
    http: HttpSettings
    temporal: ClientConnectConfig | None = None
    task_queue: str = TASK_QUEUE
    telemetry: Telemetry | None = None
    clock: Clock = database_clock
    pool_size: int = 10
