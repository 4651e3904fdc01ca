"""What ships the service, `deploy/` of a rendered project: by schema, by the tools that read it, and part by part."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from conftest import PLAIN_ENVIRONMENT, PROJECT, TEMPLATE
from kubernetes_validate import utils

SERVICE = next((TEMPLATE / PROJECT / "src").iterdir()) / "service"
SUFFIXES = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket",)}
ADDED = {"job", "instance", "le"}  # labels that Prometheus and histograms bring
# What makes each alert fire: values a minute apart, as promtool writes them, of an hour, or of a day and another hour.
FIRING = {
    "ServiceDown": {"up": "1x50 0x10"},
    "ServiceNotReady": {"ready": "1x50 0x10"},
    "LogDown": {"log_database": "1x50 0x10"},
    "LogBehind": {'log_rows{state="spooled"}': "0+5x60"},
    "Errors": {"errors_total": "0x55 1x5"},
    "Busy": {
        'requests_total{outcome="busy"}': "0+10x60",
        'requests_total{outcome="answered"}': "0+90x60",
        'requests_total{outcome="unauthorized"}': "0+900x60",
    },
    "Slow": {
        'request_seconds_bucket{le="0.5"}': "0+98x60",
        'request_seconds_bucket{le="1.0"}': "0+100x60",
        'request_seconds_bucket{le="+Inf"}': "0+100x60",
    },
    "ReferenceRoad": {'model_compiled{run="a"}': "0x60"},
    "ShadowsDropped": {"shadows_dropped_total": "0x30 7x30"},
    "LessConfident": {'not_confident_total{run="a"}': "0+1x1500 1500+8x60", 'answers_total{run="a"}': "0+30x1560"},
    "MoreUnusual": {'unusual_total{run="a"}': "0x1500 0+3x60", 'answers_total{run="a"}': "0+30x1560"},
    "BadRequests": {
        'requests_total{outcome="invalid"}': "0+3x60",
        'requests_total{outcome="answered"}': "0+9x60",
        'requests_total{outcome="unauthorized"}': "0+90x60",
    },
    "Drifted": {'drifted_columns{run="a"}': "0x20 2x40"},
    "ExpectedScoreLower": {'expected_score{run="a", metric="roc_auc"}': "0.9x1400 0.8x1500"},
    "MonitorAlarm": {'monitor_alarms{run="a"}': "0x20 1x40"},
}
QUIET = {
    **{"up": "1x1560", "ready": "1x1560", "log_database": "1x1560", 'model_compiled{run="a"}': "1x1560"},
    **{'log_rows{state="spooled"}': "0x1500 30x1 9x1 0x57", "shadows_dropped_total": "0x1560"},
    'answers_total{run="a"}': "0+30x1560",
    **{'requests_total{outcome="answered"}': "0+90x1560", 'requests_total{outcome="busy"}': "0+1x1560"},
    **{'requests_total{outcome="invalid"}': "0+9x1560", "errors_total": "0x1560"},
    **{'not_confident_total{run="a"}': "0+6x1560", 'unusual_total{run="a"}': "0+2x1560"},
    **{'request_seconds_bucket{le="0.5"}': "0+100x1560", 'request_seconds_bucket{le="+Inf"}': "0+100x1560"},
    **{'drifted_columns{run="a"}': "0x1560", 'monitor_alarms{run="a"}': "0x1500 1x9 0x51"},
    **{'expected_score{run="a", metric="roc_auc"}': "0.9x1500 0.87x60"},
    **{f'expected_score{{run="a", metric="{error}"}}': "0.9x1400 0.3x1500" for error in ("log_loss", "median_error")},
    **{'expected_score{run="a", metric="r2"}': "0.42x1400 0.396x160"},  # as windows of 1,000 rows differ by chance
}
# The same of series that begin late, as those of a new pod or run do; nobody was unsure of that run until now.
LATE = {name: {of: f"_x1500 {values}" for of, values in series.items()} for name, series in FIRING.items()}
LATE |= {
    name: {f'{of}{{run="b"}}': "_x1380 0x120 0+8x60", 'answers_total{run="b"}': "_x1380 0+30x1560"}
    for name, of in (("LessConfident", "not_confident_total"), ("MoreUnusual", "unusual_total"))
}
LATE["ExpectedScoreLower"] = {'expected_score{run="b", metric="roc_auc"}': "_x1200 0.9x60 0.8x1560"}


def read(path: Path) -> dict:
    """A file of YAML."""
    return yaml.safe_load(path.read_text("utf-8"))


def manifests(project: Path) -> dict[str, dict]:
    """The manifests of Kubernetes by their kind, of a CronJob with its file, without what only kustomize reads."""
    found = {path.stem: read(path) for path in sorted((project / "deploy" / "kubernetes").glob("*.yaml"))}
    kinds = {name: one["kind"] + f" {name}" * (one["kind"] == "CronJob") for name, one in found.items()}
    return {kinds[name]: one for name, one in found.items() if kinds[name] != "Kustomization"}


def jobs(project: Path) -> dict[str, dict]:
    """The pods of the CronJobs, by their verb."""
    found = {name.removeprefix("CronJob "): one for name, one in manifests(project).items() if "CronJob" in name}
    return {name: one["spec"]["jobTemplate"]["spec"]["template"]["spec"] for name, one in found.items()}


def metrics() -> dict[str, set[str]]:
    """The names on /metrics of the figures that counts.py defines, with their labels."""
    found = {}
    for node in ast.walk(ast.parse((SERVICE / "counts.py").read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SUFFIXES:
            name = ast.literal_eval(node.args[0]).removesuffix("_total")
            labels = [ast.literal_eval(word) for word in node.args[2:] if isinstance(word, ast.List)]
            found |= {name + suffix: {*(labels[0] if labels else ())} for suffix in SUFFIXES[node.func.id]}
    return found


def expressions(project: Path) -> list[str]:
    """What is asked of Prometheus in the alert rules and on the dashboard."""
    rules = [rule["expr"] for group in read(project / "deploy/alerts.yml")["groups"] for rule in group["rules"]]
    panels = json.loads((project / "deploy/grafana.json").read_text("utf-8"))["panels"]
    return rules + [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("version", utils.all_versions()[-3:])
def test_manifests_hold_what_kubernetes_knows_and_nothing_else(default_project, version):
    found = manifests(default_project)

    kinds = ["CronJob monitor", "CronJob retrain", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"]
    assert sorted(found) == kinds
    for manifest in found.values():
        kubernetes_validate.validate(manifest, version, strict=True)
    misspelt = {**found["Service"], "spec": {**found["Service"]["spec"], "selektor": {}}}
    with pytest.raises(kubernetes_validate.ValidationError, match="selektor"):
        kubernetes_validate.validate(misspelt, version, strict=True)


def test_kubeconform_finds_nothing(default_project):
    if not shutil.which("kubeconform"):
        pytest.skip("kubeconform is not on the PATH")
    files = [str(path) for path in (default_project / "deploy/kubernetes").glob("*.yaml")]

    done = subprocess.run(["kubeconform", "-strict", "-skip", "Kustomization", *files], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


def test_kustomization_names_every_manifest_and_its_image(default_project):
    folder = default_project / "deploy" / "kubernetes"
    kustomization = read(folder / "kustomization.yaml")
    (container,) = manifests(default_project)["Deployment"]["spec"]["template"]["spec"]["containers"]

    assert {*kustomization["resources"], "kustomization.yaml"} == {path.name for path in folder.iterdir()}
    pods = jobs(default_project)
    images = {container["image"], *(one["image"] for pod in pods.values() for one in pod["containers"])}
    assert container["image"] == pods["monitor"]["containers"][0]["image"] == default_project.name
    assert {image["name"] for image in kustomization["images"]} == images


def test_selectors_and_ports_of_the_manifests_meet_the_pods(default_project):
    found = manifests(default_project)
    pod = found["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    (port,) = container["ports"]
    selectors = [found[kind]["spec"]["selector"] for kind in ("Deployment", "PodDisruptionBudget", "Service")]
    selectors += [found["NetworkPolicy"]["spec"]["podSelector"]]
    selectors += [pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]]
    probes = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]

    assert all(selector.get("matchLabels", selector) == pod["metadata"]["labels"] for selector in selectors)
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == port["name"] == probes[0]["port"]
    assert found["NetworkPolicy"]["spec"]["ingress"][0]["ports"] == [{"port": port["containerPort"]}]
    assert [probe["path"] for probe in probes] == ["/health/live", "/health/live", "/health/ready"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["spec"]["volumes"]}


def test_names_of_the_manifests_are_names_to_kubernetes_whatever_the_repository_is_called(render, tmp_path):
    project = render(tmp_path, repo_name=f"a_b-{'long_' * 11}z", package_name="x")

    for manifest in manifests(project).values():
        most = 50 if manifest["kind"] == "CronJob" else 61  # 11 for the name of each job
        assert re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{most}}}[a-z0-9])?", manifest["metadata"]["name"])


def test_container_has_longer_to_end_than_sleep_and_drain_take_together(default_project):
    pod = manifests(default_project)["Deployment"]["spec"]["template"]["spec"]
    drain = tomllib.loads((default_project / "params.toml").read_text("utf-8"))["serve"]["drain"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    compose = read(default_project / "deploy" / "compose.yaml")["services"]["service"]

    assert pod["terminationGracePeriodSeconds"] > sleep + drain
    assert int(compose["stop_grace_period"].removesuffix("s")) > drain


def test_container_is_nobody_in_particular_and_writes_to_its_volumes_only(default_project):
    pod = manifests(default_project)["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    dockerfile = (default_project / "deploy" / "Dockerfile").read_text("utf-8")
    user, group = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE).groups()

    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]) == (int(user), int(group))
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/app/data/log", "/tmp"]
    assert {"cpu", "memory"} == {*container["resources"]["limits"]} == {*container["resources"]["requests"]}


def test_secrets_are_named_and_never_written(default_project):
    (container,) = manifests(default_project)["Deployment"]["spec"]["template"]["spec"]["containers"]
    compose = read(default_project / "deploy" / "compose.yaml")

    assert [one["name"] for one in container["env"]] == ["API_TOKEN", "DATABASE_URL"]
    assert all(one["valueFrom"]["secretKeyRef"]["key"] == one["name"] for one in container["env"])
    written = [value for one in compose["services"].values() for value in one.get("environment", {}).values()]
    assert [value for value in written if "$" not in value] == ["service", "service"], "the names of user and database"


def test_compose_file_fits_its_schema_and_what_it_mounts_is_there(default_project):
    file = default_project / "deploy" / "compose.yaml"
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]

    done = subprocess.run(check, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    compose = read(file)
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith(".")]
    assert sorted(files) == ["./alerts.yml", "./grafana.json", "./prometheus.yml"]
    assert all((file.parent / name).is_file() for name in files)
    assert {mount.split(":")[0] for mount in mounts} - {*files} == {*compose["volumes"]}
    for config in compose["configs"].values():
        assert yaml.safe_load(config["content"])["apiVersion"] == 1


def test_prometheus_asks_the_service_with_its_token_and_reads_the_rules(default_project):
    folder = default_project / "deploy"
    prometheus, compose = read(folder / "prometheus.yml"), read(folder / "compose.yaml")
    (job,) = prometheus["scrape_configs"]

    (target,) = job["static_configs"][0]["targets"]
    assert target.split(":")[0] in compose["services"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{compose['services']['prometheus']['secrets'][0]}"
    assert (folder / prometheus["rule_files"][0]).is_file()
    asked = {job for text in expressions(default_project) for job in re.findall('job="([^"$]*)"', text)}
    assert asked == {job["job_name"]}


def test_alerts_and_dashboard_ask_for_all_figures_of_the_service_with_its_labels_and_for_no_others(default_project):
    known = metrics() | {"up": set()}

    asked = set()
    for text in expressions(default_project):
        names = set(re.findall(r"\b([a-z_]+)\{", text))
        grouped = {label for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")}
        labels = grouped | set(re.findall(r"(\w+)=~?\"", text))
        assert names <= {*known} and labels <= ADDED.union(*(known[name] for name in names)), text
        asked |= names

    assert asked == {*known}


def promtool(*words: str, folder: Path) -> str:
    """What promtool says to these words; it comes with Prometheus."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not on the PATH (Debian: apt-get install prometheus)")
    done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_reads_rules_and_configuration(default_project):
    folder = default_project / "deploy"

    said = promtool("check", "rules", "alerts.yml", folder=folder)

    assert f"{len(FIRING)} rules found" in said
    promtool("check", "config", "--syntax-only", "prometheus.yml", folder=folder)


