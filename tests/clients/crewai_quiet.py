"""Imported before crewai: no telemetry, no tracing, no version check and no question on the terminal.

CrewAI asks for these at import or at first use and reaches out to the network unless told not to. It would also lock
through Redis if it saw a REDIS_URL meant for the gateway.
"""

import os

os.environ.pop("REDIS_URL", None)
os.environ.update(
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_DISABLE_VERSION_CHECK="true",
    CREWAI_TRACING_ENABLED="false",
    CREWAI_TESTING="true",
    OTEL_SDK_DISABLED="true",
    ANONYMIZED_TELEMETRY="False",
)
