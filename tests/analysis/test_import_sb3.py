"""Import of what Stable-Baselines3 writes in a real run: evaluations, monitor files, event files, the zoo's layout."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from foreign_runs import SEEDS, Bring, refused, stored

sb3 = pytest.importorskip("stable_baselines3")

STEPS = 96
PATTERN = r"seed_(\d+)"


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A2C on CartPole with a monitor, evaluations and event files, a folder for each seed."""
    import gymnasium
    from stable_baselines3 import A2C
    from stable_baselines3.common.callbacks import EvalCallback
    from stable_baselines3.common.monitor import Monitor

    folder = tmp_path_factory.mktemp("sb3") / "logs"
    for seed in SEEDS:
        own = folder / f"seed_{seed}"
        env = Monitor(gymnasium.make("CartPole-v1"), str(own / "monitor.csv"))
        evaluation = Monitor(gymnasium.make("CartPole-v1"))
        model = A2C("MlpPolicy", env, seed=seed, device="cpu", n_steps=8, tensorboard_log=str(own / "events"))
        callback = EvalCallback(evaluation, eval_freq=32, n_eval_episodes=2, log_path=str(own), verbose=0)
        model.learn(STEPS, callback=callback)
        env.close()
    return folder


def evaluations(file: Path) -> pd.DataFrame:
    with np.load(file) as archive:
        return pd.DataFrame({"step": archive["timesteps"], "eval_return": archive["results"].mean(axis=1)})


def test_evaluations(bring: Bring, training: Path) -> None:
    done = bring(training, "--format", "sb3-evaluations", "--seed-from", PATTERN)
    expected = {seed: evaluations(training / f"seed_{seed}" / "evaluations.npz") for seed in SEEDS}
    assert [len(frame) for frame in expected.values()] == [3, 3]
    stored(done, expected)
    assert "not stored: column 'ep_lengths'" in done.out
    assert "not read: 4 other files, such as" in done.out


def test_what_holds_several_formats_is_refused_with_the_candidates(bring: Bring, training: Path) -> None:
    refused(bring(training), "sb3-evaluations (2 files,", "sb3-monitor (2 files,", "tensorboard (2 files,", "--format")


def test_one_format_is_found_by_the_contents(bring: Bring, training: Path) -> None:
    files = sorted(training.glob("*/evaluations.npz"))
    assert bring(*files, "--seed-from", PATTERN).status == 0


def test_a_seed_is_never_guessed(bring: Bring, training: Path) -> None:
    file = training / "seed_3" / "evaluations.npz"
    refused(bring(file), "no seed", "--seed-from")
    refused(bring(file, "--seed-from", r"run(\d+)"), "finds no seed in")
    refused(bring(file, "--seed-from", "seed"), "expected one group")
    refused(bring(file, "--seed-from", "(seed"), "not a regular expression")
    refused(bring(file, "--seed-from", "(seed)"), "finds 'seed' in", "expected a whole number")
    refused(bring(training / "seed_3", "--format", "sb3-evaluations", "--seed-from", r"(\d)"), "expected one")


def test_runs_are_numbered_only_if_asked(bring: Bring, training: Path) -> None:
    done = bring(training, "--format", "sb3-evaluations", "--seed-from", "order")
    stored(done, {n: evaluations(training / f"seed_{seed}" / "evaluations.npz") for n, seed in enumerate(SEEDS)})


def test_two_runs_of_one_seed_are_refused(bring: Bring, training: Path, tmp_path: Path) -> None:
    shutil.copytree(training / "seed_3", tmp_path / "again" / "seed_3")
    done = bring(training, tmp_path / "again", "--format", "sb3-evaluations", "--seed-from", PATTERN)
    refused(done, "seed 3 is that of two runs", "again/seed_3/evaluations.npz")


