import shutil
import subprocess

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import listing, loading, registry, reproduce, share, signatures

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
SIGNERS = "references/signers"


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """Make a key of a person and let git sign with it; the line of the public key."""
    config = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))

    def make(person):
        key = tmp_path / person
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(key)], check=True)
        config.write_text(f'[user]\nname = {person}\nsigningkey = "{key}.pub"\n[gpg]\nformat = ssh\n')
        return f"{person}@example.org {key.with_suffix('.pub').read_text()}"

    return make


def trusting(project, line):
    """The project when only the person of this line is known."""
    params = project.root / settings.PARAMS
    if "[team]" not in params.read_text():
        params.write_text(f'{params.read_text()}\n[team]\nsigners = "{SIGNERS}"\n')
    (project.root / SIGNERS).parent.mkdir(exist_ok=True)
    (project.root / SIGNERS).write_text(line)
    return settings.load(project.root)


def test_run_is_signed_when_it_is_made_and_answers(project, keys, caplog):
    caplog.set_level("INFO")
    project = trusting(project, keys("ada"))
    shutil.rmtree(project.models)

    pipeline.make(project, "predict")

    (folder,) = registry.folders(project)
    assert "BEGIN SSH SIGNATURE" in registry.read(folder)["signature"]
    assert "is signed with" in caplog.text and "ada.pub" in caplog.text
    assert signatures.check(project.root, folder.name, registry.read(folder)) == "ada@example.org"


def test_run_stays_signed_when_it_is_evaluated(project, folder, keys, evaluated):
    signatures.sign(trusting(project, keys("ada")), folder)

    registry.write(folder, evaluated[2] | {"signature": registry.read(folder)["signature"]})

    assert registry.read(folder)["test_uses"] == 1
    assert loading.load(folder).name == folder.name


@pytest.mark.parametrize(("signed", "reason"), [(False, "is not signed"), (True, "was changed")])
def test_what_nobody_signed_or_somebody_changed_is_not_imported(project, folder, keys, edit, signed, reason):
    project = trusting(project, keys("ada"))
    if signed:
        signatures.sign(project, folder)
    with edit(folder):  # all digests are computed anew
        (folder / "code" / "features.py").write_text("raise SystemExit('imported')\n")

    with pytest.raises(DataError, match=reason) as caught:
        loading.load(folder)

    said = str(caught.value).splitlines()
    assert len(said) == 3 and folder.name in said[0] and SIGNERS in said[1] and "make push RUN=" in said[2]


def test_run_of_another_name_is_not_the_one_that_was_signed(project, folder, keys):
    project = trusting(project, keys("ada"))
    signatures.sign(project, folder)
    other = shutil.copytree(folder, folder.with_name("2030-01-01-000000-00000000"))

    with pytest.raises(DataError, match="another name"):
        loading.load(other)


def test_who_signs_with_an_unknown_key_is_told_at_once_and_by_the_table_of_runs(project, folder, keys, team):
    known = keys("ada")
    keys("eve")
    before = listing.render(listing.rows(project))
    project = trusting(project, known)

    for refused in (lambda: share.push(project, folder), lambda: loading.load(folder)):
        with pytest.raises(DataError, match="nobody whom"):
            refused()

    file = project.root / project.settings.team.signers
    file.rename(file.with_name("elsewhere"))
    with pytest.raises(DataError, match=f"nobody whom {project.settings.team.signers}, not here, names"):
        loading.load(folder)
    file.with_name("elsewhere").rename(file)
    assert signatures.KEY in registry.read(folder) and not list(team.rglob("run-*.json"))
    after = listing.render(listing.rows(project))
    assert "refused" not in before and "\nrefused  " in after and "\nrefused: nobody" in after


