"""Policies of runs, as a user meets them: kept by `run`, listed, made by a rerun, loaded, evaluated, filmed."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from harness import ROOT, Bench

import svgbench
from svgbench import reproduce
from svgbench.lab.cells import Selection, expand
from svgbench.lab.policies import as_bytes, keep, path_of, read
from svgbench.lab.store import Store
from svgbench.tasks.rendering import Renderer
from svgbench.tasks.trpo.robots import make_hopper
from svgbench.words.errors import UsageError
from svgbench.words.policy import TrainedPolicy

POLES = ("trpo/fig4", "--budget", "smoke", "--tasks", "trpo/cart-pole", "--variants", "cem")


def cell(task, variant="cem", seeds=2):
    chosen = Selection("smoke", tuple(range(seeds)), (task,), (variant,))
    return expand(reproduce.experiments()["trpo/fig4"], chosen)[0]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Two seeds of a search on the cart-pole."""
    bench = Bench(tmp_path_factory.mktemp("policies") / "results")
    done = bench("run", *POLES, "--jobs", "1")
    assert done.status == 0, done.err
    return bench


@pytest.fixture
def bench(ran, tmp_path):
    copy = Bench(tmp_path / "results")
    shutil.copytree(ran.results, copy.results)
    return copy


def policies(bench, *words):
    return [(row["seed"], row["status"]) for row in bench("policy", *POLES, "--json", *words).json]


def test_a_run_keeps_its_policies_beside_the_results(bench):
    assert policies(bench) == [(0, "kept"), (1, "kept")]
    shown = bench("policy", *POLES)
    assert "2/2" in shown.out
    assert "cem" in shown.out
    (row,) = bench("policy", *POLES, "--seeds", "1-1", "--json").json
    assert row["file"] == str(path_of(bench.store, cell("trpo/cart-pole"), 1))
    assert row["bytes"] < 10_000
    assert bench("verify").out == "1 of 1 files are as they were written\n"


def test_a_policy_is_a_function_of_observations(bench):
    policy = svgbench.policy("trpo/fig4", "trpo/cart-pole", "cem", 1, results=bench.results)
    env = policy.env()
    observation, _ = env.reset(seed=3)
    action = policy(observation)
    assert action.shape == env.action_space.shape
    assert policy(np.stack([observation, observation])).tolist() == [action.tolist()] * 2
    assert policy.predict(observation)[0].tolist() == action.tolist()
    with pytest.raises(ValueError, match="only the deterministic policy"):
        policy.predict(observation, deterministic=False)
    assert env.step(action)[1] > 0
    assert repr(policy) == "<Policy trpo/fig4 trpo/cart-pole cem seed 1, budget smoke>"


def test_a_rerun_makes_the_policies_of_results_that_have_none(bench):
    folder = path_of(bench.store, cell("trpo/cart-pole"), 0).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    csv = bench.csv(cell("trpo/cart-pole"))
    shutil.rmtree(bench.results / ".policies")
    assert policies(bench) == [(0, "no policy"), (1, "no policy")]
    with pytest.raises(UsageError, match=r"none was kept.*; a rerun can make it: .* --seeds 1-1 --rerun"):
        svgbench.policy("trpo/fig4", "trpo/cart-pole", "cem", 1, results=bench.results)
    done = bench("policy", *POLES, "--rerun", "--jobs", "1")
    assert done.status == 0, done.err
    assert policies(bench) == [(0, "kept"), (1, "kept")]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert bench.csv(cell("trpo/cart-pole")) == csv
    assert not list((bench.store.work / "reruns").rglob("*.csv"))


def test_a_policy_of_other_rows_is_not_the_result_s(bench):
    run = cell("trpo/cart-pole")
    path = path_of(bench.store, run, 0)
    shutil.copyfile(path_of(bench.store, run, 1), path)
    assert policies(bench) == [(0, "other rows"), (1, "kept")]
    with pytest.raises(UsageError, match="the policy's run had other rows than the result"):
        svgbench.policy("trpo/fig4", "trpo/cart-pole", "cem", 0, results=bench.results)
    path.write_bytes(b"no policy")
    assert policies(bench) == [(0, "damaged"), (1, "kept")]


@pytest.mark.parametrize(
    "change", [{"factory": "os:mkdir", "task_options": {"path": "made"}}, {"task_options": {"n": 1}}]
)
def test_a_policy_s_file_does_not_say_what_is_called(bench, tmp_path, monkeypatch, change):
    """Policies come in archives of other people."""
    monkeypatch.chdir(tmp_path)
    path = path_of(bench.store, cell("trpo/cart-pole"), 0)
    found = read(path)
    path.write_bytes(as_bytes(replace(found, about={**found.about, **change})))
    with pytest.raises(UsageError, match="cannot be used: it was trained on a task with"):
        svgbench.policy("trpo/fig4", "trpo/cart-pole", "cem", 0, results=bench.results)
    done = bench("video", *POLES, "--seeds", "0-0")
    assert done.status == 2
    assert "cannot be used" in done.err
    assert not (tmp_path / "made").exists()


