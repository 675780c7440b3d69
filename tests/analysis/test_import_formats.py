"""Import of other formats: event files by their own writer, CleanRL's folders, and files made here by their sources."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from foreign_runs import Bring, refused, stored, write_json

from svgbench.analysis.read import formats
from svgbench.words.errors import UsageError

# ---- event files


def events(folder: Path, scalars: dict[str, list[tuple[int, float]]], **how: bool) -> Path:
    """The event file that torch's SummaryWriter makes of some scalars."""
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    writer.add_text("settings", "|a|b|")
    for tag, values in scalars.items():
        for step, value in values:
            writer.add_scalar(tag, value, step, **how)
    writer.add_histogram("weights", np.arange(8.0), 1)
    writer.close()
    (file,) = folder.glob("events*")
    return file


def frame(rows: list[tuple[int, float]], name: str = "eval_return") -> pd.DataFrame:
    values = np.array([value for _, value in rows], dtype=np.float32).astype(float)
    return pd.DataFrame({"step": [step for step, _ in rows], name: values})


ROWS = [(2500, 1.25), (5000, 0.1), (7500, 1e6)]


@pytest.mark.parametrize("style", [False, True], ids=["a value", "a tensor"])
def test_scalars(bring: Bring, tmp_path: Path, style: bool) -> None:
    events(tmp_path / "run_7", {"eval": ROWS, "train": ROWS}, new_style=style)
    done = bring(tmp_path / "run_7", "--map", "eval_return=eval", "--seed-from", r"run_(\d+)")
    stored(done, {7: frame(ROWS)})
    assert "not stored: column 'train'" in done.out


def test_tags_at_different_steps(bring: Bring, tmp_path: Path) -> None:
    file = events(tmp_path / "run_7", {"eval": ROWS, "loss": [*ROWS[:2], (6000, 2.0)], "alpha": ROWS[:1]})
    words = (tmp_path / "run_7", "--seed-from", r"run_(\d+)", "--map", "eval_return=eval")
    refused(bring(*words, "--map", "critic_loss=loss"), f"{file}: event", "column 'eval' is 'nan'")
    done = bring(*words)
    stored(done, {7: frame(ROWS).assign(alpha=[1.25, np.nan, np.nan])})


def test_a_step_that_stands_twice_is_refused(bring: Bring, tmp_path: Path) -> None:
    events(tmp_path / "run_7", {"eval": [*ROWS, (5000, 3.0)]})
    done = bring(tmp_path / "run_7", "--map", "eval_return=eval", "--seed-from", r"run_(\d+)")
    refused(done, "event 6: seed 7, step 5000 stands twice with different values, first in event 4")


def test_event_files_of_one_folder_are_one_run(bring: Bring, tmp_path: Path) -> None:
    first = events(tmp_path / "run_7", {"eval": ROWS[:2]})
    first.rename(first.with_name("events.out.tfevents.0"))
    second = events(tmp_path / "other", {"eval": ROWS[2:]})
    second.rename(tmp_path / "run_7" / "events.out.tfevents.1")
    done = bring(tmp_path / "run_7", "--map", "eval_return=eval", "--seed-from", r"run_(\d+)")
    stored(done, {7: frame(ROWS)})


def test_a_run_whose_steps_go_back_is_refused(bring: Bring, tmp_path: Path) -> None:
    """A run that was resumed from an earlier step holds the rows of both attempts."""
    words = ("--map", "eval_return=eval", "--seed-from", r"run_(\d+)")
    events(tmp_path / "run_7", {"eval": [*ROWS, (6000, 3.0)]})
    said = "event 6: step 6000 comes after step 7500 in event 5: was the run resumed?"
    refused(bring(tmp_path / "run_7", *words), said)
    refused(bring(tmp_path / "run_7", *words, "--every", "2500"), said)
    events(tmp_path / "run_8", {"eval": [*ROWS, (6000, 3.0)], "alpha": ROWS})
    refused(bring(tmp_path / "run_8", *words), "tag 'eval': step 6000 comes after step 7500")
    first = events(tmp_path / "run_9", {"eval": ROWS})
    first.rename(first.with_name("events.out.tfevents.0"))
    second = events(tmp_path / "other", {"eval": [(6000, 3.0), (8000, 4.0)]})
    second.rename(tmp_path / "run_9" / "events.out.tfevents.1")
    done = bring(tmp_path / "run_9", *words)
    refused(done, "tfevents.1: event 3: step 6000 comes after step 7500 in event 5 of", "tfevents.0")


