"""`python -m qmv.service.web`: gevent takes over threads, locks and sockets before anything else is imported."""

from __future__ import annotations

from gevent import monkey

# songs are looked at by processes that threads start, and gevent's way to wait for those knows one thread only
monkey.patch_all(os=False, subprocess=False, signal=False)

import sys  # noqa: E402

from qmv.service.web.serving import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
