#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""crash.py - a reissue, an import or a delivery that is killed, refused by the disk, cut off from the CA or
loses its power at the n-th call that writes, syncs, renames or talks: nothing is lost, one POST, a pair at
every moment, and the work is completed in the end. Time is virtual.

    meson test -C BUILD crash                                  some n of each sweep, in minutes; says which
    OFFSET=3 meson test -C BUILD crash                         other n: of steps that begin 3 later
    STEP=1 meson test -C BUILD crash --timeout-multiplier 10   every n
    CRASH_ONLY=renewal:kill:57 meson test -C BUILD crash       a scenario, a sweep of it, one experiment

CRASH_KEEP=1 keeps the directories, CRASH_TRACE=stderr writes what the store traced into their tool.err;
CRASH_WORKERS is how many experiments go on at once (2).
"""
import errno
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crash_case import SCENARIOS, Broken, Case  # noqa: E402
from crash_world import World  # noqa: E402

FS, NET = 1, 2
WORKERS = int(os.environ.get("CRASH_WORKERS", "2"))
STEP = int(os.environ.get("STEP", "0"))  # 0: each sweep's own
OFFSET = int(os.environ.get("OFFSET", "0"))  # where the steps begin: all of 0 to step - 1 are every n
END = 4000  # no run makes so many calls
POWER = ["lost", "names", "data", "random"]
ERRORS = ["ENOSPC", "EIO", "EROFS"]


def kill(mode, classes=FS | NET):
    def experiment(case, n):
        run = case.run((mode, classes, n, 0))
        case.check_now("right after")
        return run.status == -9
    return experiment


def twice(case, n):
    """Killed, and the restart is killed as well, somewhere else."""
    run = case.run(("kill", FS | NET, n, 0))
    case.check_now("right after")
    case.run(("kill", FS | NET, 1 + n * 37 % 200, 0))
    case.check_now("right after the second kill")
    return run.status == -9


def after_lost(plan_of):
    """The answer to the POST is lost; what goes on from there meets something in its turn."""
    def experiment(case, n):
        case.world.control("POST", "/faults",
                           {"match": f"POST /order/certificate/{case.asked}/", "cut": "after"})
        case.run()
        case.world.control("DELETE", "/faults")
        case.check_now("after the lost answer")
        case.world.advance(61)
        run = case.run((*plan_of[:2], n, plan_of[2]), verb=case.what["again"][-1])
        case.check_now("right after")
        return run.status == -9 or run.calls >= n
    return experiment


def while_lost(mode, classes, error):
    """The answer to the POST is lost; a person's run looks for it itself, and meets something somewhere."""
    def experiment(case, n):
        case.world.control("POST", "/faults",
                           {"match": f"POST /order/certificate/{case.asked}/", "cut": "after"})
        run = case.run((mode, classes, n, error))
        case.world.control("DELETE", "/faults")
        case.check_now("right after")
        return run.status == -9 or run.calls >= n
    return experiment


def refuse(mode, name, classes=FS):
    def experiment(case, n):
        run = case.run((mode, classes, n, getattr(errno, name)))
        case.check_now("right after")
        return run.calls >= n
    return experiment


def power(how):
    def experiment(case, n):
        run = case.run(("kill", FS | NET, n, 0), power=(how, f"{case.name} {n}"))
        case.check_now("right after")
        return run.status == -9
    return experiment


def answer(fault):
    """The n-th request of the run meets a fault of the simulator."""
    def experiment(case, n):
        asked = dict(fault)
        if asked.get("body") == "earlier":
            asked["body"] = case.world.api(f"/order/certificate/{case.asked}")
        case.world.control("POST", "/faults", {"match": "*", "after": n - 1, **asked})
        case.run()
        hit = not case.world.control("GET", "/faults")
        case.world.control("DELETE", "/faults")
        case.check_now("right after")
        return hit
    return experiment