def test_monitor_files_are_training_episodes_at_the_steps_where_they_end(bring: Bring, training: Path) -> None:
    from stable_baselines3.common.monitor import load_results
    from stable_baselines3.common.results_plotter import ts2xy

    expected = {}
    for seed in SEEDS:
        steps, returns = ts2xy(load_results(str(training / f"seed_{seed}")), "timesteps")
        expected[seed] = pd.DataFrame({"step": steps, "eval_return": returns})
    monitor = (training, "--format", "sb3-monitor", "--seed-from", PATTERN)
    refused(bring(*monitor), "nothing in the format sb3-monitor is known to be 'eval_return'", "'timesteps'")
    stored(bring(*monitor, "--map", "eval_return=r"), expected)


def test_monitor_files_of_parallel_environments_are_one_run(bring: Bring, tmp_path: Path) -> None:
    from stable_baselines3.common.monitor import ResultsWriter, load_results
    from stable_baselines3.common.results_plotter import ts2xy

    for env, start, times in ((0, 1000.0, (1.0, 4.0)), (1, 1000.5, (1.0, 2.0))):
        header = {"t_start": start, "env_id": "Hopper-v5"}
        writer = ResultsWriter(str(tmp_path / "runs" / str(env)), header, override_existing=True)
        for number, t in enumerate(times):
            writer.write_row({"r": 10.0 * env + number, "l": 100 + env, "t": t})
        writer.close()
    steps, returns = ts2xy(load_results(str(tmp_path / "runs")), "timesteps")
    done = bring(tmp_path / "runs", "--map", "eval_return=r", "--seed-from", "order")
    stored(done, {0: pd.DataFrame({"step": steps, "eval_return": returns})})
    assert returns.tolist() == [0.0, 10.0, 11.0, 1.0]


def monitor(path: Path, episodes: int, start: float, r: float = 1.0, length: int = 100) -> None:
    path.parent.mkdir(exist_ok=True)
    rows = "".join(f"{r},{length},{t}.5\n" for t in range(episodes))
    path.write_text(f'#{{"t_start": {start}, "env_id": "Hopper-v5"}}\nr,l,t\n{rows}')


def test_monitor_files_of_training_and_of_evaluation_are_not_one_run(bring: Bring, tmp_path: Path) -> None:
    monitor(tmp_path / "run" / "monitor.csv", 5, 1000.0)
    monitor(tmp_path / "run" / "eval.monitor.csv", 5, 1000.0, r=9.0)
    words = (tmp_path / "run", "--map", "eval_return=r", "--seed-from", "order", "--every", "100")
    refused(bring(*words), "eval.monitor.csv", "are not called as the environments of one run (N.monitor.csv)")


def test_monitor_files_that_follow_each_other_are_named(bring: Bring, tmp_path: Path) -> None:
    monitor(tmp_path / "run" / "0.monitor.csv", 1, 1000.0)
    monitor(tmp_path / "run" / "1.monitor.csv", 1, 1000.25)
    words = (tmp_path / "run", "--map", "eval_return=r", "--seed-from", "order", "--replace")
    assert "continued" not in bring(*words).out
    monitor(tmp_path / "run" / "2.monitor.csv", 2, 5000.0)
    done = bring(*words)
    assert done.frame["step"].tolist() == [100, 200, 300, 400]
    said = "2.monitor.csv begins after the other files of its folder end: taken as the same run, continued"
    assert said in " ".join(done.out.split())


def test_a_packed_monitor_file_is_read_if_its_format_is_named(bring: Bring, tmp_path: Path) -> None:
    monitor(tmp_path / "run" / "monitor.csv", 2, 1000.0)
    file = tmp_path / "monitor.csv.gz"
    file.write_bytes(gzip.compress((tmp_path / "run" / "monitor.csv").read_bytes()))
    words = (file, "--map", "eval_return=r", "--seed-from", "order")
    refused(bring(*words), "line 1 is a monitor file's; say --format sb3-monitor")
    assert bring(*words, "--format", "sb3-monitor").frame["step"].tolist() == [100, 200]


