"""Arguments of a class or function, read from its source: the signature is the schema of its YAML node.

A closed list of values stands in one place, the annotation in the constructor: `constrain: Literal["both", "decode"]`.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ner_lightning.config.ranges import Between
from ner_lightning.config.source import Definition, definition

WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "None": "null"}
KINDS = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,), "None": (type(None),)}
LISTS = ("list", "tuple", "set", "frozenset", "Sequence", "Iterable", "Collection")
MAPPINGS = ("dict", "Mapping")


@dataclass(frozen=True)
class Parameter:
    """One argument of a class or function.

    Args:
        annotation: its type as written, None where there is none.
        module: the module it is written in, where names of the annotation are looked up.
        required: whether it has no default.
    """

    annotation: ast.expr | None
    module: str
    required: bool

    def accepts(self, value: Any) -> bool:
        """Tell whether a plain value from a YAML file fits the annotation; if the source cannot tell, it does."""
        return self.annotation is None or any(_fits(item, value) for item in _members(self.annotation, self.module))

    def expected(self) -> str:
        """Describe the annotation in words: `null or one of both, decode, none`."""
        members = [] if self.annotation is None else list(_members(self.annotation, self.module))
        closed = dict.fromkeys(_text(item.value) for item in members if isinstance(item, ast.Constant))
        kinds = dict.fromkeys(_in_words(m) for m in members if not isinstance(m, ast.Constant))
        return " or ".join([*kinds, *([f"one of {', '.join(closed)}"] if len(closed) > 1 else closed)])

    def of_values(self) -> Parameter | None:
        """Return the parameter that each value of a mapping must fit; None: this is no mapping."""
        for member in [] if self.annotation is None else _members(self.annotation, self.module):
            match member:
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Tuple(elts=[_, kind])) if name in MAPPINGS:
                    return Parameter(kind, self.module, required=False)
        return None

    def choices(self) -> tuple[str, ...]:
        """List the texts of a closed list, for a suggestion."""
        members = () if self.annotation is None else _members(self.annotation, self.module)
        return tuple(_text(item.value) for item in members if isinstance(item, ast.Constant))


@dataclass(frozen=True)
class Signature:
    """The arguments of a target by name; `is_open` if it takes any others too (`**kwargs`)."""

    parameters: dict[str, Parameter]
    is_open: bool


@functools.cache
def signature(target: str) -> Signature | None:
    """Read the signature of a dotted name; None if the source does not show it.

    >>> signature("ner_lightning.config.signatures.Parameter").parameters["required"].expected()
    'true or false'
    """
    module, _, name = target.rpartition(".")
    found = definition(module, name)
    return _signature(*found) if found else None


def _signature(node: Definition, module: str) -> Signature | None:
    if isinstance(node, ast.FunctionDef):
        return _of_function(node, module, skipped=0)
    if not isinstance(node, ast.ClassDef):
        return None
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _of_function(item, module, skipped=1)
    if _dataclass_decorator(node):
        first, last = _fields(node, module)
        return Signature({**first, **last}, is_open=False)
    for base in node.bases:  # the constructor is inherited
        if isinstance(base, ast.Name) and (found := definition(module, base.id)):
            return _signature(*found)
    return None if node.bases else Signature({}, is_open=False)


def _dataclass_decorator(node: ast.ClassDef) -> str:
    """Return the decorator that makes a class a dataclass, as written; empty if there is none."""
    decorators = map(ast.unparse, node.decorator_list)
    return next((decorator for decorator in decorators if "dataclass" in decorator), "")


def _fields(node: ast.ClassDef, module: str) -> tuple[dict[str, Parameter], dict[str, Parameter]]:
    """Collect the fields of a dataclass, inherited ones too: those passed by place, and those by name only."""
    by_place: dict[str, Parameter] = {}
    by_name: dict[str, Parameter] = {}
    for base in reversed(node.bases):
        found = definition(module, base.id) if isinstance(base, ast.Name) else None
        if found is not None and isinstance(found[0], ast.ClassDef) and _dataclass_decorator(found[0]):
            inherited = _fields(found[0], found[1])
            by_place |= inherited[0]
            by_name |= inherited[1]
    own = by_name if "kw_only=True" in _dataclass_decorator(node) else by_place
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and not ast.unparse(item.annotation).startswith("ClassVar"):
            own[ast.unparse(item.target)] = Parameter(item.annotation, module, item.value is None)
    return by_place, by_name


def _of_function(node: ast.FunctionDef, module: str, skipped: int) -> Signature:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    arguments = [*zip(positional, defaults, strict=True)][skipped:]
    arguments += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    parameters = {arg.arg: Parameter(arg.annotation, module, default is None) for arg, default in arguments}
    return Signature(parameters, is_open=node.args.kwarg is not None)


def _members(node: ast.expr, module: str) -> Iterator[ast.expr]:
    """Yield the members of a union, aliases followed: names, generics, and the constants of a Literal."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _members(left, module)
            yield from _members(right, module)
        case ast.Constant(value=None):
            yield ast.Name("None")
        case ast.Constant(value=str(text)):  # a type in quotes
            yield from _members(ast.parse(text, mode="eval").body, module)
        case ast.Subscript(value=generic) if (kind := ast.unparse(generic).rpartition(".")[2]) in ("Union", "Optional"):
            for item in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
                yield from _members(item, module)
            if kind == "Optional":
                yield ast.Name("None")
        case ast.Subscript(value=generic) if ast.unparse(generic).rpartition(".")[2] == "Literal":
            for item in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
                yield ast.Name("None") if isinstance(item, ast.Constant) and item.value is None else item
        case ast.Name(id=name) if name not in (*WORDS, *LISTS, *MAPPINGS):
            meaning, home = definition(module, name) or (ast.Name("Any"), module)
            if isinstance(meaning, ast.Name) and meaning.id == name:
                yield meaning
            elif isinstance(meaning, ast.expr):
                yield from _members(meaning, home)
            else:
                yield node
        case _:
            yield node


def _fits(item: ast.expr, value: Any) -> bool:
    match item:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, ast.Call() as call])):
            return value is not None and _fits(kind, value) and _range(call).holds(value)
        case ast.Constant(value=constant):
            return type(constant) is type(value) and constant == value
        case ast.Name(id=name) if name in KINDS:
            fits = isinstance(value, KINDS[name]) and (name == "bool" or not isinstance(value, bool))
            return fits and value == value  # NaN is no number
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) if name in LISTS:
            return isinstance(value, list)
        case ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) if name in MAPPINGS:
            return isinstance(value, dict)
        case ast.Name(id="Path"):
            return isinstance(value, str)
        case ast.Name(id=name) if name != "Any":  # an object of some class, given as a node with its own _target_
            return isinstance(value, dict | list)
    return True


def _range(call: ast.Call) -> Between:
    """Build the range that an annotation names."""
    return Between(*(ast.literal_eval(argument) for argument in call.args))


def _in_words(item: ast.expr) -> str:
    match item:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, ast.Call() as call])):
            return f"{_in_words(kind)} {_range(call)}"
    text = ast.unparse(item)
    return WORDS.get(text, text)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
