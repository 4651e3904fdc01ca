"""The first screen of the evaluation report, for somebody who has to decide.

In counts and, where `[decision]` states gains and costs, in money: against doing nothing, against all, against chance.
"""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from ..modelling import decision
from ..modelling.metrics import Groups, middle
from ..project import git
from ..project.errors import DataError, listed
from ..project.records import CARD
from ..project.settings import Decision
from ..runs import registry
from . import diagnostics, gains
from .evidence import Evidence, table
from .verdict import number, of_all, percent

CONFUSIONS = 5  # listed
GUESSES = 3  # most probable classes that are looked at


def outcome(evidence: Evidence) -> dict[str, Any]:
    """What was asked, the answer in words, one table and one picture, and where the model stands."""
    if len(evidence.result.classes) == 2:
        found = of_two(evidence)
    else:
        found = of_classes(evidence) if evidence.result.classes else of_numbers(evidence)
    if not evidence.result.beats_constant:
        found["answer"].append("These rows do not show that it is better than guessing: do not act on it yet.")
    return {**found, "status": status(evidence)}


def status(evidence: Evidence) -> dict[str, str]:
    """Whether the model was in use now, when its data were fetched, and who made it when."""
    project, record = evidence.project, evidence.record
    try:
        champions = [change["run"] for change in registry.history(project)][-1:]
    except DataError:
        champions = ["damaged"]
    if champions == [record["run"]]:
        use = "yes, it was the champion"
    elif champions:
        use = f"no, the champion was {champions[0]}"
    else:
        use = "no run had been promoted (make promote RUN=...)"
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"  # a promotion, which asks for the page first, comes later
    cards = [project.root / name for name in record["input_data"] if name.startswith("data/raw/")]
    card = cards[0].parent / CARD if cards else project.root
    fetched = json.loads(card.read_text(encoding="utf-8"))["fetched"][:10] if card.is_file() else "unknown"
    who = git.author(project.root, record["commit"]).partition(" <")[0]
    made = record["started"][:10] + (f", from the last commit of {who}" if who else "")
    use = f"as of {now}, when this page was made (today: make runs): {use}"
    return {"In use": use, "Data": f"fetched {fetched}", "Made": made}


def amount(value: float) -> str:
    """A sum: three digits, or whole."""
    return number(float(value), digits=3)


def money(evidence: Evidence, value: float) -> str:
    """A sum with its currency."""
    return f"{amount(value)} {evidence.project.settings.decision.currency}".rstrip()


def acted(evidence: Evidence) -> np.ndarray:
    """The test rows of two classes that one would act on, shape (n_rows,), bool: by capacity, or those named so."""
    options, result = evidence.project.settings.decision, evidence.decided
    if options.capacity:
        return decision.acted_on(options, decision.urgency(result.predictions), evidence.policy.level)
    return result.predictions.values == result.classes[1]


def of_two(evidence: Evidence) -> dict[str, Any]:
    """Two classes: how many rows are acted on, how many of them rightly, and what that is worth."""
    options, result, positive = evidence.project.settings.decision, evidence.decided, evidence.result.classes[1]
    yes, on = result.truth == positive, acted(evidence)
    n, size, hits, groups = len(yes), int(on.sum()), int((yes & on).sum()), result.groups
    answer = [f"It would act on no row: none is sure enough to be '{positive}'."]
    if size:
        low, high = map(round, hits_within(yes, on, groups))
        answer = [
            f"Of the {size:,} {options.rows} it would act on, {hits:,} are '{positive}' "
            f"(95\u00a0%: {low:,} to {high:,}); of {size:,} chosen at random, {size * yes.mean():,.0f} would be."
        ]
    if hits:
        times = hits / size / yes.mean()
        answer.append(
            f"These are {percent(hits / yes.sum())} of all '{positive}', {times:.1f} times as many as at random."
        )
    if groups is not None and groups[on].nunique() < size:
        answer.append(
            f"These {size:,} are rows of {groups[on].nunique():,} groups ({groups.name}), "
            f"{groups[yes & on].nunique():,} of them with a '{positive}': counted and valued is each row."
        )
    if 0 < size < decision.capacity_of(options, n):
        answer += [f"On the next {options.rows} acting would not pay: capacity = {options.capacity:g} is not used up."]
    frame = ways(options, yes, on)
    if 0 < decision.capacity_of(options, n) < n:
        frame = frame.replace({"acting on": {"all": "all (beyond the capacity)"}})
    if decision.has_value(options):
        total, *ends = worth_within(evidence, yes, on)
        around = " to ".join(map(amount, ends))
        others = frame.iloc[1:]
        pairs = zip(others.iloc[:, 0], others.iloc[:, -1], strict=True)
        rest = ", ".join(f"on {name} {amount(one)}" for name, one in pairs)
        answer.append(f"Acting so is worth {money(evidence, total)} (95\u00a0%: {around}); {rest}.")
        answer += against_none(evidence, yes, on)
    found = gains.gains(yes, decision.urgency(result.predictions))
    formats = dict.fromkeys(frame.columns[1:4], number) | dict.fromkeys(frame.columns[4:], amount)
    asked = f"Which {options.rows} have {evidence.record['target']} = '{positive}'?"
    return {
        "asked": f"{asked} {yes.sum():,} of {n:,} new ones do.",
        "answer": answer,
        "table": table(frame, **formats),
        "figures": {"gains": gains.draw_gains(found, size, str(positive), options.rows)},
    }


