# SPDX-License-Identifier: Apache-2.0
"""One experiment of the crash test: an order, a run that something happens to, restarts until the work is
done, and the promises of docs/design.md that hold at every moment of it."""
import glob
import hashlib
import json
import os
import shutil
import stat

import crash_disk
from crash_deliver import Delivery

RENEWAL = {"age_days": 140, "order_days": 1000}
# What is asked for, by which verb, and what the order is like. "again" is what follows a crash: an
# application's next load, the timer's next sync, or the person's next try. "pair": a key of the order's
# certificate was imported before. "asks": whether a new certificate is what it is about. "leads": another
# order, this one's successor, that it is asked for, with what that is like. "orders": so many of them.
# "delivers": a pair that is delivered when another one comes, which is delivered or rolled back.
SCENARIOS = {
    "first": {"verb": "open", "again": ["open", "open", "sync"], "order": {"key_elsewhere": True},
              "auto": True},
    "renewal": {"verb": "sync", "again": ["sync"], "order": RENEWAL, "auto": True, "pair": True},
    "verb": {"verb": "reissue", "again": ["reissue"], "order": RENEWAL, "pair": True},
    "duplicate": {"verb": "duplicate", "again": ["duplicate"], "order": RENEWAL, "pair": True},
    "polls": {"verb": "reissue", "again": ["reissue"], "order": RENEWAL, "pair": True,
              "switches": {"polls": 3}},
    "request": {"verb": "reissue", "again": ["reissue"], "order": RENEWAL, "pair": True,
                "switches": {"answer": "request-only"}},
    "approval": {"verb": "sync", "again": ["sync"], "order": RENEWAL, "pair": True, "auto": True,
                 "switches": {"approval": "always"}},
    "ct": {"verb": "ct:unlogged", "again": ["ct:unlogged", "sync"], "order": {"age_days": 30}, "pair": True,
           "auto": True},
    "import": {"verb": "import", "again": ["import"], "order": {"age_days": 30}, "asks": False},
    "import-newer": {"verb": "import", "again": ["import"], "order": {"age_days": 30}, "pair": True,
                     "asks": False, "then": {"issue": {"kind": "reissue"}}},
    "successor": {"verb": "sync", "again": ["sync"], "order": {"age_days": 30}, "pair": True, "auto": True,
                  "leads": {"key_elsewhere": True}},
    "many": {"verb": "sync", "again": ["sync"], "order": RENEWAL, "pair": True, "auto": True, "orders": 3},
    "crowd": {"verb": "sync", "again": ["sync"], "order": RENEWAL, "pair": True, "auto": True, "orders": 10},
    "deliver": {"verb": "deliver", "again": ["deliver"], "order": RENEWAL, "pair": True, "asks": False,
                "delivers": "on"},
    "rollback": {"verb": "deliver", "again": ["deliver"], "order": RENEWAL, "pair": True, "asks": False,
                 "delivers": "back"},
}
# A restart at once, twice after a minute, then when the CA has denied it for ten minutes, then as the
# ladder of retries goes.
PAUSES = [0, 61, 61, 660, 61, 660, 6600, 22000, 22000, 22000, 22000]
PUBLIC = {"cert.pem", "chain.pem", "fullchain.pem", "facts.json", "order.json", "memo.json", "FORMAT",
          "last-sync.json"}


class Broken(Exception):
    """A promise that did not hold."""


