import zipfile

from data_science_project.engine.project import wheel

ABOUT = wheel.About("shop_model", "2026.1.2.3+r00", "Says what sells.", requires=["numpy==2.1"], python=">=3.11")


def test_wheel_holds_the_folder_its_metadata_and_a_digest_of_each_file(tmp_path):
    package = tmp_path / "shop_model" / "deep"
    package.mkdir(parents=True)
    (package / "a.txt").write_text("a")

    wheel.write(tmp_path / ABOUT.file, package.parent, ABOUT)

    with zipfile.ZipFile(tmp_path / "shop_model-2026.1.2.3+r00-py3-none-any.whl") as file:
        texts = {name: file.read(name).decode() for name in file.namelist()}
    info = "shop_model-2026.1.2.3+r00.dist-info"
    assert sorted(texts) == [*(f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL")), "shop_model/deep/a.txt"]
    assert "Name: shop_model\nVersion: 2026.1.2.3+r00\n" in texts[f"{info}/METADATA"]
    assert "Requires-Python: >=3.11\nRequires-Dist: numpy==2.1\n" in texts[f"{info}/METADATA"]
    assert "Tag: py3-none-any" in texts[f"{info}/WHEEL"]
    assert "shop_model/deep/a.txt,sha256=ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs,1\n" in texts[f"{info}/RECORD"]


def test_same_folder_gives_the_same_bytes_whenever_it_is_packed(tmp_path):
    (tmp_path / "shop_model").mkdir()
    file = tmp_path / "shop_model" / "a.txt"
    packed = []
    for name in ("one.whl", "two.whl"):
        file.unlink(missing_ok=True)
        file.write_text("a")
        wheel.write(tmp_path / name, tmp_path / "shop_model", ABOUT)
        packed.append((tmp_path / name).read_bytes())

    assert packed[0] == packed[1]
