"""A1 to A11: the link of a letter in the hands of scanners, guessers, and whoever it was forwarded to."""

import json
import secrets
import statistics
import time
from base64 import b32encode
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from office import HOST, ORIGIN, Browser, dump, plan_form
from sqlalchemy import event, func, select
from typer.testing import CliRunner

import clock
import settings
from actions import steering
from actions.duties import links
from actions.mail.bounces import addressed_to
from cli.cycle.commands import app as cycle_commands
from models import (
    ActionLink,
    Appraisal,
    Assignment,
    Cycle,
    Draft,
    Letter,
    Person,
    RatingRecord,
    Stage,
    StepCode,
    Submission,
    Throttle,
    TrailEntry,
    WebSession,
)
from rules.proof.tokens import Purpose, sign, verify, verp
from rules.terms import ActKind, AssignmentState, LinkState, StageKind, Step
from tests.abuse.robots import Scanner, ask_often, kept
from web import alarm

STAGE = StageKind.TARGET_SETTING
SCORING = StageKind.SUPERVISOR_SCORING
MASTER, KID = b"s" * 64, 2026 % 251 + 1


def rows(office, table, **where) -> list:
    with office.db.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(*table.__table__.primary_key)).all())


def wait(**how: float) -> None:
    clock.move_to(clock.now() + timedelta(**how))


# A1, A2: being looked at, and lone buttons


def test_a01_a_thousand_reads_and_prefetches_change_not_one_row(office, app):
    path, prefetch = f"/a/{office.token('dewi')}", {"Purpose": "prefetch", "Sec-Purpose": "prefetch"}
    before = dump(office.db)
    answers = ask_often(app, path, HOST.removeprefix("http://"), 1000, prefetch)
    assert {status for status, _ in answers} == {200}
    assert not [names for _, names in answers if "set-cookie" in names]
    assert dump(office.db) == before, "not even a session or a counter"


@pytest.mark.parametrize(("stage", "first"), [(STAGE, "dewi"), (STAGE, "budi"), (SCORING, "dewi"), (SCORING, "budi")])
def test_a01_a_scanner_that_presses_every_button_does_nothing_in_the_persons_name(office_in, app, stage, first):
    office = office_in(stage)
    before = kept(office.db, "draft", "step_code", "letter")
    letters = {letter.id for letter in rows(office, Letter)}
    robot = Scanner(Browser(app, office))
    robot.scan(f"/a/{office.token(first, stage)}")
    assert len(robot.pressed) >= 4, "it did get in and press"
    assert not [status for status in robot.statuses if status >= 500]
    assert kept(office.db, "draft", "step_code", "letter") == before
    assert {letter.kind for letter in rows(office, Letter) if letter.id not in letters} <= {"step_code"}
    for draft in rows(office, Draft):
        assert "Terlayaninya warga di loket" in str(draft.body), "nothing but the agency's own suggestion"


def test_a01_one_that_types_into_every_field_still_sends_no_act(office_in, app):
    office = office_in(SCORING)
    robot = Scanner(Browser(app, office), types="Bagus sekali")
    robot.scan(f"/a/{office.token('dewi', SCORING)}")
    assert rows(office, Submission) == rows(office, RatingRecord) == []
    assert {link.state for link in rows(office, ActionLink)} == {LinkState.ACTIVE}


@pytest.mark.parametrize("stage", [STAGE, StageKind.MID_YEAR_REVIEW, SCORING])
def test_a02_no_act_is_done_by_its_button_alone_or_with_the_box_alone(office_in, app, stage):
    office = office_in(stage)
    with office.db.reading() as session:
        query = select(Person.name, Assignment.id, Assignment.kind).join(Person, Person.id == Assignment.person_id)
        owed = session.execute(query.where(Assignment.state == AssignmentState.OPEN)).all()
    before, tried = kept(office.db, "draft", "step_code", "letter"), set()
    for name, task, kind in owed:
        if kind in tried:
            continue
        first = name.split()[0].lower()
        who = Browser(app, office).enter(first, stage).prove(first)
        for more in ({}, {"confirm": "yes"}):
            who.get(f"/w/task/{task}")
            assert who.status == 200, who.html
            who.fill(f"/w/task/{task}", more)
            assert who.status == 422, (kind, more)
        tried.add(kind)
    assert tried
    assert kept(office.db, "draft", "step_code", "letter") == before
    assert rows(office, Submission) == []


