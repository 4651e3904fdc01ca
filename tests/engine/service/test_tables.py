"""service/tables.py: ids in order of time, and logs of versions before."""

import sqlalchemy as sa

from data_science_project.service import database, tables
from data_science_project.service.tables import Entry, Told


def test_log_of_the_version_before_is_brought_to_this_one_with_all_that_it_holds(tmp_path):
    url = sa.URL.create("sqlite", database=str(tmp_path / "predictions.db"))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        for text in ("DROP INDEX feedback_once", "ALTER TABLE feedback DROP COLUMN once"):
            connection.exec_driver_sql(text)
        connection.execute(tables.meta.insert().values(name="schema", value="1"))
        told = "INSERT INTO feedback (id, truth, time, asker, source, number) VALUES ('a', '1', 2.0, '', 'http', '{}')"
        for number in "mn":
            connection.exec_driver_sql(told.format(number))
    engine.dispose()
    opened = database.Database(url, flush=False)

    opened.open()

    assert [one.number for one in opened.read(Told)] == ["m", "n"]
    opened.insert([Told("a", "1", 3.0, "", "http", once="x"), Told("a", "1", 3.0, "", "http", once="x")])
    assert (len([*opened.read(Told)]), [*opened.read(Entry)]) == (3, [])
    opened.drop()