def doubled(case, n):
    """Killed, and somebody between us and the CA carries out the POST a second time."""
    run = case.run(("kill", FS | NET, n, 0))
    csr = os.path.join(case.order, sorted(d for d in os.listdir(case.order) if d.startswith("gen-"))[-1],
                       "csr.pem") if os.path.isdir(case.order) else ""
    if case.posts() and case.issued() and os.path.exists(csr):
        with open(csr) as file:
            case.world.control("PATCH", f"/orders/{case.id}",
                               {"issue": {"kind": "reissue", "csr": file.read()}})
        case.is_doubled = True
    case.check_now("right after")
    return run.status == -9


ALL = [name for name in SCENARIOS if name != "crowd"]
ASKING = [name for name in ALL if SCENARIOS[name].get("asks", True)]
TALKING = [name for name in ALL if "delivers" not in SCENARIOS[name]]
BY_ITSELF = [name for name in ASKING if SCENARIOS[name]["verb"] in ("open", "sync")]
BY_VERB = [name for name in ASKING if name not in BY_ITSELF]
# (name, scenarios, key, experiment, step in the normal run)
SWEEPS = [
    ("killed at call {n}", ALL, "kill", kill("kill"), 7),
    ("killed at call {n}", ["crowd"], "kill-crowd", kill("kill"), 131),
    ("killed within write {n}", ALL, "torn", kill("torn", FS), 29),
    ("killed at call {n} and again elsewhere", ALL, "twice", twice, 29),
    ("its answer lost, killed at call {n} of what follows", BY_ITSELF, "lost",
     after_lost(("kill", FS | NET, 0)), 11),
    ("its answer lost, with one ENOSPC at call {n} of what follows", BY_ITSELF, "lost-ENOSPC",
     after_lost(("once", FS, errno.ENOSPC)), 17),
    ("its answer lost, killed at call {n}", BY_VERB, "lost-kill", while_lost("kill", FS | NET, 0), 23),
    ("its answer lost, with one EIO at call {n}", BY_VERB, "lost-EIO", while_lost("once", FS, errno.EIO), 23),
    ("with the POST repeated by a proxy, killed at call {n}", ["verb", "ct"], "doubled", doubled, 11),
    ("with a connection reset at call {n}", TALKING, "reset", refuse("once", "ECONNRESET", NET), 11),
    ("with the network down from call {n} on", TALKING, "down", refuse("always", "ENETDOWN", NET), 11),
]
for _how in POWER:
    SWEEPS.append((f"without power at call {{n}} ({_how})", ALL, f"power-{_how}", power(_how), 29))
for _name in ERRORS:
    SWEEPS += [
        (f"with one {_name} at call {{n}}", ALL, f"once-{_name}", refuse("once", _name), 31),
        (f"with {_name} from call {{n}} on", ALL, f"always-{_name}", refuse("always", _name), 37),
    ]
for _key, _what, _fault in [
        ("before", "lost before it had an effect", {"cut": "before"}),
        ("after", "whose answer is lost", {"cut": "after"}),
        ("middle", "whose answer ends in the middle", {"cut": "mid-body"}),
        ("away", "answered by a page of a proxy", {"status": 503, "html": True}),
        ("earlier", "answered with an earlier answer", {"body": "earlier"}),
]:
    SWEEPS.append((f"with request {{n}} {_what}", TALKING, _key, answer(_fault), 1))


class Count:
    def __init__(self):
        self.lock = threading.Lock()
        self.stop = False
        self.failure = ""
        self.done = {}     # of a sweep of a scenario: the n that were hit
        self.broken = {}
        self.ends = {}      # of a sweep of a scenario: an n beyond the run's last call

    def note(self, sweep, n, hit, complaint):
        with self.lock:
            if hit:
                self.done.setdefault(sweep, []).append(n)
            else:
                self.ends[sweep] = min(n, self.ends.get(sweep, n))
            if complaint:
                self.broken.setdefault(sweep, []).append(f"{sweep[1]}:{sweep[0]}:{n}: {complaint}")


