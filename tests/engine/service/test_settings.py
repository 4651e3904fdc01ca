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


def test_value_out_of_its_bounds_is_refused_by_name(tmp_path):
    with pytest.raises(SettingsError, match=r"\[serve\].*port = 70000(.|\n)*at most 65535"):
        project_of(tmp_path, "[serve]\nport = 70000\n")


def test_secret_comes_from_the_environment_or_from_the_file_beside_params(tmp_path, monkeypatch):
    monkeypatch.setenv(service.TOKEN, "x")
    monkeypatch.delenv(service.TOKEN)
    project = project_of(tmp_path, "")
    before = service.secret(project, service.TOKEN)
    (tmp_path / ".env").write_text(f"{service.TOKEN}=web:abc\n")

    assert (before, service.secret(project, service.TOKEN)) == ("", "web:abc")