def hits_within(yes: np.ndarray, part: np.ndarray, groups: Groups) -> tuple[float, float]:
    """The 95 % interval of the hits among a part of the rows, shape (n_rows,); rows of a group come and go together."""
    low, high = (part.sum() * end for end in diagnostics.wilson(yes[part]))
    if groups is None:
        return low, high
    _, least, most = gains.summed(yes[part].astype(float), groups[part])
    return max(0.0, min(low, least)), min(float(part.sum()), max(high, most))


def worth_within(evidence: Evidence, yes: np.ndarray, on: np.ndarray, *, spared: bool = False) -> tuple[float, ...]:
    """What acting on these rows is worth, or `spared` against acting on none, and its 95 % interval.

    That is of the hits among the rows acted on, and among the others, put together as squares (MOVER: Zou 2007).
    """
    options, kinds, none = evidence.project.settings.decision, np.array([True, False]), np.zeros(2, dtype=bool)
    total, reach = 0.0, np.zeros(2)
    for part in (on, ~on):
        if part.any():
            acts = np.full(2, part is on)
            hit, miss = decision.worth(options, kinds, acts) - spared * decision.worth(options, kinds, none)
            around, hits = hits_within(yes, part, evidence.result.groups), yes[part].sum()
            total += miss * part.sum() + (hit - miss) * hits
            reach += np.sort([(hit - miss) * (end - hits) for end in around]) ** 2
    low, high = np.sqrt(reach)
    return float(total), float(total - low), float(total + high)


def against_none(evidence: Evidence, yes: np.ndarray, on: np.ndarray) -> list[str]:
    """Where doing nothing has a cost: what is spared of it, in a sentence."""
    if not decision.worth(evidence.project.settings.decision, yes, np.zeros_like(on)).any() or not on.any():
        return []
    more, low, high = worth_within(evidence, yes, on, spared=True)
    return [f"Against acting on none it saves {money(evidence, more)} (95\u00a0%: {amount(low)} to {amount(high)})."]


def ways(options: Decision, yes: np.ndarray, on: np.ndarray) -> pd.DataFrame:
    """What comes of the model's choice, of as many rows at random, of all and of none: one line each."""
    size, part, lines = int(on.sum()), on.mean(), []
    for name, way in ((f"its {size:,}", on), ("all", np.ones_like(on)), ("none", np.zeros_like(on))):
        counts = [int(some.sum()) for some in (way, yes & way, yes & ~way)]
        lines.append([name, *counts, float(decision.worth(options, yes, way).sum())])
    by_chance = [part * every + (1 - part) * never for every, never in zip(lines[1][1:], lines[2][1:], strict=True)]
    if size:
        lines.insert(1, [f"{size:,} at random", *map(round, by_chance[:3]), by_chance[3]])
    worth = f"worth {options.currency}".strip()
    frame = pd.DataFrame(lines, columns=["acting on", options.rows, "rightly", "missed", worth])
    return frame if decision.has_value(options) else frame.iloc[:, :-1]


