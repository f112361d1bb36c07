"""What all tables share."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, MetaData, Row, Text, func, text
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeEngine

Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=func.now(), nullable=False)
]
RandomId = Annotated[
    UUID, mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
]


class Base(DeclarativeBase):
    """Base of all tables; constraints are named so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[type, type[TypeEngine[Any]]]] = {
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime,
    }


R = TypeVar("R", bound=tuple[Any, ...])


def bound(kind: type[R], row: Row[*tuple[Any, ...]]) -> R:
    """Return a row as a named tuple of a ``kind``, column by column: by name, not by place."""
    return kind(**row._asdict())
