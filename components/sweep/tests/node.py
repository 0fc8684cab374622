#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a Slurm of one node on this computer while a command runs: munged, slurmctld and slurmd, without systemd.

usage: node.py FOLDER COMMAND [ARGUMENT ...]
All their files are in FOLDER, which is created; the command finds them by SLURM_CONF. Needs root and Debian's munge,
slurmctld, slurmd, slurm-client (22.05). Exit code: the command's; 77 (skipped) if they are missing.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

TOOLS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo"]
SECONDS = 60  # until the node is idle
SKIPPED = 77
CONFIGURATION = """ClusterName=trine
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmdPort={node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MaxArraySize=1001
NodeName={host} NodeAddr=127.0.0.1 CPUs={processors} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Returns why Slurm cannot run here, or None."""
    tools = [tool for tool in TOOLS if not shutil.which(tool)]
    if tools:
        return f"there is no {tools[0]} (Debian: munge slurmctld slurmd slurm-client)"
    return None if os.geteuid() == 0 else "slurmctld needs root"


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def write_configuration(folder):
    control, node = free_ports(2)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    text = CONFIGURATION.format(host=socket.gethostname().split(".")[0], folder=folder, control=control, node=node,
                                processors=os.cpu_count())
    (folder / "slurm.conf").write_text(text)


def is_idle(environment):
    done = subprocess.run(["sinfo", "--noheader", "--format=%t"], env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.strip() == "idle"


def wait_until(what, condition):
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"node.py: {what} did not come in {SECONDS} s")
        time.sleep(0.2)


@contextlib.contextmanager
def one_node(folder):
    """Yields the environment with which commands find it."""
    folder = pathlib.Path(folder).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    write_configuration(folder)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    munge_socket = folder / "munge.socket"
    munged = ["munged", "--foreground", "--force", f"--socket={munge_socket}", f"--key-file={key}",
              *(f"--{name}-file={folder}/munged.{name}" for name in ("pid", "log", "seed"))]
    daemons = []

    def start(command):
        with open(folder / f"{command[0]}.out", "wb") as log:
            daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, start_new_session=True))
    try:
        start(munged)
        wait_until("munged's socket", munge_socket.exists)
        start(["slurmctld", "-D"])
        start(["slurmd", "-D"])
        wait_until("an idle node", lambda: is_idle(environment))
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(20)
            daemon.kill()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    reason = missing()
    if reason:
        print(f"SKIPPED: {reason}")
        return SKIPPED
    with one_node(sys.argv[1]) as environment:
        return subprocess.run(sys.argv[2:], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