def test_lengths_that_64_bits_cannot_sum_are_refused(bring: Bring, tmp_path: Path) -> None:
    monitor(tmp_path / "run" / "monitor.csv", 3, 1000.0, length=2**62)
    done = bring(tmp_path / "run", "--map", "eval_return=r", "--seed-from", "order")
    refused(done, "the lengths l sum to more than")


def test_monitor_files_of_two_environments_are_refused(bring: Bring, tmp_path: Path) -> None:
    for env in ("Hopper-v5", "Ant-v5"):
        folder = tmp_path / "runs" / env
        folder.mkdir(parents=True)
        (folder / "monitor.csv").write_text(f'#{{"t_start": 1.5, "env_id": "{env}"}}\nr,l,t\n1.0,10,2.5\n')
    done = bring(tmp_path / "runs", "--map", "eval_return=r", "--seed-from", "order")
    refused(done, "several environments or algorithms: 'Ant-v5'", "'Hopper-v5'")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1.0,10,2.5\n2.0,10,1.5\n", "row 2 (line 4): the time t goes back"),
        ("nan,10,2.5\n", "row 1 (line 3): column 'r' is 'nan'; expected a finite number"),
        ("1.0,1.5,2.5\n", "row 1 (line 3): column 'l' is '1.5'; expected a whole number"),
        ("1.0,10\n", "row 1 (line 3): it has 2 fields, the header has 3"),
    ],
)
def test_a_bad_row_of_a_monitor_file_is_named(bring: Bring, tmp_path: Path, rows: str, said: str) -> None:
    file = tmp_path / "0.monitor.csv"
    file.write_text('#{"t_start": 1.5, "env_id": "None"}\nr,l,t\n' + rows)
    refused(bring(file, "--map", "eval_return=r", "--seed-from", r"(\d+)\.monitor"), str(file), said)


