from pathlib import Path

import pytest

from notifications.compose import TEMPLATES
from notifications.kinds import KINDS, LIVES, FactsMissing, Life, Secret
from notifications.samples import samples
from notifications.words import DUTIES, LETTERS, NOTES, STAGES
from rules.terms import ActKind, Lane, Locale, StageKind

FORMS = ("subject.txt", "txt", "html")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", Locale)
def test_every_kind_has_its_templates_a_name_and_a_sample(kind: str, locale: Locale) -> None:
    for form in FORMS:
        assert (TEMPLATES / kind / f"{locale.value}.{form}").is_file()
    assert LETTERS[locale][kind]
    for facts in samples(kind, locale):
        KINDS[kind].filled(facts)


def test_no_template_is_left_over() -> None:
    expected = {f"{kind}/{locale.value}.{form}" for kind in KINDS for locale in Locale for form in FORMS}
    found = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.glob("*/*") if path.parent != TEMPLATES / "_base"}
    assert found == expected
    assert Path(TEMPLATES / "_base/letter.html").is_file()


@pytest.mark.parametrize("locale", Locale)
def test_every_stage_and_act_can_be_named(locale: Locale) -> None:
    assert set(STAGES[locale]) == set(NOTES[locale]) == set(StageKind)
    assert set(DUTIES[locale]) == set(ActKind)
    assert all("{n}" not in one and "{n}" in many for one, many in DUTIES[locale].values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_letter_lacks_is_named_when_it_is_owed(kind: str) -> None:
    facts = samples(kind, Locale.ID)[0]
    for name in KINDS[kind].facts:
        lacking = {key: value for key, value in facts.items() if key != name}
        with pytest.raises(FactsMissing, match=name) as missing:
            KINDS[kind].check(lacking)
        assert missing.value.names == {name}
    KINDS[kind].check(facts)


def test_a_secret_is_never_among_the_facts_that_are_stored() -> None:
    for kind in KINDS.values():
        if kind.secret is not None:
            assert not {"url", "code"} & kind.facts
    with pytest.raises(FactsMissing, match="code"):
        KINDS["step_code"].filled({"name": "", "agency": "", "contact": "", "minutes": 10})


def test_what_cannot_wait_has_the_urgent_lane() -> None:
    assert {kind.name for kind in KINDS.values() if kind.lane is Lane.URGENT} == {"step_code", "sign_in", "receipt"}
    assert KINDS["sign_in"].secret is Secret.SIGN_IN_CODE


def test_somebody_decided_for_every_kind_what_ends_it_and_only_what_invites_ends_with_its_stage() -> None:
    assert set(LIVES) == set(KINDS)
    assert {kind for kind, life in LIVES.items() if life is Life.WITH_STAGE} == {"stage_invitation", "reminder"}
    assert {kind for kind, life in LIVES.items() if life is Life.WITH_SECRET} == {
        kind.name for kind in KINDS.values() if kind.secret in (Secret.CODE, Secret.SIGN_IN_CODE)
    }
    for kind in ("result_issued", "corrected_result", "final_letter", "objection_notice", "reassigned_notice"):
        assert LIVES[kind] is Life.LASTING, kind
