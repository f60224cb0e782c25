"""What a stranger sends: looked at as a reviewer would, and refused with every reason there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from crsbench.errors import CrsbenchError, nearest
from crsbench.leaderboard.build import RECORDS
from crsbench.leaderboard.datasets import PublicData, of_record, read_datasets
from crsbench.leaderboard.records import VALUES, MismatchError, Record, load_record, place, store_record
from crsbench.leaderboard.verify import faults
from crsbench.plugins import Host
from crsbench.record import load_run


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a record was put (None where it was refused), and why it was refused."""

    id: str
    folder: Path | None
    reasons: tuple[str, ...]


def submit(path: Path, folder: Path, host: Host) -> Verdict:
    """Look at the run or the record in `path`; a good one is copied into the records of `folder`.

    Raises UsageError where there is neither, DataError where it is damaged.
    """
    run = load_run(path)
    with TemporaryDirectory() as work:
        stranger = load_record(run.path) if (run.path / VALUES).exists() else run
        try:
            record = load_record(store_record(stranger, Path(work)))
        except MismatchError as error:
            return Verdict(run.id, None, (error.message,))
        reasons = [*faults(record), *_privilege(record, host)]
        if not reasons:
            reasons = _data(record, read_datasets(folder))
        if not reasons and (folder / RECORDS / place(record.record)).exists():
            reasons = [f"{RECORDS}/{place(record.record).as_posix()} is there already"]
        if reasons:
            return Verdict(run.id, None, tuple(reasons))
        return Verdict(run.id, store_record(record, folder / RECORDS), ())


def _privilege(record: Record, host: Host) -> list[str]:
    """Whether a policy that is handed the truth says so, as far as the policy is installed here."""
    run = record.record["run"]
    try:
        offer = host.find("policy", run["plugin"])
    except CrsbenchError:
        return []  # a stranger's: its code is not here
    if offer.spec.privileged == run["privileged"]:
        return []
    handed = "the scenario's truth" if offer.spec.privileged else "no truth"
    told = "privileged" if run["privileged"] else "not privileged"
    return [f"{run['plugin']} is handed {handed}, and the record says that it is {told}"]


def _data(record: Record, known: Sequence[PublicData]) -> list[str]:
    """Whether it was made on public data, all of it, with the users that judge everybody."""
    run, mine = record.record["run"], of_record(record)
    if run["limit"] is not None:
        return [f"it was made with --limit {run['limit']}: a leaderboard takes runs on all of the data"]
    of_dataset = [one for one in known if one.dataset == mine.dataset]
    of_protocol = [one for one in of_dataset if one.protocol == mine.protocol]
    if not of_protocol:
        what = f"{mine.dataset}, protocol {mine.protocol!r}," if of_dataset else f"dataset {mine.dataset!r}"
        names = (one.protocol for one in of_dataset) if of_dataset else (one.dataset for one in known)
        hint = nearest(mine.protocol if of_dataset else mine.dataset, names)
        return [f"there is no board of {what} to stand on{f' ({hint})' if hint else ''}"]
    public = next((one for one in of_protocol if one.fingerprint == mine.fingerprint), None)
    if public is None:
        theirs = " or ".join(one.fingerprint for one in of_protocol)
        return [f"its data has the fingerprint {mine.fingerprint}, and the public data {theirs}"]
    found = [
        f"counts.{name} is {getattr(mine, name)}, and the protocol has {getattr(public, name)}"
        for name in ("rows", "targets", "catalog")
        if getattr(mine, name) != getattr(public, name)
    ]
    if mine.scored != public.scored:
        found.append(f"it was scored on other rows than those of {mine.dataset}, protocol {mine.protocol}")
    for name, options in mine.simulators.items():
        if public.simulators.get(name, options) != options:
            found.append(f"the simulator {name} has other options than the one that judges everybody")
    return found
