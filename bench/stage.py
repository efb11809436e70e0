"""The origin, and each contestant before it: all on one core."""

import os
import shutil

import certificates
import contestants
import load
import processes


class Stage:
    """Starts contestants when they are asked for, and stops them all."""

    def __init__(self, folder, core):
        self.folder, self.core = folder, core
        self.dead = processes.DeadPort()
        self.started = []
        self.servers = {}
        self.secure_origin = None
        self.origin = self._keep(contestants.start_origin(folder, core))

    def _keep(self, process):
        self.started.append(process)
        process.wait_until_it_answers()
        return process

    def keys(self):
        """The folder of the certificate that all of them show."""
        folder = os.path.join(self.folder, "keys")
        if not os.path.isdir(folder):
            if not shutil.which("openssl"):
                raise load.Unmeasurable("openssl is not installed")
            certificates.make(folder)
        return folder

    def _upstream(self, setup, refused):
        if refused:
            return self.dead.port
        if setup != "tls-both":
            return self.origin.port
        if self.secure_origin is None:
            self.secure_origin = self._keep(contestants.start_origin(
                self.folder, self.core, "tls", self.keys()))
        return self.secure_origin.port

    def place(self, proxy, setup="plain", refused=False, one_process=False):
        """A folder and a port of its own."""
        port = processes.free_port()
        return contestants.Place(
            folder=os.path.join(self.folder, f"{proxy.name}-{port}"),
            port=port,
            upstream=self._upstream(setup, refused),
            setup=setup if setup in proxy.setups else "plain",
            one_process=one_process,
            keys=self.keys() if setup in contestants.SECURE else "")

    def server(self, proxy, setup="plain", refused=False):
        """The one of that kind: started once, running to the end."""
        key = proxy.name, setup if setup in proxy.setups else "plain", refused
        if key not in self.servers:
            self.servers[key] = self._keep(proxy.start(
                self.place(proxy, setup, refused), self.core))
        self.servers[key].require_alive()
        return self.servers[key]

    def fresh(self, proxy, prefix=(), patience=10, **place):
        """Another one, for the caller to stop; `prefix` runs it."""
        server = proxy.start(self.place(proxy, **place), self.core, prefix)
        try:
            server.wait_until_it_answers(patience)
        except BaseException:
            server.stop()
            raise
        return server

    def stop(self):
        for process in reversed(self.started):
            process.stop()
