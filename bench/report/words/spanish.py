"""The first screen and the frame of a report in Spanish."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from bench.report.words.catalogue import Words, some
from bench.report.words.phrasebook import phrasebook
from bench.report.words.sureness import (
    LEVELS,
    MOST_OF_100,
    NOT_KNOWN,
    SURELY,
    Bracket,
    level,
    rounded,
    share,
)
from bench.spec.languages import Language
from bench.text import counted

if TYPE_CHECKING:
    from bench.analysis.conditions import Disturbances
    from bench.analysis.job_counts import JobCounts

#: The words for a chance, in the place of the English ones.
CHANCES: Mapping[str, str] = dict(
    zip(
        (*(word for _, word in LEVELS), NOT_KNOWN),
        ("con seguridad", "muy probablemente", "probablemente", "sin saberse"),
        strict=True,
    )
)


class Spanish(Words):
    """The sentences in Spanish, with the same figures as in English."""

    language: ClassVar[Language] = "es"
    to: ClassVar[str] = "a"
    details_title: ClassVar[str] = "El veredicto en detalle"
    absent_title: ClassVar[str] = "No figura en este informe"
    notes_title: ClassVar[str] = "Notas"
    nothing: ClassVar[str] = "nada"
    remark_names: ClassVar[Mapping[str, str]] = {
        "measured": "Medido",
        "failed": "Fallos",
        "wrong": "Entrena mal",
        "disturbed": "Perturbados",
        "assumed": "Supuesto",
        "unranked": "Sin clasificar",
        "data": "Datos",
    }

    def nothing_measured(self, has_failures: bool) -> str:
        """Say that there is no measurement."""
        why = (
            "abajo se indica qué falló"
            if has_failures
            else "no se planificó ni se ejecutó ningún trabajo"
        )
        return f"No se ha medido nada: {why}."

    def one_machine(self, machine: str) -> str:
        """Name the only machine."""
        return (
            f"Se ha medido una sola máquina, {machine}: mide otra y este informe dirá cuál de las "
            "dos es más rápida."
        )

    def beside_published(
        self, machine: str, job: str, published: str, speed: Bracket, chance: float
    ) -> str:
        """Compare the only machine with a published one."""
        return (
            f"Se ha medido una sola máquina: con {job}, {machine} es "
            f"{_times(f'la máquina publicada «{published}»', speed)}, y la probabilidad de que sea "
            f"{'más rápida' if chance >= 0.5 else 'más lenta'} es de "
            f"{_of_100(max(chance, 1 - chance))}."
        )

    def no_common_job(self, machines: int) -> str:
        """Say that nothing can be compared."""
        return (
            f"Se han medido {machines} máquinas, pero no tienen ningún trabajo en común con los "
            "mismos datos, así que no se sabe cuál es más rápida."
        )

    def train_on(self, first: str, second: str, speed: Bracket, chance: float) -> str:
        """Recommend the first machine."""
        return f"Entrena en {first}: es {_times(second, speed)}, {_chance(chance)}."

    def equal(self, first: str, second: str, speed: Bracket, margin: float, within: float) -> str:
        """Say that either machine will do."""
        return (
            f"{first} y {second} son iguales dentro de un margen del {share(margin)}: {first} es "
            f"{_times(second, speed)}, y la probabilidad de que difieran en menos del "
            f"{share(margin)} es de {_of_100(within)}."
        )

    def still_open(self, first: str, second: str, speed: Bracket, chance: float) -> str:
        """Say which machine looks faster, and that this is not a finding."""
        if level(chance) == NOT_KNOWN:
            return (
                f"No se sabe cuál de las dos máquinas, {first} o {second}, es más rápida: {first} "
                f"es {_times(second, speed)}, y la probabilidad de que sea más rápida es de "
                f"{_of_100(chance)}."
            )
        if level(chance) == SURELY:  # the word is for findings
            return (
                f"La probabilidad de que {first} sea más rápida que {second} es de "
                f"{_of_100(chance)}, pero todavía no está demostrado: es {_times('', speed)}."
            )
        return (
            f"{_chance(chance).capitalize()} {first} es más rápida que {second}, pero todavía no "
            f"está demostrado: es {_times(second, speed)}."
        )

    def no_winner(
        self, best: Sequence[str], first: str, second: str, speed: Bracket, chance: float
    ) -> str:
        """Name the machines that may be the fastest, and compare the first two."""
        return (
            f"No está demostrado cuál es la máquina más rápida: puede ser {_or_more(best)}, y la "
            f"probabilidad de que {first} sea más rápida que {second} es de {_of_100(chance)}: es "
            f"{_times('', speed)}."
        )

    def no_winner_known(self, best: Sequence[str]) -> str:
        """Name the machines that may be the fastest."""
        return f"No está demostrado cuál es la máquina más rápida: puede ser {_or_more(best)}."

    def measured(self, counts: JobCounts, jobs: int, machines: int, sittings: int) -> str:
        """Count jobs, machines and sittings."""
        planned = f"{counts.measured} de {counts.planned} trabajos previstos"
        if counts.measured == counts.planned:
            planned = (
                "el único trabajo previsto"
                if counts.planned == 1
                else f"los {counts.planned} trabajos previstos"
            )
        more = f" y {jobs - counts.measured} más" if jobs > counts.measured else ""
        where = f"en {counted(machines, 'máquina')} y {counted(sittings, 'sesión', 'sesiones')}"
        return f"{planned}{more}, {where}."

    def failed(self, counts: JobCounts, reasons: Mapping[str, int]) -> str:
        """Count what gave no measurement, by outcome."""
        parts = []
        if counts.failed:
            why = ", ".join(f"{_translated(reason)} {n}" for reason, n in reasons.items())
            parts.append(f"{counted(counts.failed, 'trabajo')} ({why})")
        parts += [f"{n} {what}" for n, what in _outcomes(counts) if n]
        if counts.unavailable:
            parts.append(f"no disponibles: {_and_more(counts.unavailable)}")
        return f"{'; '.join(parts)} (véase «{_translated('Failures')}»)."

    def disturbed(self, found: Disturbances) -> str:
        """Count the disturbed jobs, and name the causes."""
        by = ", ".join(f"{_translated(name)} {n}" for name, n in found.causes.items())
        watched = counted(found.watched, "trabajo vigilado", "trabajos vigilados")
        return f"{found.disturbed} de {watched} ({by}; véase «{_translated('Conditions')}»)."

    def assumed(self, spread: float, part: float | None, half: float | None, sittings: int) -> str:
        """Say the assumed spread, and what rests on it."""
        only = f"solo hay {counted(sittings, 'sesión', 'sesiones')}"
        if half is not None:
            return (
                f"las sesiones difieren un {share(spread)} ({only}), así que los tiempos se "
                f"conocen con un margen de alrededor del {share(half)}."
            )
        return (
            f"las sesiones difieren un {share(spread)} ({only} de alguna máquina); en ello se basa "
            f"el {share(part or 0)} del intervalo."
        )

    def assumed_published(self, spread: float) -> str:
        """Say the assumed spread of published runs."""
        return (
            f"las ejecuciones publicadas difieren un {share(spread)} (cada una se hizo una sola "
            "vez)."
        )

    def not_ranked(self, machines: Sequence[str]) -> str:
        """Name the machines apart."""
        return f"{_and_more(machines)} (ningún trabajo en común con las máquinas clasificadas)."

    def trains_wrong(self, found: Sequence[tuple[str, str]]) -> str:
        """Name machines and jobs."""
        names = _and_more([f"{machine} ({job})" for machine, job in found])
        quality = _translated("Quality")
        return f"{names}; ahí su velocidad no cuenta (véase «{quality}»)."

    def data(self, note: str, runs: int, of_runs: int) -> str:
        """Return the note, with the number of its runs unless all have it."""
        some_runs = f" ({runs} de {of_runs} ejecuciones)" if runs < of_runs else ""
        return f"{note.rstrip('.')}{some_runs}."

    def how_to_read(self, first: str | None, with_costs: bool) -> str:
        """Explain speeds, brackets and costs."""
        if first is None:
            return "Los corchetes contienen intervalos del 95 % para otro día."
        costs = "; costes y energía son medias de los trabajos que todas ellas midieron"
        return (
            f"La velocidad indica cuántas veces tan rápida como {first} es una máquina, con el "
            f"intervalo del 95 % para otro día{costs if with_costs else ''}."
        )

    def more_rows(self, left: int) -> str:
        """Say where the other rows are."""
        return f"{counted(left, 'fila más', 'filas más')} de esta tabla: véase tables/overview.csv."

    def title(self, workload: str) -> str:
        """Return the title of the report."""
        return f"Anexo de capacidad de cómputo: {workload}"

    def contents(self) -> str:
        """Begin the list of tables."""
        return "Anexo:"

    def own_language(self) -> str:
        """Return what is not in Spanish, and how decimals are written."""
        return (
            "Los decimales se escriben con punto, como en los ficheros de datos. El detalle del "
            "veredicto, las notas y las palabras de las celdas están en inglés."
        )

    def in_all_tables(self, constants: Sequence[tuple[str, str]]) -> str:
        """List what all tables have in common."""
        return f"En todas las tablas: {_pairs(constants)}."

    def in_all_rows(self, constants: Sequence[tuple[str, str]]) -> str:
        """List what all rows of a table have in common."""
        return f"En todas las filas: {_pairs(constants)}."

    def unknown(self, headings: Sequence[str]) -> str:
        """List the unknown columns."""
        return f"Se desconoce en todas las filas: {', '.join(headings)}."


def _translated(text: str) -> str:
    return phrasebook("es").said(text)


def _of_100(chance: float) -> str:
    """Return a chance as `98 de cada 100`, rounded as in English."""
    return f"{min(MOST_OF_100, math.floor(100 * chance + 1e-9))} de cada 100"


def _chance(value: float) -> str:
    """Return a chance in words and as a number: `muy probablemente (98 de cada 100)`."""
    return f"{CHANCES[level(value)]} ({_of_100(value)})"


def _times(second: str, bracket: Bracket) -> str:
    """Return `1.18 veces tan rápida como desk (de 1.02 a 1.36 otro día)`."""
    estimate, *bounds = rounded(bracket)
    head = f"{estimate} veces tan rápida{f' como {second}' if second else ''}"
    return f"{head} (de {bounds[0]} a {bounds[1]} otro día)" if bounds else head


def _and_more(names: Sequence[str]) -> str:
    shown, more = some(names)
    return f"{', '.join(shown)}{f' y {more} más' if more else ''}"


def _or_more(names: Sequence[str]) -> str:
    shown, more = some(names)
    shown += [f"otras {more}"] if more else []
    *first, last = shown
    # "o" becomes "u" before the sound of an o.
    joint = "u" if last[:1].lower() == "o" or last[:2].lower() == "ho" else "o"
    return f"{', '.join(first)} {joint} {last}" if first else last


def _outcomes(counts: JobCounts) -> tuple[tuple[int, str], ...]:
    return (
        (counts.not_run, "sin ejecutar"),
        (counts.skipped, "omitidos" if counts.skipped > 1 else "omitido"),
        (counts.no_time, "para los que no hubo tiempo"),
    )


def _pairs(constants: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{heading}: {text}" for heading, text in constants)
