from {{ cookiecutter.package_name }} import explore


def test_exploration_is_one_page_about_every_column_that_needs_no_network(project):
    explore.run(project)

    page = (project.root / "reports" / "exploration.html").read_text(encoding="utf-8")
    assert "120 rows, target answer" in page
    assert all(name in page for name in ("amount", "colour", "shop", "day", "note", "answer"))
    assert not [tag for tag in ('src="http', "src='http", 'rel="stylesheet" href="http') if tag in page]
