"""What happens to somebody reaches them by a letter of its own: what, who, why, about whom, and never an invitation."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from actions import steering
from actions.desk import desks
from models import Assignment, Cycle, Letter
from notifications.compose import compose
from rules.terms import ActKind, AssignmentState, Locale, StageKind
from tests.actions.cases.test_objections import heard
from tests.actions.world import ABOVE, REASONS, World, local


def letter(world: World, who: str, kind: str) -> Any:
    (found,) = world.all(Letter, person_id=world.people[who], kind=kind)
    return found


def text(found: Any) -> str:
    assert found.link_id is not None, "it leads to a page"
    return compose(found.kind, found.facts | {"url": "https://kinerja.example/a/x"}, Locale.ID).text


def invitations(world: World, stage: StageKind) -> set[int]:
    return {one.id for one in world.all(Letter, kind="stage_invitation", stage_id=world.stage(stage).id)}


def test_a_returned_plan_says_who_returned_it_why_and_until_when(targets: World) -> None:
    before = invitations(targets, StageKind.TARGET_SETTING)
    targets.act("ani", ActKind.DRAFT_TARGETS)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani", decision="return", reason="Sebutkan sumber data target.")
    told = text(letter(targets, "ani", "plan_returned"))
    for said in ("Dikembalikan oleh: Head", "Sebutkan sumber data target.", "Sabtu, 31 Januari 2026 pukul 23.59 WITA"):
        assert said in told
    assert invitations(targets, StageKind.TARGET_SETTING) == before, "January's invitation does not come again"
    assert targets.task("ani", ActKind.DRAFT_TARGETS).told_at == targets.at, "no digest repeats it"


def test_an_established_plan_is_told_with_its_version(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani", decision="return", reason="Sebutkan sumber data target.")
    targets.act("ani", ActKind.DRAFT_TARGETS)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani")
    told = letter(targets, "ani", "plan_established")
    assert (told.facts["by"], told.facts["version"], told.not_after) == ("Head", 2, None)
    assert "Ditetapkan oleh: Head" in text(told)


def reopen(world: World, name: str, kind: ActKind, *about: str, by: str | None = None) -> None:
    with world.db.transaction() as session:
        query = select(Assignment).filter_by(person_id=world.people[name], kind=kind, state=AssignmentState.DONE)
        acts = [one.id for one in session.scalars(query) if not about or one.appraisal_id in _cases(world, about)]
        officer = world.people[by] if by else None
        cycle = session.get_one(Cycle, world.cycle_id)
        steering.reopen(session, cycle, acts, reason="Berkas bukti tertukar.", at=world.at, by=officer)


def _cases(world: World, names: tuple[str, ...]) -> set[int]:
    return {world.case(name).id for name in names}


def test_what_is_asked_again_says_who_reopened_it_and_why_and_is_no_invitation(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    before = invitations(targets, StageKind.TARGET_SETTING)
    reopen(targets, "ani", ActKind.DRAFT_TARGETS, by="hr")
    told = text(letter(targets, "ani", "asked_again"))
    assert "Dibuka kembali oleh: Hr" in told
    assert "Berkas bukti tertukar." in told
    assert "Pegawai:" not in told, "it is the reader's own"
    assert "31 Januari 2026" in told
    assert invitations(targets, StageKind.TARGET_SETTING) == before
    assert targets.task("ani", ActKind.DRAFT_TARGETS).told_at == targets.at


def test_a_rater_who_is_asked_again_reads_whose_feedback_it_is(mid_year: World) -> None:
    for name in ("ani", "budi"):
        mid_year.act(name, ActKind.REPORT_PROGRESS)
        mid_year.act("head", ActKind.GIVE_FEEDBACK, name, feedback="Loket rapi dan antrean pendek.")
    reopen(mid_year, "head", ActKind.GIVE_FEEDBACK)
    told = letter(mid_year, "head", "asked_again")
    assert told.facts["employees"] == ["Ani", "Budi"]
    assert "pengelola sistem" in text(told), "ops did it by command"
    assert "Pegawai:             Ani, Budi" in text(told)
    assert told.not_after is None


def report(world: World, target: str | None = None) -> None:
    task = world.task("ani", ActKind.REPORT_PROGRESS)
    form = world.form(task)
    if target:
        form["actuals"][0]["new_target"] = target
        form["change_reason"] = "Ada tambahan loket sejak Maret."
    world.send(task, form)


def test_feedback_is_told_by_one_letter_without_its_words(mid_year: World) -> None:
    report(mid_year)
    mid_year.act("head", ActKind.GIVE_FEEDBACK, "ani", feedback="Arsip loket masih tercecer.")
    told = text(letter(mid_year, "ani", "feedback_given"))
    assert "Dari: Head" in told
    assert "Arsip loket" not in told, "no comment is mailed"
    assert not mid_year.all(Letter, kind="targets_changed")


def test_feedback_between_the_stages_is_told_once_a_day(mid_year: World) -> None:
    def say(words: str) -> None:
        with mid_year.db.transaction() as session:
            today = mid_year.at.date()
            desks.add_note(session, mid_year.people["head"], mid_year.case("ani").id, words, words, at=mid_year.at,
                           today=today)  # fmt: skip

    for words in ("Loket rapi.", "Antrean pendek.", "Antrean pendek."):
        say(words)
    told = text(letter(mid_year, "ani", "feedback_given"))
    assert "ada umpan balik baru atas kinerja Bapak/Ibu" in told
    assert "Loket rapi" not in told
    mid_year.at += timedelta(days=1)
    say("Arsip lengkap.")
    assert len(mid_year.all(Letter, kind="feedback_given")) == 2


@pytest.mark.parametrize(("answer", "said"), [("agree", "Disetujui; target baru berlaku"),
                                              ("decline", "Tidak disetujui; target semula tetap berlaku")])  # fmt: skip
def test_an_answer_on_changed_targets_is_told_with_the_reason_of_the_proposal(
    mid_year: World, answer: str, said: str
) -> None:
    report(mid_year, "120")
    mid_year.act("head", ActKind.GIVE_FEEDBACK, "ani", changes=answer)
    told = text(letter(mid_year, "ani", "targets_changed"))
    for part in (said, "Dijawab oleh:  Head", "Ada tambahan loket sejak Maret."):
        assert part in told
    assert not mid_year.all(Letter, kind="feedback_given"), "one letter says both"


def test_both_sides_and_the_authority_are_asked_by_name_of_the_employee(issued: World) -> None:
    before = invitations(issued, StageKind.OBJECTION_HANDLING)
    heard(issued)
    own, rater, authority = (letter(issued, who, "objection_notice") for who in ("ani", "head", "chief"))
    assert [one.facts["audience"] for one in (own, rater, authority)] == ["employee", "rater", "authority"]
    assert "Penjelasan Bapak/Ibu paling lambat: Kamis, 28 Januari 2027" in text(own)
    assert "Pegawai: Ani" in text(rater)
    assert "Pegawai: Ani" in text(authority)
    assert REASONS not in text(rater) + text(authority)
    assert invitations(issued, StageKind.OBJECTION_HANDLING) == before
    explained = issued.all(Assignment, kind=ActKind.EXPLAIN)
    assert all(one.told_at for one in explained)


@pytest.mark.parametrize(
    ("decision", "said"),
    [({"decision": "keep"}, "Keberatan tidak dikabulkan; hasil penilaian tetap"),
     ({"decision": "change"} | ABOVE, "Hasil penilaian diubah")],
)  # fmt: skip
def test_a_decision_says_who_decided_what_and_names_the_employee_to_the_rater(
    issued: World, decision: dict[str, Any], said: str
) -> None:
    heard(issued).act("chief", ActKind.DECIDE_OBJECTION, **decision)
    own, rater = (text(letter(issued, who, "objection_decided")) for who in ("ani", "head"))
    for told in (own, rater):
        assert said in told
        assert "Diputuskan oleh:    Chief" in told
        assert "Setelah mendengar kedua pihak" not in told, "the reasons stand on the page"
    assert "Pegawai:            Ani" in rater
    assert "Pegawai:" not in own
    assert not issued.all(Letter, kind="corrected_result")


def test_a_withdrawal_is_told_to_whoever_was_asked(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    issued.act("ani", ActKind.EXPLAIN, answer="withdraw")
    told = letter(issued, "head", "objection_withdrawn")
    assert (told.facts["audience"], told.facts["employee"]) == ("rater", "Ani")
    assert not issued.all(Letter, kind="objection_withdrawn", person_id=issued.people["chief"]), "never asked"


# ---- the receipts of officials


def digests(world: World, who: str) -> list[Any]:
    return world.all(Letter, kind="receipt_digest", person_id=world.people[who])


def test_a_raters_receipts_of_a_day_are_one_letter_in_the_evening(targets: World) -> None:
    targets.everybody(ActKind.DRAFT_TARGETS)
    numbers = [targets.act("head", ActKind.ESTABLISH_TARGETS, who).number for who in ("ani", "budi", "citra")]
    (digest,) = digests(targets, "head")
    assert [one["receipt_no"] for one in digest.facts["acts"]] == numbers
    assert [one["employee"] for one in digest.facts["acts"]] == ["Ani", "Budi", "Citra"]
    assert digest.next_at == local("2026-01-05 17:00")
    head = targets.people["head"]
    assert [one.facts["act"] for one in targets.all(Letter, kind="receipt", person_id=head)] == ["draft_targets"], (
        "what they sent for themself is answered at once"
    )
    targets.on("2026-01-05 16:59")
    assert digests(targets, "head")[0].accepted_at is None
    targets.on("2026-01-05 17:00")
    assert digests(targets, "head")[0].accepted_at == targets.at
    told = text(digests(targets, "head")[0])
    assert f"{numbers[1]}  Menetapkan SKP seorang pegawai: Budi" in told


def test_what_comes_in_the_evening_is_in_the_next_days_digest_and_never_lost(targets: World) -> None:
    targets.everybody(ActKind.DRAFT_TARGETS)
    targets.go("2026-01-05 16:30").act("head", ActKind.ESTABLISH_TARGETS, "ani")
    targets.on("2026-01-05 17:30")
    targets.act("head", ActKind.ESTABLISH_TARGETS, "budi")
    targets.go("2026-01-06 09:00").act("head", ActKind.ESTABLISH_TARGETS, "citra")
    first, second = digests(targets, "head")
    assert [[one["employee"] for one in digest.facts["acts"]] for digest in (first, second)] == [
        ["Ani"], ["Budi", "Citra"],
    ]  # fmt: skip
    assert (second.facts["on"], second.next_at) == (date(2026, 1, 6).isoformat(), local("2026-01-06 17:00"))


def test_a_digest_that_a_dispatcher_holds_is_not_changed_any_more(targets: World) -> None:
    targets.everybody(ActKind.DRAFT_TARGETS)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani")
    with targets.db.transaction() as session:
        session.get_one(Letter, digests(targets, "head")[0].id).attempts = 1
    targets.at += timedelta(minutes=5)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "budi")
    assert [[one["employee"] for one in digest.facts["acts"]] for digest in digests(targets, "head")] == [
        ["Ani"], ["Budi"],
    ]  # fmt: skip


def test_every_event_is_told_once_however_often_its_form_arrives(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    task = targets.task("head", ActKind.ESTABLISH_TARGETS, "ani")
    form = targets.form(task)
    for _ in range(2):
        targets.send(task, form, nonce="one")
    assert targets.case("ani").state.value == "plan_established"
    assert len(targets.all(Letter, kind="plan_established")) == 1
    assert len(digests(targets, "head")[0].facts["acts"]) == 1
