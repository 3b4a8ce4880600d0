"""How often the samples of each class were taken for each class: a confusion matrix."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from bench.spec.frozen import Frozen

#: A number of samples.
Count = Annotated[int, Field(ge=0)]


class Confusion(Frozen):
    """The samples of an evaluation by their true class and the class that the model predicted.

    `counts` holds a row for each true class, and in each row a column for each predicted class,
    both in the order of `classes`.
    """

    classes: tuple[str, ...] = Field(min_length=2)
    counts: tuple[tuple[Count, ...], ...]

    @model_validator(mode="after")
    def _is_square(self) -> Confusion:
        size = len(self.classes)
        if [len(row) for row in self.counts] != [size] * size:
            raise ValueError(f"the counts are not {size} rows of {size} columns")
        return self

    @property
    def samples(self) -> int:
        """The number of all samples."""
        return sum(map(sum, self.counts))

    @property
    def right(self) -> int:
        """The number of samples whose class was predicted."""
        return sum(row[place] for place, row in enumerate(self.counts))
