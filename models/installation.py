"""One row that says what this database is: production, or a simulation with a clock of its own."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Installation(Base):
    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("kind IN ('production', 'simulation')", name="kind"),
        CheckConstraint("kind = 'simulation' OR virtual_now IS NULL", name="production_has_real_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    virtual_now: Mapped[str | None] = mapped_column(String(40))
