"""Nothing phones home: no socket leaves loopback during whole runs, with every part as it comes, the real model and
memory among them. What Python opens is watched, in any thread; native code that opens sockets of its own is not."""

import os
import subprocess
import sys
import textwrap

RUN = """
    import socket, sys, threading
    left = []
    HOME = ("127.0.0.1", "::1", "localhost", None)

    def watch(event, args):
        if event in ("socket.connect", "socket.sendto") and args[0].family != socket.AF_UNIX:
            host = args[1][0]
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = args[0]
        else:
            return
        if host not in HOME:
            left.append((event, host))
            raise OSError("not here")

    sys.addaudithook(watch)
    from doable.agent import Agent
    from doable.agent.config import Config

    config = Config(world="symbolic", memory=sys.argv[1] + "/memory", runs=sys.argv[1] + "/runs")
    for _ in range(2):
        agent = Agent(config=config)
        print(agent.model.name, agent.run("find the sponge").status, len(agent.memory.recall("sponge")) > 0)
        agent.memory.close()
    assert not left, left

    def phone():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lone:
            for call in (lambda: socket.getaddrinfo("example.org", 80), lambda: lone.connect_ex(("192.0.2.1", 80)),
                         lambda: lone.sendto(b"hello", ("192.0.2.1", 80))):
                try:
                    call()
                except OSError:
                    pass

    caller = threading.Thread(target=phone)
    caller.start()
    caller.join()
    assert len(left) == 3, "the watch is blind"
"""


def test_no_socket_leaves_loopback_during_a_run(tmp_path):
    switches = ("TELEMETRY", "TRACING", "OFFLINE")
    env = {k: v for k, v in os.environ.items() if not any(word in k for word in switches)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RUN), str(tmp_path)], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reached True") == 2, done.stdout
    assert "smollm2" in done.stdout