class Case:
    def __init__(self, world, name):
        self.world, self.name, self.what = world, name, SCENARIOS[name]
        world.reset_clock()
        world.orders += 10
        self.id = world.orders
        self.ids = [self.id + i for i in range(self.what.get("orders", 1))]
        # The orders that new certificates are asked for: a successor's number follows on the order's own.
        self.asks = [self.id + 1] if "leads" in self.what else self.ids
        self.asked = self.asks[0]
        self.dir = os.path.join(world.dir, str(self.id))
        self.disk = os.path.join(self.dir, "disk") if "delivers" in self.what else self.dir
        self.state = os.path.join(self.disk, "state")
        self.order = os.path.join(self.state, "orders", str(self.asked))
        self.config = os.path.join(self.dir, "store.conf")
        self.log = os.path.join(self.dir, "ops")
        self.lost_power = False
        self.is_doubled = False  # somebody between us and the CA sent the POST again
        os.mkdir(self.dir)
        if self.disk != self.dir:
            os.mkdir(self.disk)
        self.delivery = Delivery(self, self.what["delivers"] == "back") if "delivers" in self.what else None
        for order in self.ids:
            self._make_order(order, self.what["order"])
        if self.asked != self.id:
            self._make_order(self.asked, self.what["leads"])
        self._configure()
        for order in self.ids:
            self._prepare(order)
        if self.delivery:
            self.delivery.prepare()
        self.before = {c["id"] for c in self.certificates()}
        world.control("DELETE", "/requests")

    def _make_order(self, order, what):
        name = f"o{order if order in self.ids else self.id}.example.com"
        body = {"id": order, "common_name": name, "dns_names": [name, "www." + name],
                "switches": {"dcv": "valid", **self.what.get("switches", {})}, **what}
        self.world.control("POST", "/orders", body)

    def _configure(self):
        key = os.path.join(self.dir, "api.key")
        with open(key, "w") as file:
            file.write(self.world.at["key"])
        os.chmod(key, 0o600)
        lines = [f"api_url = {self.world.at['url']}", f"api_key_file = {key}",
                 f"api_ca_file = {self.world.at['ca']}", f"state_dir = {self.state}"]
        for order in self.ids:
            lines.append(f"[order/{order}]")
            if self.what.get("auto"):
                lines.append("reissue = auto")
            if self.asked != self.id:
                lines.append(f"successor = {self.asked}")
            if self.delivery:
                lines += self.delivery.lines()
        with open(self.config, "w") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(self.config, 0o644)

    def _prepare(self, order):
        self._write_key(order)
        if self.what.get("pair"):
            run = self.world.run(self._words("import", order), self.config, order)
            if run.code != "none":
                raise RuntimeError(f"preparing: {run}")
            self.world.advance(120)
        if "then" in self.what:
            self.world.control("PATCH", f"/orders/{order}", self.what["then"])
            self._write_key(order)

    def _key(self, order):
        return os.path.join(self.dir, f"imported-{order}.pem")

    def _write_key(self, order):
        with open(self._key(order), "wb") as file:
            file.write(self.world.key_of(order))

    def _words(self, verb, order=None):
        return f"import:{self._key(order or self.id)}" if verb == "import" else verb

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- what the two sides hold ----

    def certificates(self, order=None):
        return [c for one in ([order] if order else self.asks)
                for c in self.world.control("GET", f"/orders/{one}")["certificates"]]

    def issued(self, order=None):
        """New ones; one that still waits for approval has no key that anybody could have lost."""
        return [c for c in self.certificates(order) if c["id"] not in self.before and c.get("spki_sha256")]

    def posts(self):
        """All requests for a certificate, of any order."""
        return [row for row in self.world.control("GET", "/requests?method=POST")
                if row["path"].startswith("/order/certificate/")]

    def _reads(self):
        return [row["path"] for row in self.world.control("GET", "/requests?method=GET")]

    def _settled(self):
        """Of several orders those that are done: they have their new certificate, and their memo is newer.
        That one is not synced: after a power cut it may be gone."""
        if "orders" not in self.what or self.lost_power:
            return []
        got = {order: self.world.ask("hash", os.path.join(self.current(order), "cert.pem"))
               for order in self.asks}
        return [order for order in self.asks
                if got[order] in [c["spki_sha256"].lower() for c in self.issued(order)] and
                self._changed_at(order, "memo.json") > self._changed_at(order, "current")]

    def _changed_at(self, order, name):
        return os.lstat(os.path.join(self.state, "orders", str(order), name)).st_mtime_ns

    def keys(self):
        """Public key hashes of all private keys that are here under their names."""
        found = glob.glob(os.path.join(self.state, "orders", "*", "*", "privkey.pem"))
        return {self.world.ask("hash", path): path for path in found}

    def current(self, order=None):
        return self.link(order or self.asked, "current")

    def link(self, order, name):
        at = os.path.join(self.state, "orders", str(order))
        path = os.path.join(at, name)
        return os.path.normpath(os.path.join(at, os.readlink(path))) if os.path.islink(path) else None

    # ---- promises ----

    def check_now(self, when):
        """What holds at every moment, also right after a kill."""
        self._check_keys(when)
        for order in {*self.ids, *self.asks}:
            self._check_current(when, order, bool(self.what.get("pair")) and order in self.ids)
        self._check_secrets(when)
        self._check_posts(when)
        complaint = self.delivery.check_now() if self.delivery else ""
        if complaint:
            raise Broken(f"{when}: {complaint}")

    def _check_keys(self, when):
        here = self.keys()
        for c in self.issued():
            if c["spki_sha256"].lower() not in here:
                raise Broken(f"{when}: the key of certificate {c['id']} is lost")

    def _check_current(self, when, order, had_pair):
        at = self.current(order)
        if not at:
            if had_pair:
                raise Broken(f"{when}: current is gone")
            return
        listed = self.check_files(at, when)
        cert, key, chain = (os.path.join(at, f"{n}.pem") for n in ("cert", "privkey", "chain"))
        if self.world.ask("signed", cert, chain) != "yes":
            raise Broken(f"{when}: chain.pem of {at} does not go with its certificate")
        run = self.world.run("read", self.config, order)
        # The first fetch takes in a certificate whose key is elsewhere, until the reissue brings a pair.
        if "privkey.pem" not in listed and not had_pair:
            if run.code not in ("no-key", "reader") or os.path.exists(key):
                raise Broken(f"{when}: a reader of a certificate without key: {run}")
            return
        if self.world.ask("hash", cert) != self.world.ask("hash", key):
            raise Broken(f"{when}: key and certificate of {at} are no pair")
        if run.code != "none":
            raise Broken(f"{when}: a reader is not served: {run}")

    @staticmethod
    def facts(at):
        with open(os.path.join(at, "facts.json")) as file:
            return json.load(file)

    def check_files(self, at, when):
        """A whole generation; what facts.json lists of it."""
        try:
            listed = self.facts(at)["files"]
        except (OSError, ValueError, KeyError) as error:
            raise Broken(f"{when}: facts.json of {at}: {error}") from error
        for name, row in listed.items():
            with open(os.path.join(at, name), "rb") as file:
                data = file.read()
            if len(data) != row["size"] or hashlib.sha256(data).hexdigest() != row["sha256"].lower():
                raise Broken(f"{when}: {at}/{name} is not what facts.json says")
        return listed

    def _check_secrets(self, when):
        for at, _, names in os.walk(self.state):
            for name in names:
                path = os.path.join(at, name)
                info = os.lstat(path)
                if not stat.S_ISREG(info.st_mode) or not info.st_mode & 0o077:
                    continue
                with open(path, "rb") as file:
                    if b"PRIVATE KEY" in file.read():
                        raise Broken(f"{when}: {path} is open to others: {stat.S_IMODE(info.st_mode):o}")

    def _check_posts(self, when):
        """One POST for each intent, which is one key; another only ten minutes after one that the CA does
        not know."""
        by_order = {}
        for row in self.posts():
            by_key = by_order.setdefault(int(row["path"].split("/")[3]), {})
            by_key.setdefault(row.get("csr_spki_sha256", "?"), []).append(row["time_ms"])
        if by_order and not self.what.get("asks", True) or set(by_order) - set(self.asks):
            raise Broken(f"{when}: certificates of {set(by_order)} were asked for")
        for order, by_key in by_order.items():
            if len(by_key) > 1:
                raise Broken(f"{when}: {len(by_key)} different keys were sent for {order}")
            for times in by_key.values():
                if len(times) > 3 or any(b - a < 600_000 for a, b in zip(times, times[1:])):
                    raise Broken(f"{when}: the POST went out at {times}")
            if len(self.issued(order)) > 1 + self.is_doubled:
                raise Broken(f"{when}: {len(self.issued(order))} certificates of {order} were issued")

    def _check_repeats(self, when, settled, reads):
        """What was done before the kill is not asked about again."""
        again = [order for order in settled if f"/order/certificate/{order}" in reads]
        if again:
            raise Broken(f"{when}: the orders {again} were read again")

    def check_end(self):
        self.check_now("in the end")
        complaint = self.delivery.check_end() if self.delivery else ""
        if complaint:
            raise Broken(f"in the end: {complaint}")
        for order in [] if self.delivery else self.asks:
            self._check_new(order)
        if self.asked != self.id and self.current(self.id) != self.current():
            raise Broken("in the end: the order does not follow its successor")
        self._check_ct()
        for path in glob.glob(os.path.join(self.state, "orders", "*", "gen-*")):
            if not os.path.exists(os.path.join(path, "facts.json")):
                raise Broken(f"in the end: {path} is still open: {os.listdir(path)}")
        self._check_tidy()

    def _check_new(self, order):
        wanted = {c["spki_sha256"].lower() for c in self.issued(order)}
        if not self.what.get("asks", True):
            wanted = {self.world.ask("hash", self._key(order))}
        if not wanted:
            raise Broken(f"in the end: no new certificate of {order} was asked for")
        at = self.current(order)
        if not at or self.world.ask("hash", os.path.join(at, "cert.pem")) not in wanted:
            raise Broken(f"in the end: current of {order} is not the new certificate")

    def _check_ct(self):
        """Both the order and its new certificate are as the verb said."""
        if not self.what["verb"].startswith("ct:"):
            return
        wanted = self.what["verb"] == "ct:logged"
        order = self.world.control("GET", f"/orders/{self.id}")
        if bool(order["info"].get("disable_ct")) == wanted:
            raise Broken(f"in the end: CT of the order is not {self.what['verb']}")
        if any(bool(c["logged"]) != wanted for c in self.issued()):
            raise Broken(f"in the end: the new certificate is not {self.what['verb']}")

    def _check_tidy(self):
        for at, dirs, names in os.walk(self.state):
            for name in dirs + names:
                path = os.path.join(at, name)
                info = os.lstat(path)
                mode = stat.S_IMODE(info.st_mode)
                if name.startswith(".tmp-"):
                    raise Broken(f"in the end: {path} was left")
                if ".bad-" in name:
                    raise Broken(f"in the end: {path} was damaged")
                if stat.S_ISLNK(info.st_mode):
                    continue
                wanted = 0o755 if name in dirs else 0o644 if name in PUBLIC else 0o600
                if mode != wanted:
                    raise Broken(f"in the end: {path} has mode {mode:o}")

    # ---- the run and what follows ----

    def run(self, plan=("never", 0, 0, 0), power=None, verb=None):
        top = self.disk if self.disk != self.dir else self.state
        disk = crash_disk.Disk(top) if power else None
        self.lost_power |= bool(power)
        run = self.world.run(self._words(verb or self.what["verb"]), self.config, self.id, plan,
                             self.log if power else "")
        if run.status not in (0, -9):
            raise Broken(f"it ended by {run}")
        if power:
            disk.replay(self.log)
            disk.cut(*power)
            disk.store()
            self.world.advance(0, reboot=True)
        return run

    def is_done(self, run):
        if self.delivery and not self.delivery.is_done():
            return False
        return run.code == "none" and (not self.what.get("asks", True) or
                                       all(self.issued(order) for order in self.asks))

    def _help(self, i):
        """What people at the CA do meanwhile."""
        waiting = [r for r in self.world.control("GET", f"/orders/{self.id}")["requests"]
                   if r.get("stage") == "approval"]
        if self.name == "approval" and i >= 2 and waiting:
            self.world.control("POST", f"/orders/{self.id}/actions", {"do": "approve"})

    def finish(self):
        again = self.what["again"]
        said = []
        for i, pause in enumerate(PAUSES):
            self.world.advance(pause)
            self._help(i)
            settled, asked = self._settled(), len(self._reads())
            run = self.world.run(self._words(again[min(i, len(again) - 1)]), self.config, self.id)
            said.append(str(run))
            if run.status != 0:
                raise Broken(f"restart {i + 1} ended by {run}")
            self._check_repeats(f"after restart {i + 1}", settled, self._reads()[asked:])
            self.check_now(f"after restart {i + 1}")
            if self.is_done(run):
                break
        else:
            raise Broken("not done in the end: " + " | ".join(said[-3:]))
        # A day later the timer finds nothing left to do, and clears away what lies about.
        self.world.advance(86400)
        self._age_leftovers()
        self.world.run("sync", self.config, self.id)
        self.check_end()

    def _age_leftovers(self):
        """Files have the time of the real clock; those of killed processes are a day old by now."""
        then = self.world.now_ms // 1000 - 86400
        for at, dirs, names in os.walk(self.state):
            for name in dirs + names:
                if name.startswith(".tmp-"):
                    os.utime(os.path.join(at, name), (then, then), follow_symlinks=False)
