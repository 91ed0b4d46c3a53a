"""`python -m qmv.service.web`: gevent takes over threads, locks and sockets before anything else is imported."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from qmv.service.web.serving import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
