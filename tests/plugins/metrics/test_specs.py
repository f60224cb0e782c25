"""What is offered: each name resolves to a metric that carries it, and naming it imports nothing heavy."""

import importlib
import subprocess
import sys

import pytest
from crsbench_metrics import crsbench_metrics

from crsbench import Options
from crsbench.protocols import Metric

SPECS = crsbench_metrics()


def resolve(reference):
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def test_the_names():
    assert [spec.name for spec in SPECS] == [
        *("recall@1", "recall@10", "recall@25", "recall@50", "mrr@10", "ndcg@10"),
        *("truth_ndcg@10", "satisfaction", "satisfaction_total", "success_rate"),
        *("reward_per_length", "satisfaction_predicted"),
        *("coverage", "gini", "exposure_head", "exposure_tail", "exposure_cold", "calibration"),
        *("distinct-2", "distinct-2-response", "repetition", "length", "bits_per_byte", "rouge-l", "bleu"),
        *("consistency", "consistency_episodes", "coherence_lsa", "coherence"),
    ]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_spec_makes_the_metric_of_its_name(spec):
    options = resolve(spec.options) if spec.options else Options
    metric = resolve(spec.make)(options())
    assert isinstance(metric, Metric)
    assert metric.name == spec.name
    assert spec.summary


def test_offering_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from crsbench_classic import crsbench_policies as policies\n"
        "from crsbench_corpora import crsbench_datasets as datasets\n"
        "from crsbench_metrics import crsbench_metrics as metrics\n"
        "policies(), datasets(), metrics()\n"
        "print([m for m in ('numpy', 'scipy', 'sklearn', 'torch', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