def test_a_value_that_is_not_a_number_is_named(bring: Bring, tmp_path: Path) -> None:
    file = events(tmp_path / "run_7", {"eval": [*ROWS, (9000, float("nan"))]})
    done = bring(file, "--map", "eval_return=eval", "--seed-from", r"run_(\d+)")
    refused(done, f"{file}: event 6: column 'eval' is 'nan'; expected a finite number")


@pytest.mark.parametrize("where", ["cut", "length", "data", "end"])
def test_a_damaged_event_file_is_refused(bring: Bring, tmp_path: Path, where: str) -> None:
    file = events(tmp_path / "run_7", {"eval": ROWS})
    data = bytearray(file.read_bytes())
    start = struct.unpack_from("<Q", data)[0] + 16  # of event 2
    if where == "cut":
        del data[-5:]
    elif where == "end":
        data += b"\0" * 7
    else:
        data[start + (0 if where == "length" else 20)] ^= 1
    file.write_bytes(data)
    number = {"cut": 6, "end": 7}.get(where, 2)
    refused(bring(file, "--map", "eval_return=eval", "--seed-from", r"run_(\d+)"), f"{file}: event {number} ")


def test_a_library_that_is_not_installed_names_its_extra(bring: Bring, tmp_path: Path, monkeypatch) -> None:
    file = events(tmp_path / "run_7", {"eval": ROWS})
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.compat.proto.event_pb2", None)
    done = bring(file, "--map", "eval_return=eval", "--seed-from", r"run_(\d+)")
    refused(done, "is not installed; pip install 'svgbench[tensorboard]'")


# ---- CleanRL


def cleanrl(folder: Path, env: str = "Hopper-v4", experiment: str = "sac", seeds: tuple[int, ...] = (1, 2)) -> None:
    for seed in seeds:
        rows = [(step, float(seed + step)) for step in (900, 1900, 2800)]
        name = f"{env}__{experiment}__{seed}__170000000{seed}"
        events(folder / name, {"charts/episodic_return": rows, "charts/SPS": [(step, 1.0) for step, _ in rows]})


def test_cleanrl_states_its_seeds(bring: Bring, tmp_path: Path) -> None:
    cleanrl(tmp_path / "runs")
    refused(bring(tmp_path / "runs"), "format cleanrl is known to be 'eval_return'", "'charts/episodic_return'")
    done = bring(tmp_path / "runs", "--map", "eval_return=charts/episodic_return")
    stored(done, {seed: frame([(step, float(seed + step)) for step in (900, 1900, 2800)]) for seed in (1, 2)})


def test_runs_of_two_algorithms_are_refused(bring: Bring, tmp_path: Path) -> None:
    cleanrl(tmp_path / "runs", seeds=(1,))
    cleanrl(tmp_path / "runs", experiment="td3", seeds=(2,))
    done = bring(tmp_path / "runs", "--map", "eval_return=charts/episodic_return")
    refused(done, "several environments or algorithms: 'Hopper-v4 sac'", "'Hopper-v4 td3'")


def test_episodes_that_end_together_are_averaged_if_asked(bring: Bring, tmp_path: Path) -> None:
    rows = [(1000, 1.0), (1000, 3.0), (2000, 4.0)]
    events(tmp_path / "Hopper-v4__ppo__5__1700000000", {"charts/episodic_return": rows})
    words = (tmp_path, "--map", "eval_return=charts/episodic_return")
    refused(bring(*words), "event 4: episodes end at step 1000 here and in event 3; average them with --every")
    stored(bring(*words, "--every", "1000"), {5: frame([(1000, 2.0), (2000, 4.0)])})


# ---- text


