"""What `/metrics` shows: at most 200 series whatever the data, never a value of a row."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from .health import Health
from .log import State
from .reference import Answered

RUNS, CLASSES = 5, 20  # as labels; further ones share "other"
OUTCOMES = ("answered", "bad", "invalid", "too_large", "slow", "unauthorized", "forbidden", "unknown", "busy", "error")
FATES = ("written", "spooled", "refused", "waiting")
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Counts:
    """The figures of one process, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second series for each
        self.registry = registry = CollectorRegistry()
        self.requests = Counter("requests", "Requests to predict, by outcome", ["outcome"], registry=registry)
        self.errors = Counter("errors", "Requests of all routes that ended in a bug (500)", registry=registry)
        self.pages = Counter("pages", "Pages and forms that people asked for, by status", ["status"], registry=registry)
        self.seconds = Histogram("request_seconds", "From body to answer", buckets=SECONDS, registry=registry)
        self.answers = Counter("answers", "Rows answered", ["run", "prediction"], registry=registry)
        self.unsure = Counter("not_confident", "Rows answered without confidence", ["run"], registry=registry)
        self.unusual = Counter("unusual", "Rows unlike training, or that break a rule", ["run"], registry=registry)
        self.dropped = Counter("shadows_dropped", "Rows that no shadow answered", registry=registry)
        self.compiled = Gauge("model_compiled", "1: compiled, 0: the reference answers", ["run"], registry=registry)
        self.rows = Gauge("log_rows", "Rows since the start; spooled, waiting: now", ["state"], registry=registry)
        self.logs = Gauge("log_database", "1 while the database of the log takes rows", registry=registry)
        self.drifted = Gauge("drifted_columns", "Columns and answers that moved", ["run"], registry=registry)
        self.expected = Gauge("expected_score", "Expected without labels", ["run", "metric"], registry=registry)
        self.alarms = Gauge("monitor_alarms", "Alarms of [monitor]", ["run"], registry=registry)
        self.ready = Gauge("ready", "1 while the service is ready", registry=registry)
        self._runs: dict[str, dict[str, Counter]] = {}  # of each class, by run
        for outcome in OUTCOMES:
            self.requests.labels(outcome)
        self.done, self.busy = self.requests.labels("answered"), self.requests.labels("busy")

    def answered(self, run: str, answers: Sequence[Answered]) -> None:
        """Count the answers of a run; from its first on both others stand at 0, for rules compare with what was."""
        if run not in self._runs and len(self._runs) >= RUNS:
            run = "other"
        counters, unsure, unusual = self._runs.setdefault(run, {}), self.unsure.labels(run), self.unusual.labels(run)
        for one in answers:
            said = one.output["prediction"]
            text = "number" if type(said) is float else str(said)
            if text not in counters:
                counters[text] = self.answers.labels(run, text if len(counters) < CLASSES else "other")
            counters[text].inc()
            unsure.inc(not one.output["confident"])
            unusual.inc(one.unusual)

    def look(self, compiled: dict[str, bool], log: State, ready: bool) -> None:
        """Take over what is known elsewhere: which runs are compiled, the state of the log, whether all is ready."""
        self.compiled.clear()
        for run, is_compiled in list(compiled.items())[:RUNS]:
            self.compiled.labels(run).set(is_compiled)
        for name in FATES:
            self.rows.labels(name).set(getattr(log, name))
        self.logs.set(log.database == "ok")
        self.ready.set(ready)

    def health(self, found: Health | None) -> None:
        """Take over what is said of the run that answers by default; of others, nothing is known then."""
        for gauge in (self.drifted, self.expected, self.alarms):
            gauge.clear()
        if found is None:
            return
        run = found.window.folder.name
        self.alarms.labels(run).set(len(found.alarms))
        if found.shifts is not None:
            self.drifted.labels(run).set(sum(one.moved for one in found.shifts))
        for before, _ in found.scores:
            if before:
                self.expected.labels(run, before.metric).set(before.value)

    def page(self) -> bytes:
        """The figures as Prometheus reads them."""
        return generate_latest(self.registry)
