"""Sample facts for every kind of letter, in both languages: for previews, dry runs and tests."""

from collections.abc import Iterator, Mapping
from typing import Any

from notifications.kinds import KINDS, Secret
from rules.terms import ActKind, Locale, StageKind

ID, EN = Locale.ID, Locale.EN

NAMES = (
    "Siti Aminah, S.E.",
    "Dr. Ir. H. Muhammad Rizky Ramadhan Kusumawardhana bin Abdurrahman Al-Banjari, S.Kom., M.Si., Ph.D.",
    "Keiran O’Brien-D'Souza",
    "Sukarno",
    "نور هداية بنت عبد الرحمن",
    "Ni Luh Putu Ayu “Ayu” Lestari & Co <ayu@example.org>",
)
"""Plain, very long, apostrophes, a single name, right to left, and one that tries to be more than a name."""

URL = "https://kinerja.palukota.example/a/" + "aeaaaaaaaaaaaalwmwfvi2sjkdzsuodlam3nqpry"
CONSOLE = "https://konsol.palukota.example/"
_DUE, _OLD_DUE, _AT = "2027-01-29T15:59:59+00:00", "2027-01-22T15:59:59+00:00", "2027-01-12T02:15:30+00:00"
_AGENCY = {ID: "Pemerintah Kota Palu", EN: "City Government of Palu"}
_CONTACT = {
    ID: "Bidang Kinerja BKPSDM Kota Palu, (0451) 421 123, kinerja@palukota.example",
    EN: "the performance desk of BKPSDM Palu, (0451) 421 123, kinerja@palukota.example",
}
_UNITS = {
    ID: ("Dinas Pendidikan dan Kebudayaan", "Badan Perencanaan Pembangunan Daerah"),
    EN: ("Department of Education and Culture", "Regional Development Planning Agency"),
}


def samples(kind: str, locale: Locale) -> list[dict[str, Any]]:
    """Return complete facts, secrets included, for every variant of the letter; the first is the usual one."""
    variants = _SAMPLES.get(kind, ({},))
    found = []
    for turn, variant in enumerate(variants):
        facts = _common(locale, NAMES[turn % len(NAMES)]) | {
            name: value[locale] if isinstance(value, _Both) else value for name, value in variant.items()
        }
        coded = KINDS[kind].secret in (Secret.CODE, Secret.SIGN_IN_CODE)
        facts |= {"code": "48210937"} if coded else {"url": URL}
        found.append(facts | ({"url": CONSOLE} if KINDS[kind].secret is None else {}) | dict(variant.get("_", {})))
    return found


def every_sample() -> Iterator[tuple[str, Locale, int, dict[str, Any]]]:
    """All kinds, languages and variants."""
    for kind in KINDS:
        for locale in Locale:
            for number, facts in enumerate(samples(kind, locale)):
                yield kind, locale, number, facts


class _Both(dict[Locale, Any]):
    """A fact that is text, in both languages."""


def _common(locale: Locale, name: str) -> dict[str, Any]:
    return {
        "name": name, "agency": _AGENCY[locale], "contact": _CONTACT[locale], "year": 2026, "zone": "Asia/Makassar",
        "stage": StageKind.SUPERVISOR_SCORING.value, "due": _DUE, "at": _AT,
    }  # fmt: skip


def _duties(**counts: int) -> list[dict[str, Any]]:
    return [{"kind": ActKind(kind).value, "count": count} for kind, count in counts.items()]


def _late(locale: Locale) -> list[dict[str, Any]]:
    first, second = _UNITS[locale]
    crowd = [f"{NAMES[1].split(',')[0]} {n}" for n in range(1, 15)]
    return [{"unit": first, "open": 1412, "people": crowd}, {"unit": second, "open": 3, "people": list(NAMES[2:5])}]


def _bounced(locale: Locale) -> list[dict[str, Any]]:
    first, second = _UNITS[locale]
    return [
        {"person": NAMES[1], "unit": first, "address": "rizky.ramadhan@palukota.example", "kind": "stage_invitation",
         "reason": "550 5.1.1 User unknown"},
        {"person": NAMES[2], "unit": second, "address": "keiran.o'brien@palukota.example", "kind": "reminder",
         "reason": "550 5.2.1 Mailbox disabled"},
    ]  # fmt: skip


