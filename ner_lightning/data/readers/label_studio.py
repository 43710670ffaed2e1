"""Read Label Studio's JSON export, and its short form JSON-MIN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from ner_lightning.data.read_report import ReadReport
from ner_lightning.data.reader_options import check_option
from ner_lightning.data.sentence import Sentence
from ner_lightning.data.text.alignment import Annotation, Place, shorten_message
from ner_lightning.data.text.documents import Document, TextOptions, document_sentences
from ner_lightning.data.text.json_items import numbered_items
from ner_lightning.data.text.json_values import identifier_text, show_value
from ner_lightning.errors import DataError

Task = dict[str, Any]
Regions = list[Any]

_LOOKED_AT = 100  # tasks that decide how words are split
# Keys of a task in the short form that describe the annotation process.
_ABOUT = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time")


@dataclass(eq=False)
class LabelStudioReader(TextOptions):
    """A reader of Label Studio's tasks with a `Labels` tag over a `Text`: a JSON array, or one object per line.

    If a task has several annotations, one is read: that marked as ground truth, otherwise the first or the last. A task
    whose annotations were all cancelled is left out and counted; a task without any is not annotated. Predictions are
    ignored. `document` and `name` of a task's data are kept. Texts are split by punctuation, and positions are counted
    so that the texts of the regions are found (code points since version 1.4, UTF-16 units before), unless the options
    say otherwise.

    Args: those of `TextOptions`, and
        text_key: key of the text in a task's data; None: `text`, or the only text there.
        to_name: name of the Text tag whose regions are read, if a project labels several texts per task.
        annotation: which of several annotations is read: `first` or `last`.
    """

    text_key: str | None = None
    to_name: str | None = None
    annotation: Literal["first", "last"] = "first"
    reads_documents: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option("annotation", self.annotation, ("first", "last"))

    def read(self, path: Path, report: ReadReport) -> Iterator[Sentence]:
        """Yield the sentences of each task and fill the report.

        Raises:
            DataError: no task, what is no JSON or no task, a region without positions in a text, a span outside its
                text or unlike the text of its region, or whatever an option `error` refuses.
        """
        first = [task for _, task in islice(numbered_items(path, self.encoding), _LOOKED_AT)]
        if not first:
            raise DataError("expected at least one task, found none: the file is empty", path)
        reading = self.reading_of(self._texts(first))
        documents: set[str] = set()
        labelled: set[str] = set()
        for line, task in numbered_items(path, self.encoding):
            place = Place(path, line)
            try:
                document = self._document(task, labelled, place, report)
            except DataError:
                raise
            except (TypeError, ValueError) as error:
                raise DataError(f"task {show_value(task.get('id', '?'))}: {error}", path, line) from None
            if document is None:
                continue
            some = False
            for sentence in document_sentences(document, reading, report):
                some = True
                if sentence.document not in documents:
                    documents.add(sentence.document)
                    report.documents += 1
                yield report.count(sentence, path, line)
            if not some:
                report.empty_sentences += 1
                report.note(f"left out: task {document.name} is without words", path, line, "empty")

    def _texts(self, tasks: list[Task]) -> Iterator[str]:
        for task in tasks:
            text = task.get("data", task)
            found = text.get(self.text_key or "text") if isinstance(text, dict) else None
            if isinstance(found, str):
                yield found

    def _document(self, task: Task, labelled: set[str], place: Place, report: ReadReport) -> Document | None:
        """Make a document of a task; None if it was cancelled."""
        data = task.get("data", task)
        if not isinstance(data, Mapping):
            raise ValueError(f"expected an object under 'data', found {show_value(data)}")
        text = data[self._text_key(data, short=data is task)]
        if not isinstance(text, str):
            raise ValueError(f"expected a text, found {show_value(text)}")
        number = f"{place.path.name}:{place.line}" if task.get("id") is None else identifier_text(task["id"])
        name, document = identifier_text(data.get("name") or number), identifier_text(data.get("document") or number)
        regions = _short_regions(task) if data is task else self._regions(task, number, place, report)
        if regions is _CANCELLED:
            report.rejected += 1
            report.note(f"left out: task {number} was cancelled", place.path, place.line, "rejected")
            return None
        if regions is not None and data is not task:
            regions = self._of_one_text(regions, labelled)
        annotations = None if regions is None else list(_annotations(regions, number, place, report))
        return Document(text, annotations, name, document, place)

    def _text_key(self, data: Mapping[str, Any], short: bool) -> str:
        key = self.text_key or "text"
        if key in data:
            return key
        texts = [k for k, value in data.items() if isinstance(value, str) and not (short and k in _ABOUT)]
        if self.text_key is None and len(texts) == 1:
            return texts[0]
        found = ", ".join(map(str, data)) or "none"
        raise ValueError(f"expected a text under {key!r}, found the keys: {found}; name it: text_key=KEY")

    def _regions(self, task: Task, number: str, place: Place, report: ReadReport) -> Regions | None:
        """Return the regions of the annotation that is read; None if nobody annotated the task."""
        every = _objects(task.get("annotations", task.get("completions")), "annotations")
        if not every:
            return None
        usable = [a for a in every if not a.get("was_cancelled")]
        if not usable:
            return _CANCELLED
        truths = [a for a in usable if a.get("ground_truth")]
        chosen = (truths or usable)[0 if self.annotation == "first" else -1]
        if len(usable) > 1:
            which = "that marked as ground truth" if truths else f"the {self.annotation}"
            report.note(f"task {number} has {len(usable)} annotations: {which} is read", place.path, place.line)
        if "result" not in chosen:
            raise ValueError(f"expected 'result' in an annotation, found the keys: {', '.join(chosen) or 'none'}")
        return _objects(chosen["result"], "result")

    def _of_one_text(self, regions: Regions, labelled: set[str]) -> Regions:
        """Return the regions of the text that is read; `labelled` collects the names of all texts with some.

        Raises:
            ValueError: there are regions of several texts, and none was chosen.
        """
        if self.to_name is not None:
            return [region for region in regions if region.get("to_name") == self.to_name or not _is_span(region)]
        labelled |= {
            identifier_text(region["to_name"]) for region in regions if "to_name" in region and _is_span(region)
        }
        if len(labelled) > 1:
            names = ", ".join(sorted(labelled))
            raise ValueError(
                f"expected regions of one text, found those of {names}; choose: to_name={min(labelled)} text_key=KEY"
            )
        return regions


_CANCELLED: Regions = []


def _is_span(region: dict[str, Any]) -> bool:
    """Tell whether a region is a labelled piece of text, not a relation, a choice about the whole, a rating."""
    return region.get("type", "labels") in ("labels", "hypertextlabels")


def _objects(value: Any, key: str) -> list[dict[str, Any]]:
    """Return the list of objects under a key, empty if there is nothing.

    Raises:
        ValueError: there is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"expected a list of objects under {key!r}, found {show_value(value)}")
    return value


