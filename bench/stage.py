"""The origin, and each contestant before it: all on one core."""

import os

import contestants
import processes


class Stage:
    """Starts contestants when they are asked for, and stops them all."""

    def __init__(self, folder, core):
        self.folder, self.core = folder, core
        self.dead = processes.DeadPort()
        self.started = []
        self.servers = {}
        self.origin = self._keep(contestants.start_origin(folder, core))

    def _keep(self, process):
        self.started.append(process)
        process.wait_until_it_answers()
        return process

    def place(self, proxy, setup="plain", refused=False, one_process=False):
        """A folder and a port of its own."""
        port = processes.free_port()
        return contestants.Place(
            folder=os.path.join(self.folder, f"{proxy.name}-{port}"),
            port=port,
            upstream=self.dead.port if refused else self.origin.port,
            setup=setup if setup in proxy.setups else "plain",
            one_process=one_process)

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
