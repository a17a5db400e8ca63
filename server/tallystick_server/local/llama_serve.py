"""The child process that serves a model file. Owns nothing but llama.cpp's own HTTP server on 127.0.0.1.

    python -I -m tallystick_server.local.llama_serve MODEL ALIAS THREADS WINDOW

It writes one line `ready URL` and lives until its standard input closes, that is, until its parent ends in any way.
"""

import importlib
import os
import socket
import sys
import time
from typing import Any


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    model, alias, threads, window = sys.argv[1:5]
    # An optional package without types.
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {alias}
    params.hostnames, params.port = ["127.0.0.1"], free_port()
    params.offline, params.ui, params.server_tools = True, False, []
    params.n_ctx, params.n_parallel = int(window), 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(threads)
    params.n_threads_http = 2
    params.cache_ram_mib = 512
    params.use_jinja = True
    params.warmup = True
    server = xllamacpp.Server(params)
    url = server.listening_address
    _wait(url)
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    os._exit(0)


def _wait(url: str) -> None:
    from urllib.request import ProxyHandler, build_opener

    opener = build_opener(ProxyHandler({}))
    for _ in range(2400):
        try:
            with opener.open(f"{url}/health", timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.05)
    sys.exit("the model server did not get ready")


if __name__ == "__main__":
    main()
