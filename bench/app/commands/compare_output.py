"""What the command `compare` prints: tables, sentences, what differs, or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bench.analysis.comparison import Comparison
from bench.analysis.entrants import Entrant
from bench.analysis.self_comparison import SelfComparison
from bench.analysis.slowdown import SittingPairs
from bench.report import compared as said
from bench.report import sequence
from bench.report.tables.compared import cells_table, ranks_table, sittings_table
from bench.report.terminal import list_text, paragraph_text, table_text
from bench.report.words import comparison as words
from bench.spec.description import Outline
from bench.spec.request import CompareRequest


@dataclass(frozen=True)
class Look:
    """One look at the journals: the comparison of all sides, and of two sides sitting by sitting.

    `pairs` is None if the user did not ask for the pairs of sittings. `wrong` names the sides that
    were left out, because they train every kind of job wrong.
    """

    found: Comparison
    outline: Outline
    pairs: SittingPairs | None
    wrong: tuple[str, ...] = ()

    @property
    def baseline(self) -> Entrant:
        """The side that the others are set against."""
        return self.found.entrant(self.found.baseline)

    @property
    def candidate(self) -> Entrant:
        """The first of the other sides."""
        return next(one for one in self.found.entrants if one.name != self.found.baseline)


def print_comparison(request: CompareRequest, look: Look) -> None:
    """Print the table, the verdict, what it rests on, and what differs."""
    found, base = look.found, look.baseline
    table = cells_table(found, look.outline)
    print(f"{paragraph_text(table.title)}\n\n{table_text(table)}")
    if len(found.entrants) > 2:
        print(f"\n{table_text(ranks_table(found))}")
    verdict = said.verdict_sentence(found)
    if request.until_told and look.pairs is not None:
        print(f"\n{paragraph_text(_sequence(request, look, look.pairs)[0])}")
        verdict = f"{words.SINGLE_LOOK} {said.verdict_sentence(found, advise=False)}"
    print(f"\n{paragraph_text(verdict)}\n")
    wrong = [*map(words.all_wrong, look.wrong), *said.wrong_sentences(found, look.outline)]
    for text in (*wrong, *said.paragraphs(found)):
        print(paragraph_text(text))
    if look.pairs is not None and request.fail_if_slower is not None:
        print()
        for text in _sequence(request, look, look.pairs)[-1:]:
            print(paragraph_text(text))
    for one in found.entrants:
        if one is not base:
            lines = said.difference_lines(base, one)
            head = words.differs if lines else words.nothing_differs
            print(f"\n{paragraph_text(head(base.name, one.name))}")
            print(list_text(lines), end="\n" if lines else "")


def _sequence(request: CompareRequest, look: Look, pairs: SittingPairs) -> list[str]:
    """Return what the pairs of sittings show of the questions that were asked of them."""
    names = (look.candidate.name, look.baseline.name)
    told = []
    if request.until_told:
        told.append(sequence.sequence_sentence(pairs, *names, request.margin))
    if request.fail_if_slower is not None:
        told.append(sequence.slowdown_sentence(pairs, *names, request.fail_if_slower))
    return told


def print_json(request: CompareRequest, look: Look) -> None:
    """Print the whole comparison as JSON."""
    document = said.document(look.found, look.outline)
    document["left_out_because_trained_wrong"] = list(look.wrong)
    document["differences"] = {
        one.name: said.difference_rows(look.baseline, one)
        for one in look.found.entrants
        if one is not look.baseline
    }
    if look.pairs is not None:
        if request.until_told:
            document["verdict_of_a_single_look"] = said.verdict_sentence(look.found, advise=False)
            document["verdict"] = _sequence(request, look, look.pairs)[0]
        document["sitting_by_sitting"] = sequence.sequence_document(look.pairs, request.margin)
        if request.fail_if_slower is not None:
            document["fail_if_slower"] = sequence.slowdown_document(
                look.pairs, request.fail_if_slower
            )
    print(json.dumps(document, indent=1))


def print_self(request: CompareRequest, found: SelfComparison) -> None:
    """Print the comparison of a machine with itself."""
    if request.as_json:
        print(json.dumps(said.self_document(found), indent=1))
        return
    print(f"{table_text(sittings_table(found))}\n")
    for text in said.self_paragraphs(found):
        print(paragraph_text(text))
    if found.farthest is not None:
        first, second = found.farthest.entrants
        lines = said.difference_lines(first, second, said.FEW_DIFFERENCES)
        head = words.sittings_differ if lines else words.no_sittings_differ
        print(f"\n{paragraph_text(head(first.name, second.name))}")
        print(list_text(lines), end="\n" if lines else "")