def _short_regions(task: Task) -> Regions | None:
    """Return the regions of a task in the short form: the value under the name of the `Labels` tag."""
    lists = [value for value in task.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    regions = [
        region
        for value in lists
        for region in value
        if isinstance(region, dict) and any(key.endswith("labels") for key in region)
    ]
    if regions:
        return regions
    # Nothing is marked, but somebody looked at it.
    return [] if "annotation_id" in task else None


def _annotations(regions: Regions, number: str, place: Place, report: ReadReport) -> Iterator[Annotation]:
    for region in regions:
        if not _is_span(region):
            continue
        value = region.get("value", region)
        if not isinstance(value, dict):
            raise ValueError(f"expected an object under 'value' of a region, found {show_value(value)}")
        labels = value.get("labels") or value.get("hypertextlabels")
        if labels and not isinstance(labels, list):
            raise ValueError(f"expected a list of entity types under 'labels', found {show_value(labels)}")
        start, end, surface = value.get("start"), value.get("end"), value.get("text")
        if type(start) is not int or type(end) is not int:
            raise ValueError(
                f"expected a region with start and end in a Text, found {show_value(start)}, {show_value(end)}; "
                "regions of HyperText and "
                "Paragraphs are not read: label the plain text"
            )
        if not labels:
            what = shorten_message(str(surface or f"[{start}, {end})"))
            report.note(f"left out: {what!r} in task {number} has no label", place.path, place.line)
            continue
        for label in labels:
            if not isinstance(label, str) or not label:
                raise ValueError(f"expected an entity type, found {show_value(label)}")
            yield Annotation(start, end, label, surface if isinstance(surface, str) and surface else None)