# A3, A4, A5: what is not exactly a link of ours, any more


def broken(token: str) -> list[str]:
    flipped = [token[:n] + ("b" if token[n] != "b" else "c") + token[n + 1 :] for n in range(40)]
    spelled = [
        f"{token}{end}"
        for end in ("a", "a.", ".a", "%25", "%20a", "%0D%0Aa", "-", "+", "%E2%80%8Ba", "%26", ";x", "%EF%BF%BD")
    ]
    wrapped = [
        f"https%3A%2F%2Fhost.example%2Fa%2F{token}&data=05%7C02", f"v3/__https%3A%2F%2Fhost.example%2Fa%2F{token}__",
        f"%00{token}", f"{token}%00", token[:-1], token[1:], "%25" + token, "a" * 10_000, "%2e%2e", "-" * 40,
    ]  # fmt: skip
    return flipped + spelled + wrapped


def test_a03_every_flipped_cut_or_wrapped_link_opens_nothing(office, browser):
    token, who, bodies = office.token("dewi"), browser(), set()
    before = kept(office.db)
    for n, one in enumerate(broken(token)):
        if n % 20 == 0:
            wait(minutes=1)  # a mail program may break twenty a minute
        answer = who.http.get(f"/a/{one}")
        assert answer.status_code in (400, 404), one[:80]
        if answer.status_code == 404 and "%2F" not in one:
            bodies.add(answer.text)
    assert len(bodies) == 1
    after = [line for line in kept(office.db) if "installation" not in line]
    assert after == [line for line in before if "installation" not in line]
    assert rows(office, WebSession) == []


def test_a03_upper_case_is_the_same_link_because_mail_programs_change_it(office, browser):
    token, who = office.token("dewi").upper(), browser()
    assert who.http.get(f"/a/{token}").status_code == 200
    who.send("/a", {"token": token})
    assert who.url == "/w"


def test_a04_a_signature_of_another_key_purpose_cycle_or_installation_is_nothing(office, browser):
    link = office.link_row("dewi").id
    forged = [
        sign(link, kid=KID, master=b"x" * 64), sign(link, kid=KID - 1, master=MASTER), sign(link, kid=0, master=MASTER),
        sign(link, kid=255, master=MASTER), sign(link, kid=KID, master=MASTER, purpose=Purpose.ADDRESS_STOP),
        sign(link ^ 1, kid=KID, master=MASTER), sign(1, kid=KID, master=MASTER),
    ]  # fmt: skip
    who = browser()
    for token in forged:
        assert who.http.get(f"/a/{token}").status_code == 404
        who.send("/a", {"token": token})
        assert (who.status, who.title) == (404, "Tautan ini tidak berlaku")
        assert who.http.post("/api/v1/session", json={"token": token}).status_code == 422, "no link lets HR in"
        desk = {"Authorization": f"Link {token}"}
        assert who.http.get("/api/v1/desk", headers=desk).status_code in (401, 404)
        wait(minutes=1)
    assert rows(office, WebSession) == []


def test_a04_a_link_whose_row_was_moved_to_another_cycles_key_is_nothing(office, browser):
    old, other = office.token("dewi"), KID + 1
    with office.db.transaction() as session:
        session.get_one(ActionLink, office.link_row("dewi").id).kid = other
    for token in (old, sign(office.link_row("dewi").id, kid=other, master=MASTER)):
        assert browser().http.get(f"/a/{token}").status_code == 404


