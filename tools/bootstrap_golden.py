"""Golden numbers for the tests of sdvp-eval's bootstrap. Needs numpy and scipy.

Prints the constants in crates/sdvp-eval/src/bootstrap.rs.
"""

import numpy as np
from scipy.stats import bootstrap, sem

i = np.arange(60)
before = (i * 37 % 101) / 100
after = (i * 37 % 101 + i * 11 % 7 * 4) / 124


def interval(values):
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=400_000,
        method="percentile",
        batch=10_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return found.low, found.high


for name, values in [("MEAN", before), ("PAIRED", after - before)]:
    low, high = interval(values)
    print(f"const GOLDEN_{name}: Interval = [{low:.5f}, {high:.5f}];")
    print(f"const GOLDEN_{name}_SE: f64 = {sem(values):.6f};")
