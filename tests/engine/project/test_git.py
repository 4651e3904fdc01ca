from data_science_project.engine.project import git


def test_commit_is_none_outside_git_and_tells_a_dirty_tree_in_it(tmp_path, in_git):
    outside = git.commit(tmp_path)
    name = in_git(tmp_path)
    clean = git.commit(tmp_path)
    git.commit.cache_clear()

    (tmp_path / "new.py").write_text("")

    assert outside == {"commit": None, "dirty": True} and clean == {"commit": name, "dirty": False}
    assert git.commit(tmp_path)["dirty"]