def test_a04_a_true_link_opens_its_own_persons_desk_of_its_own_stage_and_no_other(office, browser):
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    for who in (browser().enter("eko"), browser().enter("dewi", StageKind.MID_YEAR_REVIEW)):
        who.get(f"/w/task/{task}")
        assert who.status == 404
        for name in ("eko", "dewi"):
            who.send(f"/w/task/{task}", plan_form() | {"who": office.people[name], "version": 1, "nonce": "n" * 16})
            assert who.status in (404, 409)
    assert rows(office, Submission) == rows(office, Draft) == []


def test_a04_after_a_rotation_old_links_count_until_the_old_secret_is_dropped(office, browser, monkeypatch):
    old, dewi = office.token("dewi"), browser().enter("dewi")
    bounce = verp(7, domain="bounce.appraisal.example", master=MASTER)
    raw = f"Delivered-To: {bounce}\n\n".encode()
    monkeypatch.setenv("APPRAISAL_SECRET", "n" * 64)
    monkeypatch.setenv("APPRAISAL_SECRET_PREVIOUS", "s" * 64)
    settings.load.cache_clear()
    new = office.token("dewi")
    assert new != old, "reminders are signed anew"
    assert [browser().http.get(f"/a/{token}").status_code for token in (old, new)] == [200, 200]
    assert dewi.http.get("/w").status_code == 200, "nobody is thrown out"
    assert addressed_to(raw, master=settings.load().masters) == bounce, "and a bounce of yesterday is still proven"
    monkeypatch.delenv("APPRAISAL_SECRET_PREVIOUS")
    settings.load.cache_clear()
    assert [browser().http.get(f"/a/{token}").status_code for token in (old, new)] == [404, 200]
    assert dewi.http.get("/w").status_code == 401
    assert browser().enter("dewi").status == 200


def test_a05_a_revoked_generation_opens_nothing_and_ends_its_session(office, browser):
    old, dewi = office.token("dewi"), browser().enter("dewi")
    with office.db.transaction() as session:
        steering.correct_address(
            session, office.people["dewi"], "dewi.rahma@kota.example", reason="salah ketik", at=clock.now()
        )
    assert dewi.http.get(f"/a/{old}").status_code == 404
    assert dewi.http.get("/w").status_code == 401
    dewi.send("/a", {"token": old})
    assert dewi.status == 404
    generations = [(link.generation, link.state) for link in rows(office, ActionLink, person_id=office.people["dewi"])]
    assert sorted(generations) == [(1, LinkState.REVOKED), (2, LinkState.ACTIVE)]
    assert len(rows(office, WebSession)) == 1, "the old link began no second session"


def test_a05_not_me_ends_the_link_of_whoever_presses_it_and_tells_hr(office, browser):
    token, dewi, other = office.token("dewi"), browser().enter("dewi"), browser().enter("dewi")
    dewi.get("/w")
    dewi.fill("/a/notme", {"confirm": "yes"})
    assert [dewi.http.get("/w").status_code, other.http.get("/w").status_code] == [401, 401], "all of its sessions"
    assert dewi.http.get(f"/a/{token}").status_code == 404
    assert len(rows(office, TrailEntry, type="link.not_me")) == 1
    assert office.letters("correction_notice") == 1


def test_a05_a_case_that_moved_to_another_rater_leaves_the_old_raters_desk(office_in, app):
    office = office_in(SCORING)
    budi = Browser(app, office).enter("budi", SCORING).prove("budi")
    task = office.task("budi", ActKind.SCORE, "dewi")
    budi.get(f"/w/task/{task}")
    form = budi.fields(f"/w/task/{task}")
    with office.db.transaction() as session:
        cycle = session.scalars(select(Cycle)).one()
        case = session.scalars(select(Appraisal).filter_by(employee_id=office.people["dewi"])).one()
        steering.reassign(session, cycle, [case.id], office.people["citra"], reason="mutasi", decree_no="1/2026",
                          at=clock.now())  # fmt: skip
    budi.send(f"/w/task/{task}", form | {"confirm": "yes", "feedback": "Baik sekali", "result_rating": "above"})
    assert budi.status in (404, 409)
    budi.get(f"/w/case/{case.id}")
    assert budi.status == 404
    assert rows(office, RatingRecord) == rows(office, Submission) == []
    assert rows(office, Assignment, id=task)[0].state is not AssignmentState.DONE