def unit_test(series: dict[str, str], expected: dict[str, int]) -> dict:
    """A test as promtool reads it: at the end of these figures these alerts fire so many times."""
    inputs = []
    for name, values in series.items():
        name, _, labels = name.partition("{")
        inputs.append({"series": f'{name}{{job="service", {labels or "}"}', "values": values})
    end = "1560m" if any("1500" in values or "1560" in values for values in series.values()) else "60m"
    alerts = [{"eval_time": end, "alertname": name, "exp_alerts": [{}] * count} for name, count in expected.items()]
    return {"interval": "1m", "input_series": inputs, "alert_rule_test": alerts}


def test_each_alert_fires_when_it_should_also_of_series_born_late_and_none_while_all_is_well_or_begins(
    default_project, tmp_path
):
    rules = read(default_project / "deploy" / "alerts.yml")
    named = [rule["alert"] for rule in rules["groups"][0]["rules"]]
    for rule in rules["groups"][0]["rules"]:
        del rule["annotations"], rule["labels"]
        rule["expr"] = f"count({rule['expr']})"  # whatever its labels
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules))
    blocks = [unit_test(QUIET, dict.fromkeys(named, 0))]
    blocks += [unit_test({name: f"_x1500 {values}" for name, values in QUIET.items()}, dict.fromkeys(named, 0))]
    unready = {**FIRING["ServiceNotReady"], **FIRING["Busy"]}  # sends requests away too, and needs no replicas
    blocks += [unit_test(unready, {"ServiceNotReady": 1, "Busy": 0})]
    blocks += [unit_test(series, {name: 1}) for table in (FIRING, LATE) for name, series in table.items()]
    test = {"rule_files": ["alerts.yml"], "evaluation_interval": "5m", "tests": blocks}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))

    said = promtool("test", "rules", "test.yml", folder=tmp_path)

    assert "SUCCESS" in said and named == [*FIRING] == [*LATE]


