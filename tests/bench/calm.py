"""Whether the processors are this machine's own: on a virtual one others may have them, which takes most from whoever has the
fewest processes, and so bends a ratio. What was taken is "steal" of /proc/stat (proc(5)); it shows only while all are asked for."""
import os
import time

PATIENCE = float(os.environ.get("BENCH_PATIENCE", "600"))  # seconds of waiting in a whole run, then it measures all the same
ENOUGH = 0.03
waited = 0.0


def spent():
    """(taken by others, all) since the start, of all processors."""
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]  # guests' time is in the first already
    return ticks[7], sum(ticks)


def share(before, after):
    return (after[0] - before[0]) / max(1, after[1] - before[1])


def asked(seconds=0.5):
    """The share that others had while this asked for every processor."""
    before, children = spent(), []
    for _ in range(os.cpu_count()):
        child = os.fork()
        if not child:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                pass
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return share(before, spent())


def wait():
    """Until others take little, as long as there is patience left."""
    global waited
    began = time.monotonic()
    while asked() > ENOUGH and waited + time.monotonic() - began < PATIENCE:
        time.sleep(3)
    waited += time.monotonic() - began