def _received(locale: Locale) -> list[dict[str, Any]]:
    first = {"act": ActKind.SCORE.value, "employee": NAMES[1], "at": _AT, "receipt_no": "7KQ2M9XD4R"}
    more = [first | {"employee": name, "receipt_no": f"7KQ2M9XD4{n}"} for n, name in enumerate(NAMES[2:5], 5)]
    unit = {"act": ActKind.SET_UNIT_PREDICATE.value, "employee": _UNITS[locale][0], "receipt_no": "QW3ZX7N2AB"}
    return [first, *more, first | unit]


_RETURNED = _Both({
    ID: "Target kuantitas belum menyebut periode; mohon ditulis per triwulan dan beserta sumber datanya.",
    EN: "The target names no period; please give it per quarter, with the source of its data.",
})  # fmt: skip
_WANTED = _Both({
    ID: "Ada tambahan dua loket sejak Maret.",
    EN: "Two counters were added in March.",
})  # fmt: skip
_COUNTS = {"owed": 5012, "accepted": 4997, "open": 0, "bounced": 14, "ambiguous": 1, "missing": 0, "doubled": 0,
           "restored": 0}  # fmt: skip
_STAGES = [
    {"stage": stage.value, "opens": f"{year}-{month:02}-05T00:00:00+08:00",
     "due": f"{year}-{month:02}-28T23:59:59+08:00"}
    for stage, year, month in zip(StageKind, (2026, 2026, 2027, 2027, 2027, 2027), (1, 6, 1, 2, 2, 3), strict=True)
]  # fmt: skip
_OWED = {
    StageKind.TARGET_SETTING: _duties(draft_targets=1, establish_targets=8),
    StageKind.MID_YEAR_REVIEW: _duties(report_progress=1, give_feedback=8),
    StageKind.SUPERVISOR_SCORING: _duties(score=12, self_assess=1, set_unit_predicate=1, override_distribution=1),
    StageKind.OBJECTION_HANDLING: _duties(acknowledge=1, object=1, explain=2, decide_objection=1),
    StageKind.AUDIT_SAMPLING: _duties(examine=40, reply_to_finding=1, conclude_finding=3),
    StageKind.FINALIZATION: _duties(decide_recommendation=2, account_for=1234),
}
_DATES = [
    {"stage": StageKind.SUPERVISOR_SCORING.value, "due": _DUE, "old_due": _OLD_DUE},
    {"stage": StageKind.OBJECTION_HANDLING.value, "due": None, "old_due": None},
]
_TWELVE = _duties(score=12, self_assess=1)

