# SPDX-License-Identifier: Apache-2.0
"""What a delivery leaves behind at every moment of it: a copy that is a pair, `delivered` on a whole
generation, a hook that was told of the new certificate at least once."""
import os

HOOK = """#!/bin/sh
echo "$DIGICERT_STORE_NEW_SERIAL" >>'{dir}/hooked'
[ ! -e '{dir}/refused' ] || [ "$DIGICERT_STORE_NEW_SERIAL" != "$(cat '{dir}/refused')" ]
"""


class Delivery:
    """Of one case: its order's current pair is delivered, the one before was."""

    def __init__(self, case, rollback):
        self.case, self.rollback = case, rollback
        self.to = os.path.join(case.disk, "copies")
        self.hooked = os.path.join(case.dir, "hooked")
        self.hook = os.path.join(case.dir, "hook")
        self.wanted = ""
        with open(self.hook, "w") as file:
            file.write(HOOK.format(dir=case.dir))
        os.chmod(self.hook, 0o755)

    def lines(self):
        return [f"deliver = {self.to}", f"hook = {self.hook}"] + (["rollback = yes"] if self.rollback else [])

    def _cert(self, at):
        return self.case.world.ask("hash", os.path.join(at, "cert.pem"))

    def _must(self, verb, code="none"):
        run = self.case.world.run(verb, self.case.config, self.case.id)
        if run.code != code:
            raise RuntimeError(f"preparing: {verb}: {run}")
        self.case.world.advance(120)

    def prepare(self):
        """One pair was delivered, another one is current; with rollback the hook has refused it once."""
        self._must("deliver")
        self.wanted = self._cert(self.case.current())
        self._must("reissue")
        if self.rollback:
            with open(os.path.join(self.case.dir, "refused"), "w") as file:
                file.write(self.serial())
            self._must("deliver", "state")
        else:
            self.wanted = self._cert(self.case.current())
        os.unlink(self.hooked)

    def serial(self):
        return self.case.facts(self.case.current())["serial"]

    # ---- promises ----

    def check_now(self):
        """A complaint, or an empty text."""
        at = self.case.link(self.case.id, "delivered")
        if not at:
            return "delivered is gone"
        self.case.check_files(at, "delivered")
        copy = os.path.join(self.to, os.readlink(os.path.join(self.to, "current")))
        key = self.case.world.ask("hash", os.path.join(copy, "privkey.pem"))
        if self._cert(copy) != key:
            return f"key and certificate of {copy} are no pair"
        for name in ("combined.pem", "fullchain.pem"):
            if self.case.world.ask("hash", os.path.join(copy, name)) != key:
                return f"{name} of {copy} is of another pair"
        return ""

    def is_done(self):
        current, copy = self.case.current(), os.path.join(self.to, "current")
        return self.case.link(self.case.id, "delivered") == current and \
            self._cert(current) == self._cert(copy) == self.wanted

    def check_end(self):
        if not self.is_done():
            return "current, delivered and the copy are not the pair that is wanted"
        told = open(self.hooked).read().split() if os.path.exists(self.hooked) else []
        if not told or told[-1] != self.serial():
            return f"the hook was last told of {told[-1:]}, not of {self.serial()}"
        left = [name for name in os.listdir(self.to) if name.startswith(".tmp-")]
        return f"{left} was left in the copies" if left else ""