def test_episodes_are_averaged_only_if_asked(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "0.monitor.csv"
    episodes = [(1.0, 40), (2.0, 60), (3.0, 70), (4.0, 110), (5.0, 50)]  # end at 40, 100, 170, 280, 330
    rows = "".join(f"{r},{length},{n}\n" for n, (r, length) in enumerate(episodes))
    file.write_text('#{"t_start": 1.5, "env_id": "None"}\nr,l,t\n' + rows)
    words = (file, "--map", "eval_return=r", "--seed-from", r"(\d+)\.monitor", "--replace")
    stored(bring(*words), {0: pd.DataFrame({"step": [40, 100, 170, 280, 330], "eval_return": [1.0, 2, 3, 4, 5]})})
    done = bring(*words, "--every", "100")
    stored(done, {0: pd.DataFrame({"step": [100, 200, 300], "eval_return": [1.5, 3.0, 4.0]})})
    assert "5 rows became 3" in done.out
    assert "the rows come from training episodes" in done.out
    assert "mine is imported from 0.monitor.csv (sb3-monitor, training episodes, means over 100 steps)" in done.notes
    assert "1 after a seed's last multiple of 100 are left out" in " ".join(done.out.split())
    gap = bring(*words, "--every", "30")
    assert gap.status == 2
    assert "--every 30: seed 0 has no row after step 0, up to 30" in gap.err


def test_event_files(bring: Bring, training: Path) -> None:
    pytest.importorskip("tensorboard")
    words = (training, "--format", "tensorboard", "--seed-from", PATTERN)
    refused(bring(*words), "'eval_return'", "--map", "'eval/mean_reward'")
    done = bring(*words, "--map", "eval_return=eval/mean_reward")
    expected = {}
    for seed in SEEDS:
        frame = evaluations(training / f"seed_{seed}" / "evaluations.npz")
        expected[seed] = frame.assign(eval_return=frame["eval_return"].astype(np.float32).astype(float))
    stored(done, expected)


def test_the_zoo_states_its_seeds(bring: Bring, training: Path, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    for number, seed in enumerate(SEEDS, 1):
        own = tmp_path / "logs" / "a2c" / f"CartPole-v1_{number}"
        (own / "CartPole-v1").mkdir(parents=True)
        for name in ("evaluations.npz", "monitor.csv"):
            shutil.copy(training / f"seed_{seed}" / name, own / name.replace("monitor", "0.monitor"))
        settings = OrderedDict(algo="a2c", env="CartPole-v1", seed=seed, verbose=1)
        (own / "CartPole-v1" / "args.yml").write_text(yaml.dump(settings))
    done = bring(tmp_path / "logs", "--format", "rl-zoo3")
    stored(done, {seed: evaluations(training / f"seed_{seed}" / "evaluations.npz") for seed in SEEDS})
    refused_ = bring(tmp_path / "logs", "--replace")
    assert "rl-zoo3 (2 files" in refused_.err
    assert "sb3-evaluations" not in refused_.err, "the zoo's layout is the finer one"


def test_an_evaluation_that_is_not_a_number_is_named(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "seed_0.npz"
    np.savez(file, timesteps=[10, 20], results=[[1.0, 2.0], [3.0, np.nan]], ep_lengths=[[1, 1], [1, 1]])
    refused(bring(file, "--seed-from", PATTERN), f"{file}: evaluation 2: episode 2 of 'results' is nan")
    np.savez(file, timesteps=[10, 10], results=[[1.0], [3.0]])
    refused(bring(file, "--seed-from", PATTERN), "evaluation 2: seed 0, step 10 stands twice with different values")
    np.savez(file, timesteps=[10], results=[[1.0], [3.0]])
    refused(bring(file, "--seed-from", PATTERN), "array 'results' is float64 of shape (2, 1); expected 1 rows")
    file.write_bytes(file.read_bytes()[:-40])
    refused(bring(file, "--seed-from", PATTERN, "--format", "sb3-evaluations"), "is not an evaluations.npz")


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_a_damaged_packed_evaluation_is_refused(bring: Bring, tmp_path: Path, at: float) -> None:
    file = tmp_path / "seed_0" / "evaluations.npz"
    file.parent.mkdir()
    rng = np.random.default_rng(0)
    np.savez_compressed(file, timesteps=np.arange(200), results=rng.normal(size=(200, 5)))
    data = bytearray(file.read_bytes())
    data[int(at * len(data)) : int(at * len(data)) + 40] = bytes(40)
    file.write_bytes(data)
    refused(bring(file.parent, "--seed-from", PATTERN), "is not an evaluations.npz that can be read")


def test_a_dry_run_says_everything_and_writes_nothing(bring: Bring, training: Path) -> None:
    words = (training, "--format", "sb3-evaluations", "--seed-from", PATTERN, "--dry-run")
    done = bring(*words)
    assert done.status == 0
    assert done.frame is None
    shown, _, said = done.out.partition("would be written: ")
    assert said
    assert max(map(len, shown.splitlines())) <= 80
    assert done.out.splitlines()[0] == "sb3-evaluations: evaluations of Stable-Baselines3 (EvalCallback)"
    rows = json.loads(bring(*words, "--json").out)
    runs = [(row["seed"], row["rows"], row["first_step"], row["last_step"]) for row in rows if row["kind"] == "run"]
    assert runs == [(3, 3, 32, 96), (4, 3, 32, 96)]
    columns = {row["name"]: row["becomes"] for row in rows if row["kind"] == "column"}
    assert columns == {"timesteps": "step", "results": "eval_return", "ep_lengths": "not stored"}
    wrong = bring(training, "--format", "sb3-monitor", "--seed-from", PATTERN, "--dry-run")
    assert wrong.status == 2
    assert "'r'" in wrong.out, "the columns are shown that a map can name"
