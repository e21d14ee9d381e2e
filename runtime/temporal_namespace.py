"""Our namespace in Temporal, and what its screens can be searched by."""

from __future__ import annotations

NAMESPACE = "holdfast"
RETENTION = "90d"
SEARCH_ATTRIBUTES = {"Organization": "Keyword", "Playbook": "Keyword"}
