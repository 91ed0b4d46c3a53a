"""What Prometheus reads: the queue as it is, and how the web answers, by route."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from qmv.service.queue.board import Board

__all__ = ["Metrics"]

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_METHODS = ("GET", "HEAD", "POST")


class Metrics:
    """Counts each answer; a stream of events counts when it begins."""

    def __init__(self, app: Flask, board: Board, listeners: Callable[[], int]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._answers = Counter("qmv_http_requests", "Answers by route and status", ("method", "route", "status"),
            registry=self._registry)  # fmt: skip
        self._seconds = Histogram("qmv_http_request_seconds", "Time to an answer", ("route",), buckets=_SECONDS,
            registry=self._registry)  # fmt: skip
        self._registry.register(_Queue(board, listeners))
        app.before_request(self._begin)
        app.after_request(self._end)

    def answer(self) -> Response:
        return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)

    def _begin(self) -> None:
        g.began = time.perf_counter()

    def _end(self, response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"  # a path would make a metric for each stranger
        method = request.method if request.method in _METHODS else "other"
        self._answers.labels(method, route, str(response.status_code)).inc()
        if "began" in g:
            self._seconds.labels(route).observe(time.perf_counter() - g.began)
        return response


class _Queue:
    """Asks the queue when it is asked."""

    def __init__(self, board: Board, listeners: Callable[[], int]) -> None:
        self._board, self._listeners = board, listeners

    def collect(self) -> Iterator[Metric]:
        counts = self._board.counts()
        jobs = GaugeMetricFamily("qmv_jobs", "Jobs in the queue", labels=["state"])
        jobs.add_metric(["queued"], counts.queued)
        jobs.add_metric(["running"], counts.running)
        yield jobs
        totals = CounterMetricFamily("qmv_jobs_since_first_use", "What became of jobs", labels=["what"])
        for what, count in sorted(counts.totals.items()):
            totals.add_metric([what], count)
        yield totals
        yield GaugeMetricFamily("qmv_workers", "Workers that are alive", value=counts.workers)
        yield GaugeMetricFamily("qmv_oldest_wait_seconds", "Wait of the job that is ready and waits longest",
            value=counts.oldest_s)  # fmt: skip
        yield GaugeMetricFamily("qmv_listeners", "Streams of events that are open", value=self._listeners())
