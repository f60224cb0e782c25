"""A label model."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_labels() -> list[Spec]:
    return [Spec("best-signal", "crs_labels.model:First", "crs_labels.model:FirstOptions", "trusts one")]