def test_a05_a_closed_stage_shows_and_takes_nothing_new(office, browser):
    dewi = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    form = dewi.fields(f"/w/task/{task}") | plan_form()
    clock.move_to(rows(office, Stage, kind=STAGE)[0].closes_at + timedelta(seconds=1))
    office.step(STAGE, Step.CLOSE)
    dewi.get(f"/a/{office.token('dewi')}")
    assert "Tahap ini sudah ditutup" in dewi.html
    dewi.fill("/a", {})
    dewi.send(f"/w/task/{task}", form)
    assert dewi.status == 409
    assert rows(office, Submission) == []
    assert rows(office, Assignment, id=task)[0].state is AssignmentState.LAPSED


def test_a05_after_a_leak_all_links_end_at_once_and_new_ones_are_mailed_once(office, browser):
    old, dewi = {n: office.token(n) for n in ("dewi", "eko", "fitri")}, browser().enter("dewi")
    leak = clock.now() + timedelta(minutes=10)
    wait(minutes=20)
    mailed = rows(office, Letter, kind="stage_invitation")

    def renew(**more) -> steering.Preview:
        with office.db.transaction() as session:
            cycle = session.scalars(select(Cycle)).one()
            return steering.renew_links(session, cycle, made_before=leak, reason="bocor", at=clock.now(), **more)

    shown = renew(preview=True)
    assert rows(office, ActionLink, state=LinkState.REVOKED) == [], "a preview changes nothing"
    parts = [renew(limit=2)]
    while parts[-1].counts["links"]:
        parts.append(renew(limit=2))
    assert len(parts) > 2, "in portions"
    revoked = len(rows(office, ActionLink, state=LinkState.REVOKED))
    assert sum(part.counts["links"] for part in parts) == shown.counts["links"] == revoked
    new = [one for one in rows(office, Letter, kind="stage_invitation") if one.id not in {x.id for x in mailed}]
    assert len(new) == sum(part.counts["letters"] for part in parts) == shown.counts["letters"] > 2
    states = {link.id: link.state for link in rows(office, ActionLink)}
    assert {states[one.link_id] for one in rows(office, Letter) if one.link_id} == {LinkState.ACTIVE}
    assert [browser().http.get(f"/a/{token}").status_code for token in old.values()] == [404] * 3
    assert dewi.http.get("/w").status_code == 401
    assert browser().enter("dewi").status == 200
    assert renew().counts == {"links": 0, "letters": 0}, "again it touches nobody"


def test_a05_the_command_shows_whom_it_touches_and_does_it_only_when_told(office, browser):
    token = office.token("dewi")
    wait(minutes=1)
    command = ["renew-links", "kota", "--year", "2026", "--reason", "kotak surat bocor", "--json"]
    shown = json.loads(CliRunner().invoke(cycle_commands, command).output)
    assert (shown["done"], browser().http.get(f"/a/{token}").status_code) == (False, 200)
    done = json.loads(CliRunner().invoke(cycle_commands, [*command, "--yes"]).output)
    assert done["counts"] == shown["counts"]
    assert browser().http.get(f"/a/{token}").status_code == 404
    entry = rows(office, TrailEntry, type="link.renewed")[0]
    assert (entry.content["why"], entry.content["after"]["links"]) == ("kotak surat bocor", done["counts"]["links"])


# A6: two people, one browser