@pytest.mark.parametrize(("named", "refused"), [("", False), (SIGNERS, True)])
def test_table_of_runs_refuses_what_loading_refuses_whatever_is_set_for_a_command(
    project, folder, keys, named, refused
):
    trusting(project, keys("ada"))
    params = project.root / settings.PARAMS
    params.write_text(params.read_text().replace(f'signers = "{SIGNERS}"', f'signers = "{named}"'))
    set_otherwise = settings.load(project.root, [f'team.signers="{"" if refused else SIGNERS}"'])

    (line,) = listing.rows(set_otherwise)

    assert line["refused"] == refused
    if refused:
        with pytest.raises(signatures.UnacceptedError):
            loading.load(folder)


def test_pull_leaves_unsigned_runs_before_a_file_of_them_is_here_and_takes_the_signed(
    project, folder, colleague, team, keys, caplog
):
    caplog.set_level("INFO")
    line = keys("ada")
    colleague = trusting(colleague, line)
    share.push(project)

    share.pull(colleague)
    with pytest.raises(DataError, match="is not signed"):
        share.pull(colleague, folder.name)

    assert f"left out {folder.name}, that nobody in {SIGNERS} has signed" in caplog.text
    assert not (colleague.models / folder.name).exists()
    share.push(trusting(project, line), folder)
    share.pull(colleague)
    assert f"{folder.name} is by ada@example.org, who signed it" in caplog.text
    assert loading.load(colleague.models / folder.name).name == folder.name


@pytest.mark.parametrize("config", ["", "[gpg]\nformat = ssh\n[user]\nsigningkey = /nowhere.pub\n"], ids=["no", "gone"])
def test_training_refuses_before_it_fits_where_git_has_no_key_to_sign_with(project, keys, tmp_path, config):
    project = trusting(project, keys("ada"))
    (tmp_path / "gitconfig").write_text(config)
    shutil.rmtree(project.models)

    with pytest.raises(SettingsError, match=r"user\.signingkey") as caught:
        pipeline.make(project, "train")

    assert len(str(caught.value).splitlines()) == 3
    assert not list(project.models.glob("*"))


def test_training_is_kept_where_the_key_fails_at_its_end_and_push_signs_it_later(project, keys, tmp_path, caplog):
    project = trusting(project, keys("ada"))
    shutil.rmtree(project.models)
    (tmp_path / "ada").rename(tmp_path / "away")

    pipeline.make(project, "train")

    (folder,) = registry.folders(project)
    assert "cannot be signed with" in caplog.text and "make push RUN=" in caplog.text
    with pytest.raises(DataError, match="is not signed"):
        loading.load(folder)
    (tmp_path / "away").rename(tmp_path / "ada")
    signatures.sign(project, folder)
    assert loading.load(folder).name == folder.name


def test_scores_that_come_while_the_key_asks_for_its_passphrase_are_kept(project, folder, keys, monkeypatch):
    project, keygen = trusting(project, keys("ada")), signatures.keygen

    def slow(*words, **options):
        registry.write(folder, {**registry.read(folder), "test_uses": 1})
        return keygen(*words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(signatures, "keygen", slow)
        signatures.sign(project, folder)

    assert registry.read(folder)["test_uses"] == 1
    assert loading.load(folder).name == folder.name


@pytest.mark.parametrize("line", [None, "no key at all\n"], ids=["missing", "unreadable"])
def test_file_of_signers_that_cannot_be_used_lets_nothing_pass(project, folder, keys, line):
    project = trusting(project, keys("ada"))
    signatures.sign(project, folder)
    (project.root / SIGNERS).unlink() if line is None else (project.root / SIGNERS).write_text(line)

    with pytest.raises(DataError, match=SIGNERS):
        loading.load(folder)


def test_run_is_made_again_by_whoever_may_load_it_and_signed_by_nobody(project, folder, keys, tmp_path):
    project = trusting(project, keys("ada"))
    record = registry.read(folder)
    asks = {**record["parameters"], "team": {"signers": SIGNERS}}
    registry.write(folder, {**record, "commit": None, "parameters": asks})

    root = reproduce.check_out(project, folder, tmp_path / "again")

    assert project.settings.team.signers and settings.load(root).settings.team.signers == ""
