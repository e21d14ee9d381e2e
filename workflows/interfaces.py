"""The activities that workflows call, by name and type; `activities/` carries them out."""

from __future__ import annotations

from abc import ABC, abstractmethod

from temporalio import activity

from domain.playbook.telling import Settlement
from workflows.messages import (
    DeliverRequest,
    DeliveryReport,
    DigestReport,
    DigestRequest,
    SettleRequest,
)


class Settling(ABC):
    """Deadlines, settled in the record."""

    @activity.defn(name="settle")
    @abstractmethod
    async def settle(self, request: SettleRequest) -> Settlement:
        """Settle every deadline that has come and return what the workflow does not know."""


class Delivering(ABC):
    """What leaves the house."""

    @activity.defn(name="deliver")
    @abstractmethod
    async def deliver(self, request: DeliverRequest) -> DeliveryReport:
        """Try each delivery that may be tried; raise where one is to be tried again soon."""


class Digesting(ABC):
    """One mail a day for what is not urgent."""

    @activity.defn(name="make_digests")
    @abstractmethod
    async def make_digests(self, request: DigestRequest) -> DigestReport:
        """Make one mail for each member with notices that no digest has carried yet."""