def test_a06_the_link_of_one_in_the_browser_of_another_never_mixes(office, browser):
    shared = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    shared.get(f"/w/task/{task}")
    tab = shared.html
    shared.get(f"/a/{office.token('eko')}")
    assert "Eko S." in shared.html
    shared.fill("/a", {})
    assert "Eko Santoso" in shared.html, "the page says who acts"
    assert "Dewi" not in shared.html
    for path in (f"/w/task/{task}", f"/w/task/{task}/draft"):
        shared.html = tab
        shared.fill(f"/w/task/{task}", plan_form(), to=path)
        assert shared.status == 409
        assert "Eko Santoso" in shared.html
    shared.html = tab
    shared.fill(f"/w/task/{task}", {"then": "end"}, to=f"/w/task/{task}/draft")
    assert shared.status == 409
    assert shared.http.get("/w").status_code == 200, "Dewi's page does not even end Eko's session"
    assert rows(office, Submission) == rows(office, Draft) == []


# A7: guessing


def guess() -> str:
    return b32encode(secrets.token_bytes(25)).decode().lower()


def test_a07_guesses_are_stopped_by_the_limiter_and_cost_the_database_next_to_nothing(office, browser, caplog):
    who, before = browser(), kept(office.db)
    alarm.links.__init__()
    seen = [who.http.get(f"/a/{guess()}") for _ in range(200)]
    assert [answer.status_code for answer in seen] == [404] * 20 + [429] * 180
    assert kept(office.db) == before
    (count,) = rows(office, Throttle)
    assert count.count == 20, "a flood costs twenty writes a minute"
    assert [r.getMessage() for r in caplog.records if r.name == "web.alarm"] == [
        "20 of 20 links (100.0 %) were bad within five minutes"
    ]
    assert who.http.get(f"/a/{office.token('dewi')}").status_code == 200, "honest links from the same office go on"


def test_a07_none_of_fifty_thousand_random_tokens_is_ours():
    guesses = (guess() for _ in range(50_000))
    assert not [one for one in guesses if verify(one, master=MASTER, kids=range(256)) is not None]