def test_one_run_must_be_meant(bench):
    with pytest.raises(UsageError, match="2 runs with a policy: choose one of the seeds 0, 1"):
        svgbench.policy("trpo/fig4", results=bench.results)
    done = bench("video", *POLES)
    assert done.status == 2
    assert "choose one of the seeds 0, 1" in done.err
    done = bench("video", *POLES, "--seeds", "0-0")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "trpo/cart-pole is a plain equation and has no picture" in done.err
    assert not (bench.folder / "figures").exists()


def hopping(store):
    """A hopper's policy without training, with a result that it belongs to."""
    run, task = cell("trpo/hopper", seeds=1), make_hopper()
    text = "0,1" + ",0.5" * len(run.columns) + "\n"
    entry = {"status": "done", "rows": 1, "platform": {}}
    store.merge(run, {0: text}, {0: entry})
    rng = np.random.default_rng(0)
    O, A = task.observation_dim, task.action_dim  # noqa: E741  # axis letters
    policy = TrainedPolicy(
        np.zeros(O),
        np.ones(O),
        0.0,
        (0.02 * rng.normal(size=(O, A)),),
        (np.zeros(A),),
        "tanh",
        True,
        np.zeros(A),
        np.ones(A),
    )
    keep(store, run, 0, policy, text)


@pytest.fixture(scope="module")
def opengl():
    try:
        Renderer(make_hopper().simulate([0]).task.model, 32, 32).close()
    except RuntimeError as error:
        pytest.skip(str(error))


VIDEO = ("video", "trpo/fig4", "--tasks", "trpo/hopper", "--variants", "cem", "--budget", "smoke", "--frames", "5")


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_clip_of_five_pictures(tmp_path, suffix):
    if suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        pytest.skip("MP4 needs the extra svgbench[video]")
    bench = Bench(tmp_path / "results")
    hopping(bench.store)
    path = tmp_path / f"clip{suffix}"
    done = bench(*VIDEO, "--output", str(path), "--width", "96", "--height", "64", "--json")
    assert done.status == 0, done.err
    (row,) = done.json
    assert (row["frames"], row["steps"], row["every"]) == (5, 8, 2)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".clip")] == [], "nothing half written is left"
    if suffix == ".gif":
        from PIL import Image

        with Image.open(path) as picture:
            assert (picture.n_frames, picture.size) == (5, (96, 64))
            first = np.asarray(picture.convert("RGB")).astype(int)
            picture.seek(4)
            assert np.abs(np.asarray(picture.convert("RGB")) - first).max() > 20, "the robot moves"
    else:
        assert path.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--output", "clip.avi"), "expected a name that ends in .mp4 or .gif"),
        (("--width", "97"), "--width 97: expected an even number"),
        (("--frames", "0"), "--frames 0: expected a whole number from 1"),
    ],
)
def test_clips_that_cannot_be_are_refused_in_one_line(tmp_path, words, said):
    bench = Bench(tmp_path / "results")
    hopping(bench.store)
    done = bench(*VIDEO, *words)
    assert (done.status, done.err.strip().count("\n")) == (2, 0)
    assert said in done.err


def test_without_a_graphics_library_one_line_says_what_to_install(tmp_path, monkeypatch):
    from svgbench.tasks import rendering
    from svgbench.video import Clip, film

    hopping(Store(tmp_path))
    policy = svgbench.policy("trpo/fig4", "trpo/hopper", "cem", 0, results=tmp_path)

    def missing(name):
        raise ImportError(f"no {name} here")

    monkeypatch.setattr(rendering, "import_module", missing)
    with pytest.raises(UsageError, match=r"OpenGL is missing \(egl: no mujoco.egl here; osmesa: .*libosmesa6"):
        film(policy, tmp_path / "clip.gif", Clip(frames=2))
    assert not (tmp_path / "clip.gif").exists()


def test_the_hash_in_a_policy_is_that_of_the_result(ran):
    run = cell("trpo/cart-pole")
    lines = ran.csv(run).splitlines(keepends=True)
    own = b"".join(line for line in lines if line.startswith(b"1,"))
    policy = svgbench.policy("trpo/fig4", "trpo/cart-pole", "cem", 1, results=ran.results)
    assert policy.about["rows_sha256"] == hashlib.sha256(own).hexdigest() == ran.entries(run)["1"]["sha256"]


def examples():
    text = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("place", [0, 1], ids=["called", "stable-baselines3"])
def test_the_guide_s_examples_run_as_they_stand(ran, monkeypatch, place):
    if place == 1 and find_spec("stable_baselines3") is None:
        pytest.skip("needs the extra svgbench[crosscheck]")
    assert len(examples()) == 2
    monkeypatch.setenv("SVGBENCH_RESULTS", str(ran.results))
    names: dict = {}
    exec(compile(examples()[place], "docs/policies.md", "exec"), names)
    assert names["policy"].about["seed"] == 0
    if place == 1:
        assert 0 < names["mean"] <= 10_000
