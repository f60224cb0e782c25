"""A simulator."""

from crsbench import Spec, hookimpl


@hookimpl
def crsbench_simulators() -> list[Spec]:
    return [Spec("curt", "crs_users.users:Curt", "crs_users.users:CurtOptions", "users of few words")]
