"""Policies with memory as users write them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from saddlepoint.policies import PolicyNetwork
from tests.policies.networks import Impala, NatureCnn, seeded

HIDDEN = 8


class LstmPolicy(nn.Module):
    """A single step through torch.nn.LSTM, with actor and critic."""

    def __init__(self, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, HIDDEN, layers)
        self.policy, self.value = nn.Linear(HIDDEN, 3), nn.Linear(HIDDEN, 1)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        features, (h, c) = self.lstm(observation.unsqueeze(0), (h, c))
        return self.policy(features[0]), self.value(features[0]), h, c


class DeepLstmPolicy(LstmPolicy):
    """Two layers, called as the contract has it."""

    def __init__(self) -> None:
        super().__init__(layers=2)

    def forward(self, observation: Tensor, state_0: Tensor, state_1: Tensor) -> tuple[Tensor, ...]:
        return super().forward(observation, state_0, state_1)


class SequenceLstmPolicy(nn.Module):
    """(N, steps, 4), batch first, as for training on sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, HIDDEN, batch_first=True)
        self.policy, self.value = nn.Linear(HIDDEN, 3), nn.Linear(HIDDEN, 1)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        features, (h, c) = self.lstm(observation, (h, c))
        return self.policy(features), self.value(features), h, c


class StackedLstmPolicy(LstmPolicy):
    """Its two states are one, (2, 1, N, H)."""

    def forward(self, observation: Tensor, memory: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        logits, value, h, c = super().forward(observation, memory[0], memory[1])
        return logits, value, torch.stack([h, c])


class FlatlyStackedLstmPolicy(LstmPolicy):
    """The same, (2, N, H)."""

    def forward(self, observation: Tensor, memory: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        logits, value, h, c = super().forward(observation, memory[:1], memory[1:])
        return logits, value, torch.cat([h, c])


class StepFirstGruPolicy(nn.Module):
    """(steps, N, 4), as torch.nn.GRU has it by default."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, HIDDEN)
        self.policy = nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        features, h = self.gru(observation, h)
        return self.policy(features), h


class ViewedLstmPolicy(LstmPolicy):
    """The step of the sequence comes by a view, which an export for one row writes as (1, 1, 4)."""

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        features, (h, c) = self.lstm(observation.view(1, observation.shape[0], -1), (h, c))
        return self.policy(features[0]), self.value(features[0]), h, c


class ViewedGruPolicy(StepFirstGruPolicy):
    """The same of the state as well, (N, H) outside, with the batch left free."""

    def forward(self, observation: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        features, h = self.gru(observation.view(1, -1, 4), h.view(1, -1, HIDDEN))
        return self.policy(features.squeeze(0)), h.view(-1, HIDDEN)


class SequenceOfPicturesPolicy(nn.Module):
    """(steps, N, 2, 3, 3) whose features are viewed as a sequence, as IMPALA's code has it."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.lstm = nn.Conv2d(2, 4, 2), nn.LSTM(16, HIDDEN)
        self.policy, self.value = nn.Linear(HIDDEN, 3), nn.Linear(HIDDEN, 1)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        steps, rows = observation.shape[:2]
        x = self.body(observation.flatten(0, 1) / 255).flatten(1)
        x, (h, c) = self.lstm(x.view(steps, rows, -1), (h, c))
        x = x.flatten(0, 1)
        return self.policy(x).view(steps, rows, 3), self.value(x).view(steps, rows), h, c


class UnbatchedHeadPolicy(LstmPolicy):
    """Scores (3,) of one row."""

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        logits, _, h, c = super().forward(observation, h, c)
        return logits[0], h, c


class UnbatchedLstmPolicy(LstmPolicy):
    """The row (1, 4) is a sequence, and the states are (1, H)."""

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        features, (h, c) = self.lstm(observation, (h, c))
        return self.policy(features), self.value(features), h, c


class StatelessPolicy(LstmPolicy):
    """Without its states, as it comes of an export with the observation alone."""

    def forward(self, observation: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        features, _ = self.lstm(observation.unsqueeze(0))
        return self.policy(features[0]), self.value(features[0])


class TwoLstmsPolicy(nn.Module):
    """Memories of an actor and a critic, whose hidden states come out before their cells."""

    def __init__(self) -> None:
        super().__init__()
        self.actor, self.critic = nn.LSTMCell(4, HIDDEN), nn.LSTMCell(4, HIDDEN)
        self.policy, self.value = nn.Linear(HIDDEN, 3), nn.Linear(HIDDEN, 1)

    def forward(
        self, observation: Tensor, h: Tensor, c: Tensor, critic_h: Tensor, critic_c: Tensor
    ) -> tuple[Tensor, ...]:
        h, c = self.actor(observation, (h, c))
        critic_h, critic_c = self.critic(observation, (critic_h, critic_c))
        return self.policy(h), self.value(critic_h), h, critic_h, c, critic_c


class GruPolicy(nn.Module):
    """Two layers of torch.nn.GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, HIDDEN, 2)
        self.policy = nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        features, h = self.gru(observation.unsqueeze(0), h)
        return self.policy(features[0]), h


class RnnPolicy(nn.Module):
    """Two layers of torch.nn.RNN."""

    def __init__(self, nonlinearity: str = "tanh") -> None:
        super().__init__()
        self.rnn = nn.RNN(4, HIDDEN, 2, nonlinearity=nonlinearity)
        self.policy = nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        features, h = self.rnn(observation.unsqueeze(0), h)
        return self.policy(features[0]), h


class ReluRnnPolicy(RnnPolicy):
    """The same with its other activation."""

    def __init__(self) -> None:
        super().__init__("relu")


class GruCellPolicy(nn.Module):
    """torch.nn.GRUCell, whose states are (N, H)."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(4, HIDDEN)
        self.policy = nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        h = self.cell(observation, h)
        return self.policy(h), h


class LstmCellPolicy(nn.Module):
    """torch.nn.LSTMCell."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(4, HIDDEN)
        self.policy = nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        h, c = self.cell(observation, (h, c))
        return self.policy(h), h, c


class LoopedCellPolicy(LstmCellPolicy):
    """(steps, N, 4), a cell that is called for every step."""

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        found = []
        for x in observation.view(*observation.shape[:2], -1):
            h, c = self.cell(x, (h, c))
            found.append(self.policy(h))
        return torch.stack(found), h, c


class CrossedCellPolicy(LstmCellPolicy):
    """Its cell comes out before its hidden state."""

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        logits, h, c = super().forward(observation, h, c)
        return logits, c, h


class CrossedLstmPolicy(LstmPolicy):
    """The same of torch.nn.LSTM."""

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        logits, value, h, c = super().forward(observation, h, c)
        return logits, value, c, h


class AtariLstm(NatureCnn):
    """CleanRL's ppo_atari_lstm.py: convolutions, an LSTM, heads."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(512, 16)
        self.policy, self.value = nn.Linear(16, 6), nn.Linear(16, 1)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        features, (h, c) = self.lstm(self.features(observation).unsqueeze(0), (h, c))
        return self.policy(features[0]), self.value(features[0]), h, c


class CleanRlLstm(nn.Module):
    """`get_states` of CleanRL's ppo_atari_lstm.py: a loop over steps that forgets where an episode has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, HIDDEN)
        self.actor = nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor, done: Tensor) -> tuple[Tensor, ...]:
        rows = h.shape[1]
        hidden, dones = observation.reshape((-1, rows, 4)), done.reshape((-1, rows))
        steps = []
        for x, ended in zip(hidden, dones, strict=True):
            lives = (1.0 - ended).view(1, -1, 1)
            x, (h, c) = self.lstm(x.unsqueeze(0), (lives * h, lives * c))
            steps += [x]
        return self.actor(torch.flatten(torch.cat(steps), 0, 1)), h, c


class ImpalaLstm(nn.Module):
    """Espeholt et al. 2018, the deep network with its LSTM, at a third of the width."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.lstm, self.policy = Impala(), nn.LSTMCell(6, 16), nn.Linear(16, 6)

    def forward(self, observation: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        h, c = self.lstm(self.body(observation), (h, c))
        return self.policy(h), h, c


def zeros(*shapes: Sequence[int]) -> tuple[Tensor, ...]:
    return tuple(torch.zeros(*shape) for shape in shapes)


def logits_of(
    make: Callable[[], nn.Module], observations: Sequence[Tensor], states: tuple[Tensor, ...]
) -> list[Tensor]:
    """What the network itself gives step by step, its states carried."""
    network, found = seeded(make), []
    for observation in observations:
        with torch.no_grad():
            logits, *rest = network(observation, *states)
        states = tuple(rest[len(rest) - len(states) :])
        found.append(logits)
    return found


def stepped(network: PolicyNetwork, observations: Sequence[Tensor]) -> list[Tensor]:
    """The heads of an imported policy over an episode."""
    states, found = network.initial_states(len(observations[0])), []
    for observation in observations:
        outputs = network(observation, states)
        states = outputs.states
        found.append(outputs.head)
    return found