def test_spinning_up(bring: Bring, tmp_path: Path) -> None:
    for seed in (0, 10):
        run = tmp_path / "data" / "sac" / f"sac_s{seed}"
        run.mkdir(parents=True)
        write_json(run / "config.json", {"exp_name": "sac", "seed": seed, "epochs": 2})
        rows = f"1\t{seed}.5\t-1.0\t2500\t3.2\n2\t{seed}.25\t-2.0\t5000\t6.4\n"
        (run / "progress.txt").write_text("Epoch\tAverageTestEpRet\tAverageEpRet\tTotalEnvInteracts\tTime\n" + rows)
    done = bring(tmp_path / "data")
    expected = {
        seed: pd.DataFrame(
            {"step": [2500, 5000], "eval_return": [seed + 0.5, seed + 0.25], "train_return": [-1.0, -2.0]}
        )
        for seed in (0, 10)
    }
    stored(done, expected)
    assert "not stored: columns 'Epoch', 'Time'" in done.out
    assert "not read: 2 other files" in done.out


def test_rllab_and_garage(bring: Bring, tmp_path: Path) -> None:
    for seed in (1, 2):
        run = tmp_path / "trpo" / f"run{seed}"
        run.mkdir(parents=True)
        write_json(run / "variant.json", {"seed": seed})
        (run / "progress.csv").write_text(f"Iteration,AverageReturn,TotalEnvSteps\n0,{seed}.5,2500\n1,2.5,5000\n")
    refused(bring(tmp_path / "trpo"), "format rllab is known to be 'eval_return'", "'AverageReturn'")
    done = bring(tmp_path / "trpo", "--map", "eval_return=AverageReturn")
    stored(done, {s: pd.DataFrame({"step": [2500, 5000], "eval_return": [s + 0.5, 2.5]}) for s in (1, 2)})


def test_garages_evaluations_may_be_training_episodes_and_are_not_taken_for_ours(bring: Bring, tmp_path: Path) -> None:
    write_json(tmp_path / "variant.json", {"seed": 1})
    (tmp_path / "progress.csv").write_text("Evaluation/AverageReturn,TotalEnvSteps\n1.5,2500\n")
    refused(bring(tmp_path), "format rllab is known to be 'eval_return'", "'Evaluation/AverageReturn'")


def test_iterations_are_not_taken_for_environment_steps(bring: Bring, tmp_path: Path) -> None:
    write_json(tmp_path / "params.json", {"seed": 1})
    (tmp_path / "progress.csv").write_text("Iteration,AverageReturn\n0,1.5\n")
    done = bring(tmp_path, "--map", "eval_return=AverageReturn")
    refused(done, "known to be 'step' (sac-svg/table2 counts environment steps); name it with --map step=COLUMN")


PLOT = (
    '"global_step","run s0 - eval","run s0 - eval__MIN","run s0 - eval__MAX","run s1 - eval","run s1 - eval__MIN",'
    '"run s1 - eval__MAX"\n"2500","1.5","1.5","1.5","","",""\n"5000","2.5","2.5","2.5","7.5","7.5","7.5"\n'
)