def test_a07_unknown_and_revoked_are_alike_in_words_headers_questions_and_time(office, browser):
    with office.db.transaction() as session:
        links.revoke_links(session, office.people["eko"], "test", at=clock.now())
    tokens = {"unknown": sign(99, kid=KID, master=MASTER), "revoked": office.token("dewi")}
    revoked = rows(office, ActionLink, person_id=office.people["eko"])[0]
    tokens["revoked"] = sign(revoked.id, kid=KID, master=MASTER)
    who, asked, seen = browser(), [], {}
    event.listen(office.db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    took: dict[str, list[float]] = {"unknown": [], "revoked": []}
    for turn in range(40):
        if turn % 8 == 0:
            wait(minutes=1)
        for name in sorted(tokens, reverse=bool(turn % 2)):
            asked.clear()
            begun = time.perf_counter()
            answer = who.http.get(f"/a/{tokens[name]}")
            took[name].append(time.perf_counter() - begun)
            headers = {k: v for k, v in answer.headers.items() if k not in ("date",)}
            seen.setdefault(name, set()).add((answer.status_code, answer.text, str(headers), tuple(asked)))
    assert len(seen["unknown"]) <= 2, "the first of a minute makes the counter"
    assert seen["unknown"] | seen["revoked"] == seen["unknown"]
    medians = [statistics.median(times) for times in took.values()]
    assert max(medians) < 2 * min(medians), medians


def test_a07_many_bad_links_raise_an_alarm_and_a_few_do_not(caplog):
    at, bad = clock.datetime(2026, 1, 5, tzinfo=clock.UTC), alarm.BadLinks()
    assert not [n for n in range(3000) if bad.note(bad=n % 150 == 0, at=at)], "fewer than one in a hundred"
    assert [n for n in range(500) if bad.note(bad=True, at=at)], "more"
    assert not bad.note(bad=True, at=at), "said once"
    assert not [n for n in range(19) if bad.note(bad=True, at=at + alarm.WINDOW)], "a broken link on a quiet day"
    assert bad.note(bad=True, at=at + alarm.WINDOW)
    assert len([r for r in caplog.records if r.name == "web.alarm"]) == 2


# A8, A9, A10: forwarded links and codes


def test_a08_whoever_a_link_was_forwarded_to_scores_nobody_without_the_owners_mailbox(office_in, app):
    office = office_in(SCORING)
    stranger = Browser(app, office).enter("budi", SCORING)
    task = office.task("budi", ActKind.SCORE, "dewi")
    before = kept(office.db)
    for path in (f"/w/task/{task}", f"/w/task/{task}/draft"):
        stranger.send(path, {"who": office.people["budi"], "version": 1, "nonce": "n" * 16, "confirm": "yes",
                             "feedback": "Buruk", "result_rating": "below", "behavior_rating": "below"})  # fmt: skip
        assert stranger.url.startswith("/w/code") or stranger.status == 403
    assert [line for line in kept(office.db) if 'INTO "draft"' not in line] == [
        line for line in before if 'INTO "draft"' not in line
    ]
    stranger.get("/w/code")
    stranger.send("/w/code", stranger.fields("/w/code") | {"email": "stranger@evil.example", "to": "stranger"})
    stranger.get("/w/code")
    stranger.fill("/w/code", {})
    letters = rows(office, Letter, kind="step_code")
    assert {letter.address for letter in letters} == {"budi@kota.example"}
    assert rows(office, Submission) == rows(office, RatingRecord) == []


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def test_a09_a_code_cannot_be_guessed_reused_carried_over_or_kept(office_in, app):
    office = office_in(SCORING)
    budi, other = (Browser(app, office).enter("budi", SCORING) for _ in range(2))
    budi.get("/w/code")
    budi.fill("/w/code", {})
    form, code = budi.fields("/w/code/verify"), office.code("budi")
    for guess in (
        wrong(code),
        "",
        "abc",
        code[:7],
        code + "0",
        "٠١٢٣٤٥٦٧",
        code,
    ):  # the sixth and seventh come too late
        budi.send("/w/code/verify", form | {"code": guess})
        assert budi.status == 422
    (tried,) = rows(office, StepCode)
    assert (tried.tries, tried.used_at) == (5, None)
    other.get("/w/code")
    other.fill("/w/code", {})
    form, code = other.fields("/w/code/verify"), office.code("budi")
    budi.send("/w/code/verify", form | {"code": code})
    assert budi.status == 422, "the code of another session"
    clock.move_to(clock.now() + timedelta(minutes=11))
    other.send("/w/code/verify", form | {"code": code})
    assert other.status == 422, "eleven minutes old"
    other.get("/w/code")
    other.fill("/w/code", {})
    form, code = other.fields("/w/code/verify"), office.code("budi")
    other.send("/w/code/verify", form | {"code": code})
    assert other.url == "/w"
    other.send("/w/code/verify", form | {"code": code})
    assert other.status == 422, "used"
    assert [one.used_at is not None for one in rows(office, StepCode)] == [False, False, True]
    assert [row.proven_at is not None for row in rows(office, WebSession)] == [False, True]
    assert sum(one.tries for one in rows(office, StepCode)) <= 15, "of 10^8, in an hour, for one link"


def test_a09_of_parallel_verifies_one_wins(office_in, app):
    office = office_in(SCORING)
    budi = Browser(app, office).enter("budi", SCORING)
    budi.get("/w/code")
    budi.fill("/w/code", {})
    form, cookie = budi.fields("/w/code/verify") | {"code": office.code("budi")}, budi.http.cookies["s"]

    def press(_n: int) -> int:
        answer = Browser(app, office).http.post(
            "/w/code/verify", data=form, headers={**ORIGIN, "Cookie": f"s={cookie}"}, follow_redirects=False
        )
        return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(8)))[0] == 303
    with office.db.reading() as session:
        for spent in (StepCode.used_at, WebSession.proven_at):
            assert session.scalar(select(func.count(spent))) == 1


