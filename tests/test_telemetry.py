"""Nothing phones home: no socket leaves loopback during a whole run, with every library as the agent sets it up."""

import os
import subprocess
import sys
import textwrap

RUN = """
    import socket, sys
    left = []

    def watch(real):
        def connect(self, address):
            host = address[0] if isinstance(address, tuple) else str(address)
            if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "::1", "localhost"):
                left.append(address)
                raise OSError("not here")
            return real(self, address)
        return connect

    socket.socket.connect = watch(socket.socket.connect)
    socket.socket.connect_ex = watch(socket.socket.connect_ex)
    look_up = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        if host not in ("127.0.0.1", "::1", "localhost", None):
            left.append(host)
            raise OSError("not here")
        return look_up(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo
    from doable.agent import Agent
    from doable.agent.config import Config

    config = Config(world="symbolic", embedder="minilm", model="scripted:find the sponge;done", values="declared",
                    memory=sys.argv[1] + "/memory", runs=sys.argv[1] + "/runs")
    for _ in range(2):
        agent = Agent(config=config)
        print(agent.run("find the sponge").status, len(agent.memory.recall("sponge")) > 0)
        agent.memory.close()
    assert not left, left
"""


def test_no_socket_leaves_loopback_during_a_run(tmp_path):
    free = {k: v for k, v in os.environ.items() if "TELEMETRY" not in k and "TRACING" not in k}
    env = free | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RUN), str(tmp_path)], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reached True") == 2, done.stdout
