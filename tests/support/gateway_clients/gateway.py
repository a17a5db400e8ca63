"""A real gateway in front of the scripted provider, for clients. Owns its settings, its keys, its life, and reading its books."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx

from tests.support.foreign_process import READY_S, free_port
from tests.support.gateway_clients.client import end

MODEL: Final = "acme/scripted-1"
SETTINGS: Final = """
[catalog]
refresh_hours = 0
[providers.scripted]
base_url = "{url}"
[endpoints."{model}@scripted"]
window_tokens = 1000000
max_output_tokens = 32000
[endpoints."{model}@scripted".price]
input = 1.0
output = 2.0
"""
