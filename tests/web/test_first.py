from office import plan_form

from rules.words import ActKind, StageKind


def test_a_person_drafts_a_plan_from_the_link_in_the_mail_to_the_receipt(office, browser):
    office.open(StageKind.TARGET_SETTING)
    dewi = browser()
    dewi.get(f"/a/{office.token('dewi')}")
    assert dewi.status == 200
    assert "Dewi R." in dewi.html
    assert "Dewi Rahma" not in dewi.html
    assert not dewi.http.cookies
    dewi.fill("/a", {})
    assert dewi.url == "/w"
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    assert dewi.status == 200, dewi.html
    dewi.fill(f"/w/task/{task}", plan_form())
    assert dewi.title == "Terkirim", dewi.html
    assert "Terlayaninya warga" in dewi.html
    assert office.letters("receipt") == 1
    dewi.get("/w")
    assert "1 dari 1 selesai" in dewi.html