def test_a09_parallel_wrong_guesses_are_each_counted(office_in, app):
    office = office_in(SCORING)
    budi = Browser(app, office).enter("budi", SCORING)
    budi.get("/w/code")
    budi.fill("/w/code", {})
    form, cookie = budi.fields("/w/code/verify") | {"code": wrong(office.code("budi"))}, budi.http.cookies["s"]

    def press(_n: int) -> str:
        headers = {**ORIGIN, "Cookie": f"s={cookie}"}
        return Browser(app, office).http.post("/w/code/verify", data=form, headers=headers).text

    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(press, range(12)))
    assert sum("Sisa percobaan" in page for page in pages) == 5
    assert rows(office, StepCode)[0].tries == 5


def test_a10_a_flood_of_code_requests_mails_three_an_hour(office_in, app):
    office = office_in(SCORING)
    many = [Browser(app, office).enter("budi", SCORING) for _ in range(3)]
    seen = []
    for n in range(24):
        who = many[n % 3]
        who.send("/w/code", {"who": office.people["budi"], "task": "0"})
        seen.append(who.status)
    assert seen == [200] * 15 + [429] * 9, "five in each session"
    assert len(rows(office, StepCode)) == 15
    assert office.letters("step_code") == 3


# A11: asking for a new link


def _told(answer) -> tuple:
    """All that an answer says: a page may tell nothing apart that these do not."""
    return answer.status_code, answer.text, tuple(sorted((k, v) for k, v in answer.headers.items() if k != "date"))


def test_a11_a_flood_of_reissues_mails_three_a_day_and_never_tells_whether_anybody_is_there(office, browser):
    genuine, revoked = office.token("dewi"), office.token("eko")
    with office.db.transaction() as session:
        links.revoke_links(session, office.people["eko"], "lost", at=clock.now())
    unknown, nobody = sign(99, kid=KID, master=MASTER), office.token("hadi")
    mailed, who, seen = len(rows(office, Letter)), browser(), set()
    for n in range(40):
        for token in (genuine, revoked, unknown, nobody):
            more = {"email": "gita@kota.example", "address": "x@evil.example"} if n % 2 else {}
            answer = who.http.post("/a/reissue", data={"token": token} | more, headers=ORIGIN)
            seen.add(_told(answer))
    for _ in range(15):
        seen.add(_told(who.http.post("/a/reissue", data={"token": guess()}, headers=ORIGIN)))
    assert len(seen) == 1
    new = rows(office, Letter)[mailed:]
    assert sorted(letter.address for letter in new) == ["dewi@kota.example"] * 4 + ["eko@kota.example"] * 4
    office.go_to(date(2026, 1, 6))
    who.send("/a/reissue", {"token": genuine})
    assert len(rows(office, Letter)) == mailed + 9


def test_a11_the_consoles_form_takes_an_address_and_tells_nothing_about_it(office, browser):
    who, seen = browser(), set()
    for address in ("gita@kota.example", "dewi@kota.example", "nobody@kota.example", "", "' OR 1=1 --", "x" * 400):
        answer = who.http.post("/hr/link", data={"address": address}, headers=ORIGIN)
        cookie = answer.headers.pop("set-cookie", "")
        assert bool(cookie) is bool(address), "drawn at random, whoever asks for whomever"
        seen.add(_told(answer))
    assert len(seen) == 1
    for _ in range(20):
        wait(minutes=1)
        who.send("/hr/link", {"address": "gita@kota.example"})
    assert {letter.address for letter in rows(office, Letter, kind="sign_in")} == {"gita@kota.example"}
    assert office.letters("sign_in") <= 6, "a few, and after that one as soon as the code of the last gets old"
