"""Past transitions of every seed, sampled one by one or as windows that stay inside an episode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int32, Int64
from torch import Tensor

from svgbench.memory.rows import filled_rows, refill, take


class ReplayBatch(NamedTuple):
    """A batch of transitions, part by part; B of them for each of S seeds."""

    x: Float[Tensor, "S B O"]  # the observation before the action
    xu: Float[Tensor, "S B O+A"]  # observation and action
    reward: Float[Tensor, "S B"]
    terminal: Float[Tensor, "S B"]  # 1 where the task ended
    next_x: Float[Tensor, "S B O"]  # the observation that the action led to


@dataclass(frozen=True)
class RowLayout:
    """Where the parts of a transition lie in a row: obs, action, next_obs, reward, terminal, in this order."""

    obs_dim: int
    action_dim: int

    @property
    def width(self) -> int:
        return 2 * self.obs_dim + self.action_dim + 2

    def obs(self, rows: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch {self.obs_dim}"]:
        return rows[..., : self.obs_dim]

    def action(self, rows: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch {self.action_dim}"]:
        return rows[..., self.obs_dim : self.obs_dim + self.action_dim]

    def obs_action(
        self, rows: Float[Tensor, "*batch width"]
    ) -> Float[Tensor, "*batch {self.obs_dim}+{self.action_dim}"]:
        return rows[..., : self.obs_dim + self.action_dim]

    def next_obs(self, rows: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch {self.obs_dim}"]:
        return rows[..., self.obs_dim + self.action_dim : -2]

    def reward(self, rows: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch"]:
        return rows[..., -2]

    def terminal(self, rows: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch"]:
        return rows[..., -1]

    def batch(self, rows: Float[Tensor, "S B width"]) -> ReplayBatch:
        """The parts of rows, in the same memory."""
        own = self.obs(rows), self.obs_action(rows), self.reward(rows), self.terminal(rows), self.next_obs(rows)
        return ReplayBatch(*own)


class Replay:
    """The last `capacity` transitions of each of S seeds, which all add together, one transition at a time.

    Windows are `window` consecutive transitions of one episode. With `whole_episodes` the last of them may end the
    episode. Without it, the window and the transition after it must all lie before the end, as in the code of Amos et
    al. 2020 (which reads window + 1 observations from the rows); so an episode's last transition never appears. No
    window crosses the place where new transitions overwrite the oldest.

    The cost of a draw does not depend on the replay's size: each seed has a queue of its windows' first places.

    rows: see `RowLayout`. size, added: transitions held, and ever added.
    """

    def __init__(
        self,
        S: int,
        capacity: int,
        obs_dim: int,
        action_dim: int,
        *,
        window: int = 1,
        whole_episodes: bool = True,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.layout = RowLayout(obs_dim, action_dim)
        self._span = window if whole_episodes else window + 1  # transitions after a window before it enters the queue
        if window < 1 or capacity < self._span:
            raise ValueError(
                f"window is {window}, expected 1 to {capacity} (the capacity), less one without whole_episodes"
            )
        self.capacity, self.window, self.whole_episodes = capacity, window, whole_episodes
        self.rows: Float[Tensor, "S capacity width"] = torch.zeros(
            S, capacity, self.layout.width, dtype=dtype, device=device
        )
        self.added = 0
        self._held = torch.zeros((), dtype=torch.int64, device=device)  # `size`, where a captured program can read it
        self._ends = torch.zeros(S, capacity, dtype=torch.bool, device=device)
        self._since_end = torch.zeros(S, dtype=torch.int64, device=device)  # transitions of the episode so far
        self._queue = torch.zeros(S, capacity, dtype=torch.int32, device=device)
        self._head = torch.zeros(S, dtype=torch.int64, device=device)  # windows ever dropped
        self._tail = torch.zeros(S, dtype=torch.int64, device=device)  # windows ever queued
        self._all_have = False  # whether every seed had a window at the last call of `lacking`
        self._seed = torch.arange(S, device=device)
        self._steps = torch.arange(window, device=device)[:, None]

    @property
    def size(self) -> int:
        return min(self.added, self.capacity)

    @property
    def ends(self) -> Bool[Tensor, "S capacity"]:
        """Whether the transition in each row was the last of its episode; in the replay's own memory."""
        return self._ends

    def add(self, transition: Float[Tensor, "S width"], end: Bool[Tensor, "S"]) -> None:
        """Add one transition per seed, laid out as `RowLayout`. The flag says whether its episode ended."""
        place = self.added % self.capacity
        if self.added >= self.capacity:
            self._head += self._queue_front() == place  # its window loses its first transition
        self.rows[:, place] = transition
        self._ends[:, place] = end
        self.added += 1
        self._held.fill_(self.size)
        self._queue_window(place, end)

    def sample(self, uniform: Float64[Tensor, "S B"]) -> Float[Tensor, "S B width"]:
        """Rows, drawn with replacement. `uniform` in [0, 1) selects them."""
        self._demand(self.added, "transition")
        return take(self.rows, (uniform * self._held).long())

    def sample_windows(self, uniform: Float64[Tensor, "S B"]) -> Float[Tensor, "S {self.window} B width"]:
        """Windows, drawn as in `sample`. A seed without windows (`lacking`) gets NaN."""
        self._demand(self.added - self._span + 1, "window")
        count = self.windows()
        nth = self._head[:, None] + (uniform * count[:, None]).long()
        start = self._queue.gather(1, nth % self.capacity)  # [S, B]
        rows = take(self.rows, (start[:, None] + self._steps) % self.capacity)
        return rows.masked_fill_((count == 0)[:, None, None, None], torch.nan)

    def windows(self) -> Int64[Tensor, "S"]:
        """How many windows each seed has."""
        return self._tail - self._head

    def lacking(self) -> Bool[Tensor, "S"] | None:
        """Which seeds have no window now; None if all have one. The call may wait for the device."""
        if self._all_have and self.added <= self.capacity:  # windows are lost only where transitions are overwritten
            return None
        lacking = self.windows() == 0
        self._all_have = not bool(lacking.any())
        return None if self._all_have else lacking

    def _demand(self, count: int, what: str) -> None:
        if count < 1:
            raise ValueError(f"the replay holds {self.size} transitions: expected enough for one {what}")

    def _queue_front(self) -> Int32[Tensor, "S"]:
        front = self._queue[self._seed, self._head % self.capacity]
        return torch.where(self._tail > self._head, front, -1)

    def _queue_window(self, place: int, end: Bool[Tensor, "S"]) -> None:
        """Queue the window that the transition at `place` completes, if it completes one."""
        self._since_end += 1
        whole = self._since_end >= self._span
        if not self.whole_episodes:
            whole &= ~end
        self._queue[self._seed, self._tail % self.capacity] = torch.where(
            whole, (place - self._span + 1) % self.capacity, self._queue[self._seed, self._tail % self.capacity]
        ).to(torch.int32)
        self._tail += whole
        self._since_end.masked_fill_(end, 0)

    def state_dict(self) -> dict[str, Any]:
        """Each seed's filled part of `rows` and of the episodes' ends, and the number of transitions ever added.

        The state shares memory with the replay, which may be most of the process's memory: write or copy it before the
        next `add`.
        """
        sizes = [self.size] * len(self.rows)
        return {"rows": filled_rows(self.rows, sizes), "ends": filled_rows(self._ends, sizes), "added": self.added}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken. Raises ValueError if the shapes differ."""
        rows, ends, added = state["rows"], state["ends"], state["added"]
        size = min(added, self.capacity)
        expected = [[size, self.layout.width]] * len(self.rows)
        if [list(row.shape) for row in rows] != expected:
            raise ValueError(f"rows have shapes {[list(row.shape) for row in rows]}, expected {expected}")
        refill(self.rows, rows)
        refill(self._ends, ends)
        self.added, self._all_have = added, False
        self._held.fill_(size)
        self._rebuild_queue()

    def _rebuild_queue(self) -> None:
        """Rebuild the queues from the episodes' ends, oldest transition first."""
        size, span = self.size, self._span
        at = torch.arange(size, device=self.rows.device)  # by age
        order = (at + self.added - size) % self.capacity
        starts = order[(at - span + 1).clamp(min=0)].to(torch.int32)
        self._head.zero_()
        for seed in range(len(self.rows)):  # one at a time: each is an int64 array as long as the replay
            ends = self._ends[seed, order]
            last_end = torch.where(ends, at, -1).cummax(0).values  # the last end at or before each
            whole = at - torch.cat([at.new_tensor([-1]), last_end])[:size] >= span
            if not self.whole_episodes:
                whole &= ~ends
            found = starts[whole]
            self._queue[seed, : len(found)] = found
            self._tail[seed] = len(found)
            self._since_end[seed] = size - 1 - last_end[-1] if size else 0
