"""Signatures of runs: whose SSH key made a run, with the key that git signs with and `ssh-keygen`, as git does it.

On where `[team] signers` in `params.toml` names a file of allowed signers (`man ssh-keygen`, ALLOWED SIGNERS). What is
signed is `run.json`, which holds the digest of every file of the run, but for the scores that `evaluate` adds later.
The signature is a key of `run.json`, so that it goes where the run goes.
"""

import contextlib
import logging
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..project import artefact, git, lock, settings
from ..project.errors import DataError, SettingsError
from ..project.settings import PARAMS, Project
from . import registry

log = logging.getLogger(__name__)
KEY = "signature"
JUDGED = "judged"  # the dumps of feedback with which the run stood before the gate
LATER = (KEY, "test_uses", JUDGED)  # with metrics.test, what is not signed
NAMESPACE = "run"  # a signature of a commit is none of a run


class UnacceptedError(DataError):
    """Nobody whom `[team] signers` names has signed the run."""


def signing_key(project: Project) -> str:
    """The path of the key that git signs with; "" where `[team] signers` is off, a `SettingsError` if there is none."""
    if not project.settings.team.signers:
        return ""
    kind = git.attempt(project.root, "config", "gpg.format") or ""
    key = git.attempt(project.root, "config", "--type=path", "user.signingkey") or ""
    if kind.strip() != "ssh" or not Path(key.strip()).is_file():
        raise SettingsError(
            f"{PARAMS}: [team] signers asks for signed runs, and git has no SSH key to sign with.\n"
            "Allowed: gpg.format = ssh, and the path of a key as user.signingkey.\n"
            "Set them: git config gpg.format ssh; git config user.signingkey ~/.ssh/id_ed25519.pub"
        )
    return key.strip()


def sign(project: Project, folder: Path) -> None:
    """Sign a run that nobody has signed, where `[team] signers` is on.

    A `DataError` if the key cannot be used, or a run that is signed is not accepted: its signer should know first.
    """
    record, key = registry.read(folder), signing_key(project)
    if key and KEY not in record:
        record = {**record, KEY: signature(record, key)}
        with lock.held(project.root, "sign", registry.RECORD):  # the key may have asked for its passphrase meanwhile
            registry.write(folder, {**registry.read(folder), KEY: record[KEY]})
        log.info("%s is signed with %s", record["run"], key)
    check(project.root, record["run"], record)


def signature(record: Mapping[str, Any], key: str) -> str:
    """A signature of a record with the key at this path; a `DataError` if ssh-keygen refuses the key."""
    done = keygen("sign", "-f", key, text=statement(record))
    if done.returncode:
        said = " ".join(done.stderr.split())[-200:]
        cure = f"Mend user.signingkey of git, then: make push RUN={record['run']}"
        raise DataError(f"{record['run']} cannot be signed with {key}: {said}.\n{cure}")
    return done.stdout


def trusted(root: Path) -> str:
    """What `[team] signers` of the file says, which no `--set` overrules; "" where there is no file."""
    return settings.load(root).settings.team.signers if (root / PARAMS).is_file() else ""


def check(root: Path, name: str, record: Mapping[str, Any], signers: str | None = None) -> str:
    """Who signed the run of this name, "" where `[team] signers` is off; an `UnacceptedError` if nobody who may.

    `signers` is what is `trusted`: who asks about many runs reads it once.
    """
    signers = trusted(root) if signers is None else signers
    if not signers:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, KEY)
        file.write_text(str(record.get(KEY, "")), encoding="utf-8")
        by = ("-f", str(root / signers), "-s", str(file))
        people = keygen("find-principals", *by).stdout.splitlines()
        for person in people:
            if not keygen("verify", *by, "-I", person, text=statement(record)).returncode and record["run"] == name:
                return person
    reason = "does not fit its signature: it was changed, or has another name" if people else "is not signed"
    if KEY in record and not people:
        reason = f"is signed by nobody whom {signers}{'' if (root / signers).is_file() else ', not here,'} names"
    raise UnacceptedError(
        f"The run {name} {reason}: nothing of it is loaded.\n"
        f"Allowed: what a person named in {signers} has signed ([team] signers in {PARAMS}).\n"
        f"Who made it signs it: make push RUN={name}. Whom you trust, add to {signers}."
    )


def accepted(root: Path, record: Mapping[str, Any], signers: str) -> bool:
    """Whether a run may answer here, as far as it depends on who signed it."""
    with contextlib.suppress(UnacceptedError):
        check(root, record["run"], record, signers)
        return True
    return False


def statement(record: Mapping[str, Any]) -> str:
    """What is signed: the digest of the record as `train` left it."""
    kept = {key: value for key, value in record.items() if key not in LATER}
    return artefact.fingerprint({**kept, "metrics": {**record["metrics"], "test": None}})


def keygen(action: str, *words: str, text: str = "") -> subprocess.CompletedProcess:
    """Run `ssh-keygen -Y` of OpenSSH 8.1 or later."""
    try:
        command = ["ssh-keygen", "-Y", action, "-n", NAMESPACE, *words]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SettingsError(f"{PARAMS}: [team] signers needs ssh-keygen.\nInstall OpenSSH.") from None
