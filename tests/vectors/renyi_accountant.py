"""Makes renyi_accountant.json: what dp-accounting's own accountant says of some trainings.

Run: ``pip install dp-accounting==0.6.0`` and ``python tests/vectors/renyi_accountant.py``. Orders at which it
gives up are left out.
"""

import json
import math
from pathlib import Path

import dp_accounting
from dp_accounting.rdp import RdpAccountant

TRAININGS = (  # noise multiplier, sampling rate, steps
    (1.0, 0.01, 1000),
    (0.5, 0.001, 10000),
    (1.1, 256 / 60000, 14000),
    (4.0, 200 / 1437, 300),
    (0.8, 200 / 1437, 300),
    (20.0, 0.5, 50),
    (1.3, 1.0, 10),
    (0.3, 0.02, 40),
    (3.0, 0.9, 100),
    (1000.0, 0.2, 5),
)
SHOWN = (0, 2, 4, 14, 50, 98, 99, 120, 151, 152, 155)  # among the default orders
DELTAS = (1e-3, 1e-5, 1e-8)

cases = []
for noise, rate, steps in TRAININGS:
    accountant = RdpAccountant()
    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
    accountant.compose(dp_accounting.SelfComposedDpEvent(step, steps))
    shown = [index for index in SHOWN if math.isfinite(accountant.rdp[index])]
    cases.append(
        {
            "noise_multiplier": noise,
            "sampling_rate": rate,
            "steps": steps,
            "orders": [float(accountant.orders[index]) for index in shown],
            "divergences": [float(accountant.rdp[index]) for index in shown],
            "epsilons": [[delta, float(accountant.get_epsilon(delta))] for delta in DELTAS],
        }
    )
text = json.dumps(cases, indent=1)
Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