_SAMPLES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "stage_invitation": (
        {"duties": _TWELVE},
        *({"stage": stage.value, "duties": duties} for stage, duties in _OWED.items()),
        {"duties": _duties(score=1), "contact": ""},
    ),
    "reminder": tuple({"duties": _TWELVE, "days_left": days} for days in (3, 1, 0, -2, None)),
    "escalation": tuple(
        {"audience": audience, "days_late": days, "units": _Both({ID: _late(ID), EN: _late(EN)})}
        for audience, days in (("superior", 1), ("hr", 3), ("ppk", 7))
    ),
    "receipt": (
        {"act": ActKind.SCORE.value, "receipt_no": "7KQ2M9XD4R"},
        {"act": ActKind.ACKNOWLEDGE.value, "receipt_no": "7KQ2M9XD4R", "until": _DUE},
        *({"act": act.value, "receipt_no": "7KQ2M9XD4R"} for act in ActKind),
    ),
    "receipt_digest": (
        {"on": "2027-01-12", "acts": _Both({locale: _received(locale) for locale in Locale})},
        {"on": "2027-01-12", "acts": [{"act": "set_unit_predicate", "employee": "", "at": _AT,
                                       "receipt_no": "7KQ2M9XD4R"}]},
    ),
    "step_code": ({"minutes": 10},),
    "sign_in": ({"minutes": 15},),
    "address_changed": (
        {"at": _AT, "until": "2027-01-13T02:15:30+00:00", "audience": "old"},
        {"at": _AT, "until": "2027-01-13T02:15:30+00:00", "audience": "new", "_": {"url": None}},
    ),
    "result_issued": (
        {"objection_days": 14, "deemed_days": 7, "if_on": _AT, "if_until": _DUE},
        {"objection_days": 14, "deemed_days": 7, "until": _DUE},
        {"objection_days": 14, "day_kind": "working"},
    ),
    "corrected_result": (
        {"cause": "audit", "audience": "employee", "by": NAMES[1]},
        {"cause": "audit", "audience": "rater", "by": NAMES[1], "employee": NAMES[2], "changed": False},
        {"cause": "audit"},
        {"cause": "correction", "audience": "employee"},
        {"cause": "objection", "audience": "rater", "employee": NAMES[4]},
    ),
    "default_plan_notice": (
        {"audience": "employee"},
        {"audience": "rater", "employees": 1, "employee": NAMES[1]},
        {"audience": "unit_head", "employees": 1250},
    ),
    "asked_again": (
        {"by": NAMES[1], "reason": _RETURNED, "duties": _duties(self_assess=1)},
        {"by": NAMES[1], "reason": _RETURNED, "duties": _duties(score=2), "employees": [NAMES[2], NAMES[4]]},
        {"by": "", "reason": _RETURNED, "duties": _duties(score=22), "employees": list(NAMES[2:5]), "more": 19},
    ),
    "receipt_deemed": ({"at": _AT, "until": _DUE},),
    "plan_returned": ({"stage": StageKind.TARGET_SETTING.value, "by": NAMES[1], "reason": _RETURNED},),
    "plan_established": ({"stage": StageKind.TARGET_SETTING.value, "by": NAMES[1], "version": 2},),
    "feedback_given": ({"by": NAMES[1]}, {"by": NAMES[4], "report": False}),
    "targets_changed": (
        {"by": NAMES[1], "agreed": True, "reason": _WANTED},
        {"by": NAMES[1], "agreed": False, "reason": _WANTED},
    ),
    "reassigned_notice": (
        {"audience": "new", "duties": _duties(score=3), "decree": "800/117/BKPSDM/2027"},
        {"audience": "old", "duties": _duties(score=3), "_": {"url": None}},
        {"audience": "employee"},
    ),
    "cycle_paused": ({"reason": _Both({ID: "Banjir", EN: "Flood"}), "dates": _DATES},),
    "cycle_resumed": ({"reason": _Both({ID: "Air surut", EN: "The water is gone"}), "dates": _DATES},),
    "deadline_moved": (
        {"old_due": _OLD_DUE, "decree": "800.1.11/42/SK.BKPSDM/2027",
         "reason": _Both({ID: "Gangguan jaringan akibat gempa bumi", EN: "Network outage after the earthquake"})},
        {"old_due": _OLD_DUE, "decree": "800/43/BKPSDM/2027"},
    ),
    "objection_notice": (
        {"audience": "employee", "explain_by": _OLD_DUE},
        {"audience": "rater", "employee": NAMES[1], "explain_by": _OLD_DUE},
        {"audience": "authority", "employee": NAMES[4]},
    ),
    "objection_decided": tuple(
        {"audience": audience, "employee": NAMES[2], "by": NAMES[1], "changed": changed, "filed": _OLD_DUE}
        for audience in ("employee", "rater") for changed in (False, True)
    ),
    "objection_withdrawn": tuple({"audience": one, "employee": NAMES[4]} for one in ("rater", "authority")),
    "audit_notice": (
        {"audience": "rater", "employee": NAMES[1]},
        {"audience": "auditor", "employee": NAMES[2]},
        {"audience": "auditor", "employee": NAMES[2], "silent": True},
        {"audience": "authority", "employee": NAMES[4]},
    ),
    "final_letter": ({"document_no": "800.1.13/1207/BKPSDM/2027"}, {"_": {"url": None}}),
    "bounce_notice": (
        {"letters": _Both({ID: _bounced(ID), EN: _bounced(EN)}), "total": 2},
        {"letters": _Both({ID: _bounced(ID), EN: _bounced(EN)}), "total": 1302},
    ),
    "correction_notice": (
        {"cause": "supervisor", "person": NAMES[1], "reported_by": NAMES[1]},
        {"cause": "supervisor", "person": NAMES[2], "reported_by": NAMES[4]},
        {"cause": "not_me", "person": NAMES[3], "reported_by": NAMES[3]},
        {"cause": "address_stopped", "person": NAMES[3], "reported_by": NAMES[3]},
    ),
    "newcomers_notice": (
        {"people": [{"person": NAMES[2], "unit": "Bagian Umum"}], "total": 1},
        {"people": [{"person": NAMES[2], "unit": "Bagian Umum"}, {"person": NAMES[3], "unit": "BKPSDM"}], "total": 31},
    ),
    "launch_certificate": (
        {"people": 5012, "units": 143, "counts": _COUNTS, "stages": _STAGES},
        {"people": 5012, "units": 143, "counts": _COUNTS | {"accepted": 4995, "missing": 2}, "stages": _STAGES},
    ),
}  # fmt: skip
