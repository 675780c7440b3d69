"""The batch scripts of docs/cluster.md, as far as they can be tested without a batch system."""

from __future__ import annotations

import os
import re
import stat
import subprocess

import pytest
import yaml
from harness import ROOT
from test_docs import parse

PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def block(language):
    (text,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return text


@pytest.fixture
def slurm(tmp_path):
    """The script with `srun` and `scontrol` that note their words; `srun` ends with a status."""
    script = tmp_path / "job.sh"
    script.write_text(block("bash"))
    for name, end in (("srun", 'exit "$STATUS"'), ("scontrol", "exit 0")):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/said"\n{end}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def run(status):
        extra = {"STATUS": str(status), "SLURM_CPUS_PER_TASK": "8", "SLURM_JOB_ID": "77"}
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(["bash", str(script)], env={"PATH": path, **extra}, cwd=tmp_path, check=False)
        return done.returncode, (tmp_path / "said").read_text().splitlines()

    return run


@pytest.mark.parametrize(("status", "requeued"), [(0, False), (1, False), (4, True), (75, False)])
def test_the_slurm_script_requeues_on_4_only(slurm, status, requeued):
    code, said = slurm(status)
    assert code == status
    assert said[0].startswith("srun svgbench run sac-svg/table2 --results /shared/results --jobs 8 ")
    assert parse(said[0].removeprefix("srun svgbench "))["jobs"] == 8
    assert said[1:] == ["scontrol requeue 77"] * requeued
    assert subprocess.run(["bash", "-n"], input=block("bash"), text=True, check=False).returncode == 0


def test_the_kubernetes_manifest():
    job = yaml.safe_load(block("yaml"))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["completionMode"], pod["restartPolicy"]) == ("Indexed", "Never"), "what a podFailurePolicy needs"
    ignored = [
        rule["onExitCodes"]["values"] for rule in spec["podFailurePolicy"]["rules"] if rule["action"] == "Ignore"
    ]
    assert ignored == [[4]]
    (container,) = pod["containers"]
    program, *words = container["command"]
    assert program == "svgbench"
    options = parse(" ".join(words))
    (mount,) = container["volumeMounts"]
    assert str(options["results"]) == mount["mountPath"]
    assert mount["name"] == pod["volumes"][0]["name"]
