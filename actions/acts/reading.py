"""A form read as far as it goes, so that everything that is wrong with it can be said in one round."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

Form = TypeVar("Form", bound=BaseModel)


def read(form: type[Form], data: Mapping[str, Any]) -> tuple[Form, ValidationError | None]:
    """The form, or what of it can be read with None in place of what cannot, and pydantic's word on that."""
    try:
        return form.model_validate(data), None
    except ValidationError as wrong:
        return _partial(form, data), wrong


def _partial(model: type[Form], data: Mapping[str, Any]) -> Form:
    values: dict[str, Any] = {}
    for name, known in model.model_fields.items():
        if name in data:
            values[name] = _value(model, name, data[name])
        else:
            values[name] = None if known.is_required() else known.get_default(call_default_factory=True)
    return model.model_construct(**values)


def _value(model: type[BaseModel], name: str, given: Any) -> Any:
    try:
        return _adapter(model, name).validate_python(given)
    except ValidationError:
        row = _row_of(model.model_fields[name].annotation)
        if row is None or not isinstance(given, list):
            return None
        return [_partial(row, one if isinstance(one, Mapping) else {}) for one in given]


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    known = model.model_fields[name]
    kind: Any = known.annotation
    for part in known.metadata:
        kind = Annotated[kind, part]
    return TypeAdapter(kind)


def _row_of(annotation: Any) -> type[BaseModel] | None:
    """The model of a list's rows."""
    rows = get_args(annotation) if get_origin(annotation) is list else ()
    return rows[0] if rows and isinstance(rows[0], type) and issubclass(rows[0], BaseModel) else None