def one(world, sweep, experiment, n, count):
    """An experiment; a promise that did not hold is what it gives."""
    key, name = sweep
    complaint, hit, case = "", True, None
    try:
        case = Case(world, name)
        hit = experiment(case, n)
        case.finish()
    except Broken as broken:
        complaint = str(broken)
    except Exception as error:  # pylint: disable=broad-except
        complaint = f"the test itself: {type(error).__name__}: {error}"
    if case and not (complaint and os.environ.get("CRASH_KEEP")):
        case.close()
    count.note(sweep, n, hit, complaint)


def take_pieces(world, tasks, count):
    while True:
        try:
            key, name, experiment, first, last, step = tasks.get_nowait()
        except queue.Empty:
            return
        sweep = (key, name)
        for n in range(first, last, step):
            if count.stop or n >= count.ends.get(sweep, n + 1):
                break
            one(world, sweep, experiment, n, count)


def work(top, tasks, count):
    world = None
    try:
        world = World(top)
        take_pieces(world, tasks, count)
    except Exception as error:  # pylint: disable=broad-except
        count.failure = f"{type(error).__name__}: {error}"
    finally:
        if world:
            world.close()


def plan(only):
    """Pieces of sweeps: (key, scenario, experiment, first n, end, step)."""
    for _, names, key, experiment, step in SWEEPS:
        step = STEP or step
        for i, name in enumerate(names):
            if only and only[:2] != [name, key] and only != [name] and only != ["", key]:
                continue
            if len(only) == 3:
                yield key, name, experiment, int(only[2]), int(only[2]) + 1, 1
                continue
            first = 1 + (i * 5 + OFFSET) % step
            piece = 40 * step
            for start in range(first, END, piece):
                yield key, name, experiment, start, min(start + piece, END), step


def covered(done, step):
    if not done:
        return "no n at all"
    return f"n = {done[0]} to {done[-1]}" + ("" if step == 1 else f" by {step}") + f", {len(done)} times"


def report(count, only):
    number, good, totals = 0, True, {}
    for text, names, key, _, step in SWEEPS:
        for name in names:
            done = sorted(count.done.get((key, name), []))
            broken = count.broken.get((key, name), [])
            if not done and only:
                continue
            number += 1
            kind = key.split("-")[0]
            totals[kind] = totals.get(kind, 0) + len(done)
            ends = bool(done) and (len(only) == 3 or done[-1] < END - (STEP or step))
            held = ends and not broken
            good = good and held
            print(f"{'ok' if held else 'not ok'} {number} - {name}, {text.format(n='n')}: nothing is lost, one "
                  f"POST, always a pair, completed ({covered(done, STEP or step)})")
            for line in broken[:8]:
                print(f"# {line}")
    print("# " + ", ".join(f"{key} {n}" for key, n in totals.items()) + f"; {sum(totals.values())} in all")
    print(f"1..{number}")
    return good and number > 0


def main():
    # Thousands of small files: in memory where that is possible.
    memory = "/dev/shm" if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) else None
    top = tempfile.mkdtemp(prefix="crash-", dir=memory)
    os.chmod(top, 0o755)
    only = os.environ["CRASH_ONLY"].split(":") if "CRASH_ONLY" in os.environ else []
    count = Count()
    tasks = queue.Queue()
    for piece in plan(only):
        tasks.put(piece)

    def stop(*_):
        count.stop, count.failure = True, "it was told to end"
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threads = [threading.Thread(target=work, args=(top, tasks, count)) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = report(count, only)
    if count.failure:
        print(f"Bail out! {count.failure}")
    if not os.environ.get("CRASH_KEEP"):
        shutil.rmtree(top, ignore_errors=True)
    return 0 if good and not count.failure else 1


if __name__ == "__main__":
    sys.exit(main())