def test_cron_jobs_are_verbs_of_the_project_confined_as_the_service_and_never_two_of_one(default_project):
    known = re.findall(r"^def (\w+)", (SERVICE / "verbs.py").read_text("utf-8"), re.MULTILINE)
    service = manifests(default_project)["Deployment"]["spec"]["template"]["spec"]

    for verb, pod in jobs(default_project).items():
        (container,) = pod["containers"]
        assert container["args"] == [verb] and verb in known
        assert manifests(default_project)[f"CronJob {verb}"]["spec"]["concurrencyPolicy"] == "Forbid"
        assert pod["restartPolicy"] == "Never" and not pod["automountServiceAccountToken"]
        assert pod["securityContext"] == service["securityContext"]
        for one in [container, *pod.get("initContainers", [])]:
            assert one["securityContext"] == service["containers"][0]["securityContext"]
            assert {"cpu", "memory"} == {*one["resources"]["limits"]} == {*one["resources"]["requests"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
        assert container["env"][0]["valueFrom"]["secretKeyRef"]["key"] == "DATABASE_URL"


def test_crontab_and_workflow_call_the_same_verbs_at_the_same_times_as_the_cluster(default_project):
    folder = default_project / "deploy"
    times = {one: manifests(default_project)[f"CronJob {one}"]["spec"]["schedule"] for one in ("monitor", "retrain")}
    targets = re.findall(r"^([a-z]+):", (default_project / "Makefile").read_text("utf-8"), re.MULTILINE)
    targets += times

    lines = [line for line in (folder / "retrain.cron").read_text("utf-8").splitlines() if line[:1].isdigit()]
    workflow = read(folder / "retrain.yml")
    steps = [step["run"].split()[1] for step in workflow["jobs"]["retrain"]["steps"] if "run" in step]

    assert {re.search(r"make (\w+)", line)[1]: " ".join(line.split()[:5]) for line in lines} == times
    assert workflow[True]["schedule"] == [{"cron": times["retrain"]}], "on, which YAML 1.1 reads as true"
    assert steps == ["install", "pull", "retrain", "push"] and {*steps} <= {*targets}
    assert workflow["concurrency"]["cancel-in-progress"] is False


def test_lines_of_the_crontab_work_where_no_service_has_made_the_folder_of_the_log(default_project, tmp_path):
    text = (default_project / "deploy" / "retrain.cron").read_text("utf-8")
    (tmp_path / "Makefile").write_text("retrain:\n\t@echo new truths: 0\nmonitor:\n\t@echo alarm; exit 1\n")

    said = [
        subprocess.run(
            ["bash", "-c", line.split(maxsplit=5)[5]],
            env=PLAIN_ENVIRONMENT | {"PROJECT": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        for line in text.splitlines()
        if line[:1].isdigit()
    ]

    assert [one.stderr for one in said] == ["", ""] and "alarm" in said[0].stdout and said[1].stdout == ""
    assert "new truths: 0" in (tmp_path / "data" / "log" / "loop.txt").read_text()
    assert (tmp_path / "data" / "log").stat().st_mode & 0o777 == 0o700


def test_builder_of_the_image_sees_of_reports_nothing_but_what_answers_are_compared_with(default_project):
    seen = (default_project / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    copied = (default_project / "deploy" / "Dockerfile").read_text("utf-8")

    reports = [line for line in seen if "reports" in line]
    assert reports[:3] == ["!reports", "reports/*.*", "reports/*/*"]
    assert all("reference.json" in one for one in reports[3:])
    assert "COPY reports/ reports/" in copied


def test_folder_of_the_log_in_the_image_is_for_its_user_alone_as_one_that_the_service_makes(tmp_path):
    text = (TEMPLATE / PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    made = re.search(r"&& (mkdir .*) && chown 10001:10001 data/log$", text, re.MULTILINE)[1]

    subprocess.run(made, shell=True, check=True, cwd=tmp_path)

    assert (tmp_path / "data" / "log").stat().st_mode & 0o777 == 0o700