def test_a_plot_of_weights_and_biases(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "plot.csv"
    file.write_text(PLOT)
    words = ("--map", "step=global_step", "--map", "eval_return=eval", "--seed-from", r"run s(\d+)")
    expected = {0: ([2500, 5000], [1.5, 2.5]), 1: ([5000], [7.5])}
    done = bring(file, *words)
    stored(done, {s: pd.DataFrame({"step": steps, "eval_return": v}) for s, (steps, v) in expected.items()})
    file.write_text(PLOT.replace('"2.5","2.5","2.5"', '"2.5","2.0","3.0"'))
    again = bring(file, *words, "--replace")
    assert "row 2 (line 3): 'run s0 - eval' is 2.5 and 'run s0 - eval__MIN' 2: a mean over steps" in again.err
    file.write_text(PLOT)
    assert "finds no seed in the run 'run s0'" in bring(file, *words[:4], "--seed-from", r"x(\d+)", "--replace").err


def test_a_history_of_weights_and_biases(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "seed7.csv"
    file.write_text("_step,_runtime,global_step,eval,loss\n0,1.5,2500,3.5,\n1,2.5,,,0.5\n2,3.5,5000,4.5,\n")
    words = (file, "--seed-from", r"seed(\d+)")
    refused(bring(*words, "--map", "eval_return=eval"), "known to be 'step'", "'global_step'")
    done = bring(*words, "--map", "eval_return=eval", "--map", "step=global_step")
    stored(done, {7: pd.DataFrame({"step": [2500, 5000], "eval_return": [3.5, 4.5]})})
    file.write_text("_step,_runtime,global_step,eval\n0,1.5,2500,3.5\n1,2.5,,4.5\n")
    again = bring(*words, "--map", "eval_return=eval", "--map", "step=global_step", "--replace")
    assert "seed7.csv: row 2 (line 3): column 'global_step' is 'nan'; expected a whole number" in again.err


def test_the_word_nan_is_a_measurement_that_failed_and_no_blank(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "seed7.csv"
    file.write_text("_step,_runtime,global_step,eval\n0,1.5,2500,3.5\n1,2.5,5000,NaN\n")
    words = ("--map", "eval_return=eval", "--map", "step=global_step", "--seed-from", r"(?:seed|run s)(\d+)")
    refused(bring(file, *words), "seed7.csv: row 2 (line 3): column 'eval' is 'NaN'; expected a finite number")
    file.write_text(PLOT.replace('"7.5","7.5","7.5"', '"NaN","NaN","NaN"'))
    refused(bring(file, *words), "row 2 (line 3): column 'run s1 - eval' is 'NaN'; expected a finite number")


def test_open_rl_benchmark(bring: Bring, tmp_path: Path) -> None:
    for seed in (1, 2):
        run = tmp_path / "openrlbenchmark" / "cleanrl" / f"abc{seed}"
        run.mkdir(parents=True)
        write_json(run / "run.json", {"config": {"seed": seed, "env_id": "Hopper-v4", "exp_name": "sac"}})
        rows = f"0,1.0,0,900,{seed}.5,\n1,2.0,1,1000,,0.25\n2,3.0,2,1900,2.5,\n"
        (run / "run_df.csv").write_text(",_runtime,_step,global_step,charts/episodic_return,losses/alpha\n" + rows)
    done = bring(tmp_path / "openrlbenchmark", "--map", "eval_return=charts/episodic_return")
    stored(done, {s: pd.DataFrame({"step": [900, 1900], "eval_return": [s + 0.5, 2.5]}) for s in (1, 2)})


# ---- several CSVs, and columns by name


def csvs(folder: Path) -> None:
    folder.mkdir()
    for seed in (2, 10):
        (folder / f"run-{seed}.csv").write_text(f"Step,ret\n2500,{seed}.5\n5000,{seed + 1}.5\n")


MAPPED = ("--map", "step=Step", "--map", "eval_return=ret")


def test_csvs_with_seeds_in_their_names(bring: Bring, tmp_path: Path) -> None:
    csvs(tmp_path / "in")
    files = sorted((tmp_path / "in").glob("*.csv"))
    expected = {s: pd.DataFrame({"step": [2500, 5000], "eval_return": [s + 0.5, s + 1.5]}) for s in (2, 10)}
    stored(bring(*files, *MAPPED, "--seed-from", r"run-(\d+)"), expected)
    stored(bring(tmp_path / "in", *MAPPED, "--seed-from", r"run-(\d+)", "--format", "csv", "--replace"), expected)
    refused_ = bring(*files, *MAPPED, "--replace")
    assert "has no column 'seed'" in refused_.err
    assert "--seed-from" in refused_.err


def test_a_bad_row_of_several_files_names_its_file(bring: Bring, tmp_path: Path) -> None:
    csvs(tmp_path / "in")
    bad = tmp_path / "in" / "run-10.csv"
    bad.write_text("Step,ret\n2500,1.5\n2500,2.5\n")
    files = sorted((tmp_path / "in").glob("*.csv"))
    done = bring(*files, *MAPPED, "--seed-from", r"run-(\d+)")
    refused(
        done, f"{bad}: row 2 (line 3): seed 10, step 2500 stands twice with different values, first in row 1 (line 2)"
    )
    bad.write_text("Step,ret\n2500,x\n")
    refused(bring(*files, *MAPPED, "--seed-from", r"run-(\d+)"), f"{bad}: row 1 (line 2): column 'ret' is 'x'")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--map", "eval_retrn=ret"), "no column of sac-svg/table2 'eval_retrn'; did you mean 'eval_return'?"),
        (("--map", "eval_return"), "expected OURS=THEIRS"),
        (("--map", "eval_return=", "--map", "step=Step"), "sac-svg/table2 needs 'eval_return'"),
        (("--map", "eval_return=ret", "--map", "eval_return=ret"), "eval_return is mapped twice"),
        (("--map", "eval_return=ret", "--map", "step=ret"), "are both 'ret'; map a column once"),
        (("--map", "eval_return=rett", "--map", "step=Step"), "no column 'rett'; rename 'ret' to 'rett'"),
        (("--format", "sb3-moniter"), "no format 'sb3-moniter'; did you mean 'sb3-monitor'?"),
        (("--every", "0"), "--every 0: expected a whole number from 1"),
    ],
)
def test_a_wrong_option_is_refused(bring: Bring, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    csvs(tmp_path / "in")
    refused(bring(tmp_path / "in" / "run-2.csv", *words, "--seed-from", r"run-(\d+)"), said)


def test_a_folder_in_no_known_format(bring: Bring, tmp_path: Path) -> None:
    csvs(tmp_path / "in")
    refused(
        bring(tmp_path / "in", *MAPPED),
        "is a folder of 2 files in no known format; all its .csv files are read with --format csv",
    )


def test_the_source_of_an_import_is_kept(bring: Bring, tmp_path: Path) -> None:
    csvs(tmp_path / "in")
    bring(*sorted((tmp_path / "in").glob("*.csv")), *MAPPED, "--seed-from", r"run-(\d+)")
    (file,) = (tmp_path / "results").rglob("*--mine.json")
    meta = json.loads(file.read_text())
    assert meta["read"]["format"] == "csv"
    assert meta["read"]["map"] == {"step": "Step", "eval_return": "ret"}
    assert [source["name"] for source in meta["sources"]] == ["run-10.csv", "run-2.csv"]
    assert len(meta["source_sha256"]) == 64
    assert meta["source"] == "2 files of run-10.csv, run-2.csv"


def test_every_format_describes_itself() -> None:
    assert len(formats.names()) >= 10
    for name in formats.names():
        found = formats.format_of(name)
        assert found.title
        assert found.expected
        assert found.refines == "" or found.refines in formats.names()
    with pytest.raises(UsageError, match="did you mean 'tensorboard'"):
        formats.format_of("tensorbord")


def linked_runs(folder: Path) -> tuple[str, ...]:
    """A folder of two runs, and a third beside it; the words that read such folders."""
    for place in ("in/run-0", "in/run-1", "elsewhere/run-2"):
        (folder / place).mkdir(parents=True)
        (folder / place / "log.csv").write_text(f"seed,step,eval_return\n0,2500,{place[-1]}.5\n")
    return ("--format", "csv", "--seed-from", r"run-(\d+)")


def test_a_linked_folder_is_searched(bring: Bring, tmp_path: Path) -> None:
    words = linked_runs(tmp_path)
    (tmp_path / "in" / "run-2").symlink_to(tmp_path / "elsewhere" / "run-2")
    done = bring(tmp_path / "in", *words)
    stored(done, {s: pd.DataFrame({"step": [2500], "eval_return": [s + 0.5]}) for s in (0, 1, 2)})
    assert "not read" not in done.out


@pytest.mark.parametrize("target", ["..", "../..", "../run-1", "nowhere", "."])
def test_a_link_that_leads_to_nothing_new_is_named(bring: Bring, tmp_path: Path, target: str) -> None:
    words = linked_runs(tmp_path)
    (tmp_path / "in" / "run-0" / "link").symlink_to(target)
    done = bring(tmp_path / "in", *words)
    stored(done, {s: pd.DataFrame({"step": [2500], "eval_return": [s + 0.5]}) for s in (0, 1)})
    assert f"not read: 1 other file, such as {tmp_path}/in/run-0/link" in " ".join(done.out.split())


def test_runs_of_the_same_bytes_are_named(bring: Bring, tmp_path: Path) -> None:
    words = linked_runs(tmp_path)
    log = tmp_path / "in" / "run-1" / "log.csv"
    log.write_bytes((tmp_path / "in" / "run-0" / "log.csv").read_bytes())
    done = bring(tmp_path / "in", *words)
    said = f"{tmp_path}/in/run-0/log.csv and {log} hold the same bytes"
    assert said in " ".join(done.out.split())


def test_one_seed_may_stand_twice_in_a_path(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "seed_1" / "seed_01.csv"
    file.parent.mkdir()
    file.write_text("step,eval_return\n2500,1.5\n")
    done = bring(file, "--seed-from", r"seed_(\d+)")
    stored(done, {1: pd.DataFrame({"step": [2500], "eval_return": [1.5]})})


def test_a_pattern_that_finds_nothing_is_not_helped_by_the_settings(bring: Bring, tmp_path: Path) -> None:
    for seed in (1, 2):
        events(tmp_path / f"Hopper__sac__{seed}__99", {"charts/episodic_return": ROWS})
    words = (tmp_path, "--map", "eval_return=charts/episodic_return")
    refused(bring(*words, "--seed-from", "__(2)__"), "finds no seed in", "__1__99")
    assert bring(*words).status == 0


def test_a_seed_that_64_bits_do_not_hold_is_none(bring: Bring, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "progress.txt").write_text("Epoch\tAverageTestEpRet\tTotalEnvInteracts\n0\t1.5\t2500\n")
    write_json(run / "config.json", {"seed": 2**63})
    refused(bring(run), "no seed; name its place")


def test_a_damaged_file_of_a_folder_is_refused_and_not_overlooked(bring: Bring, tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / "logs" / f"seed_{seed}").mkdir(parents=True)
        file = tmp_path / "logs" / f"seed_{seed}" / "evaluations.npz"
        np.savez(file, timesteps=[10], results=[[1.0]])
    file.write_bytes(file.read_bytes()[:50])
    refused(bring(tmp_path / "logs", "--seed-from", r"seed_(\d+)"), f"{file} is not an evaluations.npz")
    file.write_bytes(b"")
    refused(bring(tmp_path / "logs", "--seed-from", r"seed_(\d+)"), f"{file} is not an evaluations.npz")


def test_the_same_seeds_of_two_tasks_may_lie_in_two_files(bring: Bring, tmp_path: Path) -> None:
    for task in ("poplin/hopper", "poplin/ant"):
        rows = f"{task},0,50000,1.5\n{task},1,50000,2.5\n"
        (tmp_path / f"{task[7:]}.csv").write_text("task,seed,step,eval_return\n" + rows)
    several = bring(*sorted(tmp_path.glob("*.csv")), task=None)
    assert several.status == 0, several.err
    assert sorted(several.frame["task"].unique()) == ["poplin/ant", "poplin/hopper"]


def test_a_column_is_read_once(bring: Bring, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("seed,step,ret\n0,2500,1.5\n")
    refused(bring(tmp_path / "a.csv", "--map", "eval_return=step"), "'step' would be step and eval_return; see --map")


def test_control_characters_of_a_name_reach_no_terminal(bring: Bring, tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[2J\nb.csv"
    file.write_text("seed,step,eval_return\n0,2500,1.5\n")
    done = bring(file)
    assert "mine is imported from a?[2J?b.csv" in done.notes


def test_names_that_are_not_utf8_can_be_stored(bring: Bring, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"runs\xff")
    folder.mkdir()
    for seed in (0, 1):
        np.savez(folder / os.fsdecode(b"\xfe_seed_%d.npz" % seed), timesteps=[10], results=[[1.0]])
    assert bring(folder, "--seed-from", r"seed_(\d+)").status == 0
    (file,) = (tmp_path / "results").rglob("*--mine.json")
    assert json.loads(file.read_text())["source"] == "2 files of runs?"
