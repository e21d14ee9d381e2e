"""How values cross Temporal: as JSON by pydantic, with one set of adapters for the whole process.

The SDK makes a payload converter for each workflow instance, and each converter of its own would
build the schemas of our messages anew: a tenth of a worker's time when executions start, and
memory in every workflow that sleeps.
"""

from __future__ import annotations

from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

_JSON = PydanticJSONPlainPayloadConverter()


class SharedPayloadConverter(CompositePayloadConverter):
    """The pydantic converter, whose adapters are kept by the process."""

    def __init__(self) -> None:
        super().__init__(
            *(
                _JSON if isinstance(one, JSONPlainPayloadConverter) else one
                for one in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


data_converter = DataConverter(payload_converter_class=SharedPayloadConverter)
