import pytest

from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import SettingsError
from data_science_project.service import settings as service

DATA = '[data]\nsource = "a.csv"\ntarget = "a"\n'


def project_of(folder, text):
    (folder / "params.toml").write_text(DATA + text, encoding="utf-8")
    return settings.load(folder)


def test_section_is_read_and_absent_it_has_its_defaults(tmp_path):
    assert service.of(project_of(tmp_path, "[serve]\nport = 0\nshadow = ['ab12']\n"), service.Serve).shadow == ("ab12",)
    assert service.of(project_of(tmp_path, ""), service.Serve).port == 8000
    assert service.of(settings.load(tmp_path, overrides=["serve.rows=7"]), service.Serve).rows == 7


def test_defaults_are_what_the_project_is_made_with():
    project = settings.load(settings.package.FOLDER)

    assert project.parts["serve"] == service.Serve()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[serve]\nprot = 1\n", ["[serve]", "'prot'", "Allowed: host, port"]),
        ("[serve]\nport = 70000\n", ["port = 70000", "at most 65535"]),
        ("[server]\n", ["unknown section [server]", ", serve"]),
    ],
)
def test_wrong_key_value_or_section_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(SettingsError) as refused:
        project_of(tmp_path, text)

    assert all(word in str(refused.value) for word in words), refused.value


def test_secret_comes_from_the_environment_or_from_the_file_beside_params(tmp_path, monkeypatch):
    monkeypatch.setenv(service.TOKEN, "x")
    monkeypatch.delenv(service.TOKEN)
    project = project_of(tmp_path, "")
    before = service.secret(project, service.TOKEN)
    (tmp_path / ".env").write_text(f"{service.TOKEN}=web:abc\n")

    assert (before, service.secret(project, service.TOKEN)) == ("", "web:abc")
