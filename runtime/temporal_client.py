"""How our processes reach Temporal: by the standard `TEMPORAL_*` environment, or where told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfigProfile, ClientConnectConfig

from runtime.temporal_namespace import NAMESPACE
from runtime.temporal_payloads import data_converter

_log = logging.getLogger(__name__)
_LOCAL_ADDRESS = "127.0.0.1:7233"
_LONGEST_WAIT_SECONDS = 10.0


def connection(environment: Mapping[str, str]) -> ClientConnectConfig:
    """What `Client.connect` needs, with our namespace where the environment names none."""
    profile = ClientConfigProfile.load(override_env_vars=dict(environment))
    found = profile.to_client_connect_config()
    found.setdefault("target_host", _LOCAL_ADDRESS)
    found.setdefault("namespace", NAMESPACE)
    return found


async def lazy_client(
    config: ClientConnectConfig, *, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A client that connects at its first call and again after a failure.

    For the API, which starts and serves while Temporal is down. Workers cannot use it.
    """
    return await Client.connect(
        **config,
        data_converter=data_converter,
        interceptors=interceptors,
        lazy=True,
    )


async def connected_client(
    config: ClientConnectConfig, *, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """A connected client, trying until Temporal answers; cancel it to give up. For workers."""
    wait = 0.2
    while True:
        try:
            return await Client.connect(
                **config, data_converter=data_converter, interceptors=interceptors
            )
        except RuntimeError as error:  # what the SDK raises for every failure to connect
            _log.warning("Temporal does not answer at %s: %s", config["target_host"], error)
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
