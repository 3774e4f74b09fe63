"""What the checker has to say: findings, remarks and counts."""

from dataclasses import dataclass

# A damaged file of a million rows says the same a million times: the first few tell where, the count tells how much.
SAME_KIND_MAX = 10


class Bad(ValueError):
    """Bytes that do not follow the format. `offset` is relative to what was being parsed."""

    def __init__(self, message, offset=None):
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class Finding:
    """One difference between what is stored and what the formats or the hashes say."""

    file: str
    message: str
    offset: int | None = None
    trail: str | None = None
    index: int | None = None

    def __str__(self):
        place = [f"file {self.file}"]
        if self.offset is not None:
            place.append(f"offset {self.offset}")
        if self.trail is not None:
            place.append(f"trail {self.trail}" + ("" if self.index is None else f"@{self.index}"))
        return f"{', '.join(place)}: {self.message}"


class Report:
    """Collects findings, remarks (things worth saying that are not wrong) and counts."""

    def __init__(self):
        self.findings = []
        self.remarks = []
        self.counts = {}
        self._same = {}

    def find(self, file, message, *, offset=None, trail=None, index=None, same=None):
        """Adds a finding. `same` names its kind where one cause can repeat row by row."""
        if same is not None:
            seen = self._same.get((file, same), 0) + 1
            self._same[file, same] = seen
            if seen > SAME_KIND_MAX:
                return
        self.findings.append(Finding(file, message, offset, trail, index))

    def remark(self, text):
        """Adds a remark; it does not change the verdict."""
        self.remarks.append(text)

    def count(self, what, n=1):
        """Adds to a count of the summary."""
        self.counts[what] = self.counts.get(what, 0) + n

    def lines(self):
        """Every finding, then how many more of a kind were left out."""
        yield from (f"FINDING {finding}" for finding in self.findings)
        for (file, same), seen in self._same.items():
            if seen > SAME_KIND_MAX:
                yield f"FINDING file {file}: {same}: {seen - SAME_KIND_MAX} more of these"
