"""Nobody steers what is about themselves: their own case, that of somebody they rate, or who rates and decides it."""

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from actions.steering.preview import SteeringRefused
from actions.steering.rounds import BEYOND
from actions.store.bulk import portions
from models import Appraisal, Person


def check_cases(session: Session, by: int | None, cases: Iterable[Appraisal], *, field: str = "") -> None:
    """Refuse, naming them, cases in which the officer is the employee, the rater or the authority."""
    own = {
        case.employee_id for case in cases
        if by is not None and by in (case.employee_id, case.rater_id, case.authority_id)
    }  # fmt: skip
    if own:
        raise _refused(session, own, field)


def check_official(by: int | None, official: int, *, field: str = "") -> None:
    """Refuse an officer who names themselves rater, authority or acting official, or somebody in their own place."""
    if by is not None and by == official:
        raise SteeringRefused(
            "Bapak/Ibu tidak dapat menunjuk diri sendiri atau pengganti bagi diri sendiri: Pengelola Kinerja lain"
            " yang melakukannya.",
            "You cannot name yourself, or somebody in your own place: another HR officer does it.",
            field=field,
        )


def check_person(session: Session, by: int | None, person: int, *, field: str = "") -> None:
    """Refuse what concerns the officer, somebody they rate or decide on, or who rates or decides on them."""
    if by is None:
        return
    if by == person:
        raise _refused(session, {person}, field)
    pairs = ((by, person), (person, by))
    together = or_(*(
        (Appraisal.employee_id == employee)
        & ((Appraisal.rater_id == official) | (Appraisal.authority_id == official))
        for employee, official in pairs
    ))  # fmt: skip
    running = Appraisal.finalized_at.is_(None), Appraisal.state.not_in(BEYOND)
    if session.scalar(select(Appraisal.id).where(together, *running).limit(1)) is not None:
        raise _refused(session, {person}, field)


def _refused(session: Session, people: Iterable[int], field: str) -> SteeringRefused:
    names: list[str] = []
    for portion in portions(sorted(people)):
        named = select(Person.name).where(Person.id.in_(portion)).order_by(Person.name)
        names += session.scalars(named.limit(5))
    said, more = ", ".join(names[:5]), len(set(people)) - 5
    return SteeringRefused(
        f"Bapak/Ibu terlibat dalam penilaian {said}{f' dan {more} lainnya' if more > 0 else ''}: Pengelola Kinerja"
        " lain yang melakukannya; bila tidak ada, pengelola sistem melalui perintah.",
        f"You are involved in the appraisal of {said}{f' and {more} more' if more > 0 else ''}: another HR officer"
        " does this; where there is none, ops do by command.",
        field=field,
    )
