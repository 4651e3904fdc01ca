"""What must not change an answer does not change it, to the last bit."""

import pandas as pd

from {{ cookiecutter.package_name }}.engine.runs import answers

FEW = 20  # rows that are also asked one by one


def ask(model, rows):
    return answers.answer(model, rows).drop(columns="row", errors="ignore")


def test_order_of_the_rows_does_not_change_the_answers(model, rows):
    answers = ask(model, rows)

    backwards = ask(model, rows[::-1])

    pd.testing.assert_frame_equal(backwards[::-1].reset_index(drop=True), answers, check_exact=True)


def test_row_gets_the_same_answer_alone_and_in_a_batch(model, rows):
    together = ask(model, rows).head(FEW)

    alone = pd.concat([ask(model, rows.iloc[[row]]) for row in range(len(together))], ignore_index=True)

    cure = "Answers (a linear model of yours may want RowByRow: docs/train.md)"
    pd.testing.assert_frame_equal(alone, together, check_exact=True, obj=cure)


def test_extra_columns_and_their_order_do_not_change_the_answers(model, rows):
    wider = rows.assign(**{"a column of tomorrow": 1})[["a column of tomorrow", *rows.columns[::-1]]]

    typed, warnings = model.validate(wider, model.columns, where="wider", target=False)

    assert "a column of tomorrow" in warnings[-1]
    pd.testing.assert_frame_equal(ask(model, typed), ask(model, rows), check_exact=True)