def of_numbers(evidence: Evidence) -> dict[str, Any]:
    """Numbers: how many are near enough, where a share of the truth says something, and what the errors cost."""
    options, result, target = evidence.project.settings.decision, evidence.result, evidence.record["target"]
    truth, answers, constant = result.truth, result.predictions.values, result.constant.values
    rote = f"the {middle(result.metric.name)}"
    off, by_rote = gains.off_by(truth, answers), gains.off_by(truth, constant)
    above = "" if len(off) == len(truth) else " above 0"
    lines = [
        (f"within {share:.0%}", int((off <= share).sum()), int((by_rote <= share).sum())) for share in gains.SHARES
    ]
    usual, of_rote = ([number(of(np.abs(one - truth))) for of in (np.mean, np.median)] for one in (answers, constant))
    sentences = [
        f"It is off by {usual[0]} on average, half of the time by less than {usual[1]}; always answering {rote}, "
        f"{number(float(constant[0]))}, would be off by {of_rote[0]}, half of the time by less than {of_rote[1]}.",
    ]
    if len(off):
        within, near, near_rote = lines[1][0], *(of_all(count, len(off)) for count in lines[1][1:])
        sentences.append(
            f"Of its answers to {len(off):,} {options.rows}{above}, {near} come {within} of the true {target}; "
            f"always answering {rote}, {near_rote} would."
        )
    if above:
        there, by_constant = (number(np.abs(one - truth)[truth <= 0].mean()) for one in (answers, constant))
        sentences.append(
            f"A share of 0 or less says nothing: in these {len(truth) - len(off):,} {options.rows} it is off by "
            f"{there} on average, always answering {rote} by {by_constant}."
        )
    if size := decision.capacity_of(options, len(truth)):
        first, best = (np.argsort(-values, kind="stable")[:size] for values in (answers, truth))
        sentences.append(
            f"Of the {size:,} {options.rows} with the highest answers, {len({*first} & {*best}):,} are among the "
            f"{size:,} with the highest {target}; at random {size * size / len(truth):,.0f} would be."
        )
    if decision.has_value(options):
        (total, *ends), (beside, *_) = (
            gains.summed(decision.paid(options, truth, one), result.groups) for one in (answers, constant)
        )
        around = " to ".join(map(amount, ends))
        sentences.append(
            f"Its errors cost {money(evidence, total)} (95\u00a0%: {around}); those of {rote} {amount(beside)}."
        )
    frame = pd.DataFrame(lines, columns=[f"{options.rows}{above} that are", "the model", f"always {rote}"])
    asked = f"What is the {target} of each of {len(truth):,} {options.rows} that it never saw?"
    shown = table(frame, **dict.fromkeys(frame.columns[1:], number)) if len(off) else None
    drawn = {"errors": gains.draw_errors(off, by_rote, target, rote, f"all{above}")} if len(off) else {}
    return {"asked": asked, "answer": sentences, "table": shown, "figures": drawn}


def of_classes(evidence: Evidence) -> dict[str, Any]:
    """More classes: how many are right at the first guess, at the second, and which confusion is the most frequent."""
    options, result, target = evidence.project.settings.decision, evidence.result, evidence.record["target"]
    truth, n = result.truth, len(result.truth)
    hits = gains.among_first(truth, result.predictions)[: min(GUESSES, len(result.classes) - 1)]
    right, constant = truth == result.predictions.values, result.constant.values[0]
    sentences = [
        f"It names the right one for {right.sum():,} of {n:,} {options.rows} ({percent(right.mean())}); always "
        f"answering '{constant}' is right for {(truth == constant).sum():,}.",
        f"For {hits[1]:,} ({percent(hits[1] / n)}) the right one is among its two most probable.",
    ]
    shares = pd.Series(right).groupby(truth).mean()
    if len(missed := shares.index[shares == shares.min()]) < len(shares):
        those, kinds = right[np.isin(truth, missed)], listed([f"'{label}'" for label in missed])
        sentences.append(f"Of those that are {kinds} it names {those.sum():,} of {len(those):,}; of no other so few.")
    confused = gains.confusions(truth, result.predictions)
    if len(confused):
        worst = confused.iloc[0]
        sentences.append(
            f"The most frequent confusion: {worst['rows']:,} of {(~right).sum():,} errors take '{worst['truth']}' "
            f"for '{worst['taken for']}'."
        )
    if size := decision.capacity_of(options, n):
        surest = right[np.argsort(-decision.urgency(result.predictions), kind="stable")[:size]]
        sentences.append(f"Of the {size:,} {options.rows} it is surest of, {surest.sum():,} are right.")
    shown = confused.head(CONFUSIONS).rename(columns={"rows": options.rows})
    return {
        "asked": f"Which of {len(result.classes)} kinds of {target} is each of {n:,} {options.rows} that it never saw?",
        "answer": sentences,
        "table": table(shown, **{options.rows: number}) if len(confused) else None,
        "figures": {"guesses": gains.draw_guesses(list(hits), n)},
    }
